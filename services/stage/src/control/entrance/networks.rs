//! The IPv4 networks of this machine: the shop listens on IPv4 only.

use std::net::{IpAddr, Ipv4Addr};

use web::pure::address::Address;

/// Prefixes of the interfaces of containers and virtual machines, where no phone is.
const VIRTUAL: [&str; 9] = ["docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "cni", "podman", "lxc"];

/// This machine's current address in each network.
pub(super) fn addresses(port: u16) -> Vec<Address> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let up = interfaces.iter().filter(|interface| interface.is_oper_up());
    let ours = up.filter_map(|interface| for_phones(&interface.name, interface.ip()));
    ours.map(|ip| Address::of_machine(ip, port)).collect()
}

/// The address, if phones may reach it.
fn for_phones(interface: &str, ip: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V4(ip) = ip else { return None };
    let is_virtual = VIRTUAL.iter().any(|prefix| interface.starts_with(prefix));
    let is_local = ip.is_loopback() || ip.is_link_local() || ip.is_unspecified();
    (!is_virtual && !is_local).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_without_phones_are_left_out() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(for_phones("wlan0", ip("192.168.1.20")), Some(Ipv4Addr::new(192, 168, 1, 20)));
        for (interface, address) in [
            ("lo", "127.0.0.1"),
            ("eth0", "169.254.3.4"),
            ("docker0", "172.17.0.1"),
            ("br-3f2a", "172.18.0.1"),
            ("wlan0", "fe80::1"),
            ("wlan0", "2001:db8::7"),
        ] {
            assert_eq!(for_phones(interface, ip(address)), None, "{interface} {address}");
        }
    }
}
