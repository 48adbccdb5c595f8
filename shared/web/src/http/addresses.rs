//! The addresses of the two sites, from the environment.

use service::{
    HttpPort,
    environment::{self, Unusable},
};

use crate::pure::address::Address;

pub const HTTP_PORT: HttpPort = HttpPort { variable: "HTTP_PORT", default: 8000 };
pub const STAGE_PORT: HttpPort = HttpPort { variable: "STAGE_PORT", default: 8001 };

/// `PUBLIC_URL`: where phones find the shop.
pub fn public() -> Result<Option<Address>, Unusable> {
    setting("PUBLIC_URL", "http://192.168.1.20:8000")
}

/// `SHOP_URL`: where the stage finds the shop; by default on this machine.
pub fn shop() -> Result<Address, Unusable> {
    or_here(setting("SHOP_URL", "http://website:8000")?, &HTTP_PORT)
}

/// `STAGE_URL`: where browsers find the stage; by default on this machine.
pub fn stage() -> Result<Address, Unusable> {
    or_here(setting("STAGE_URL", "http://127.0.0.1:8001")?, &STAGE_PORT)
}

fn or_here(set: Option<Address>, port: &HttpPort) -> Result<Address, Unusable> {
    match set {
        Some(address) => Ok(address),
        None => Ok(Address::of_machine(std::net::Ipv4Addr::LOCALHOST, port.number()?)),
    }
}

fn setting(name: &'static str, example: &str) -> Result<Option<Address>, Unusable> {
    environment::text(name).map(|value| read(name, value, example)).transpose()
}

fn read(name: &'static str, value: String, example: &str) -> Result<Address, Unusable> {
    let expected = format!("it must be an address such as {example}, without a path or a query");
    Address::read(value.trim()).ok_or(Unusable { name, value, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_said_with_what_it_should_be() {
        let read = |value: &str| read("PUBLIC_URL", value.to_owned(), "http://192.168.1.20:8000");
        assert_eq!(read(" https://beer.example.com ").unwrap().name(), "beer.example.com");
        let wrong = read("beer.example.com?x=1").unwrap_err().to_string();
        assert!(wrong.starts_with("PUBLIC_URL=beer.example.com?x=1 cannot be used: it must be an address"), "{wrong}");
        let path = read("https://example.com/beer/").unwrap_err().to_string();
        assert!(path.ends_with("without a path or a query"), "{path}");
    }
}
