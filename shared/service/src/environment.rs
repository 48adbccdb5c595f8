//! Settings from the environment; it wins over the file `.env`.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
};

use bus::Broker;
use jiff::tz::TimeZone;

use crate::dot_env::{self, DotEnvError};

/// A setting that cannot be used, in a sentence for the person who set it.
#[derive(Debug, thiserror::Error)]
#[error("{name}={value} cannot be used: {expected}")]
pub struct Unusable {
    pub name: &'static str,
    pub value: String,
    /// What it should say.
    pub expected: String,
}

/// Reads `.env`, if there is one. Call it first, before threads are started.
///
/// # Errors
/// If a line cannot be used.
pub fn read_dot_env() -> Result<(), DotEnvError> {
    dot_env::read(&from_top(".env"))
}

/// A path from a setting. A relative one starts at the top of the clone that this was built from, whatever the current folder
/// is; without a clone, as in a container, it starts at the current folder.
pub fn from_top(path: &str) -> PathBuf {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    clone.filter(|top| top.join("Cargo.toml").is_file()).unwrap_or(Path::new("")).join(path)
}

/// The value of a variable; an empty one counts as not set.
pub fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// A number within limits, or the default.
///
/// # Errors
/// If it is set to anything else.
pub fn number<N>(name: &'static str, default: N, limits: RangeInclusive<N>) -> Result<N, Unusable>
where
    N: FromStr + PartialOrd + Display + Copy,
{
    number_in(text, name, default, limits)
}

fn number_in<N>(
    setting: impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: N,
    limits: RangeInclusive<N>,
) -> Result<N, Unusable>
where
    N: FromStr + PartialOrd + Display + Copy,
{
    let Some(value) = setting(name) else { return Ok(default) };
    match value.trim().parse() {
        Ok(number) if limits.contains(&number) => Ok(number),
        _ => {
            let expected = format!("it must be a whole number from {} to {}", limits.start(), limits.end());
            Err(Unusable { name, value, expected })
        }
    }
}

/// The beginning of a certificate in a PEM file.
const PEM_BEGINS: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The broker: `PULSAR_URL`, `PULSAR_ADMIN_URL`, `PULSAR_TOKEN` and `PULSAR_CA_FILE`, or the one on this machine at `PULSAR_PORT` and
/// `PULSAR_HTTP_PORT`.
///
/// # Errors
/// If a port is not a port, or an address has an unknown scheme.
pub fn broker() -> Result<Broker, Unusable> {
    broker_in(text)
}

/// The broker of these settings; `setting` returns the value of a variable.
pub fn broker_in(setting: impl Fn(&str) -> Option<String>) -> Result<Broker, Unusable> {
    let port = number_in(&setting, "PULSAR_PORT", 6650_u16, 1..=u16::MAX)?;
    let http_port = number_in(&setting, "PULSAR_HTTP_PORT", 8080_u16, 1..=u16::MAX)?;
    let url = setting("PULSAR_URL").unwrap_or_else(|| format!("pulsar://127.0.0.1:{port}"));
    if !url.starts_with("pulsar://") && !url.starts_with("pulsar+ssl://") {
        let expected = "it must begin with pulsar:// or pulsar+ssl://".to_owned();
        return Err(Unusable { name: "PULSAR_URL", value: url, expected });
    }
    let admin_url = setting("PULSAR_ADMIN_URL").unwrap_or_else(|| format!("http://127.0.0.1:{http_port}"));
    if !admin_url.starts_with("http://") && !admin_url.starts_with("https://") {
        let expected = "it must begin with http:// or https://".to_owned();
        return Err(Unusable { name: "PULSAR_ADMIN_URL", value: admin_url, expected });
    }
    let authorities = setting("PULSAR_CA_FILE").map(authorities).transpose()?;
    Ok(Broker { url, admin_url, token: setting("PULSAR_TOKEN"), authorities })
}

/// The content of the file `PULSAR_CA_FILE`.
fn authorities(path: String) -> Result<Vec<u8>, Unusable> {
    let expected = |why: &str| format!("it must be a file of certificates (PEM): {why}");
    match std::fs::read(from_top(&path)) {
        Ok(pem) if pem.windows(PEM_BEGINS.len()).any(|window| window == PEM_BEGINS) => Ok(pem),
        Ok(_) => Err(Unusable { name: "PULSAR_CA_FILE", value: path, expected: expected("there is none in it") }),
        Err(error) => Err(Unusable { name: "PULSAR_CA_FILE", value: path, expected: expected(&error.to_string()) }),
    }
}

/// The tenant: `PULSAR_TENANT`, else `beers`.
pub fn tenant() -> String {
    text("PULSAR_TENANT").unwrap_or_else(|| "beers".to_owned())
}

/// The folder for databases and what else must survive a restart: `DATA_DIR`, else `data` at the top of the clone.
pub fn data_dir() -> PathBuf {
    from_top(&text("DATA_DIR").unwrap_or_else(|| "data".to_owned()))
}

/// The time zone for people: `TZ`, else this machine's, else UTC.
///
/// # Errors
/// If `TZ` is not a zone.
pub fn zone() -> Result<TimeZone, Unusable> {
    let zone = TimeZone::try_system();
    match text("TZ") {
        None => Ok(zone.unwrap_or(TimeZone::UTC)),
        Some(value) => {
            let expected = "it must be a zone such as Europe/Brussels".to_owned();
            zone.map_err(|_| Unusable { name: "TZ", value, expected })
        }
    }
}

/// The address that health and metrics listen at: `HEALTH_HOST`, else only this machine.
///
/// # Errors
/// If it is no IP address.
pub fn health_host() -> Result<IpAddr, Unusable> {
    let Some(value) = text("HEALTH_HOST") else { return Ok(Ipv4Addr::LOCALHOST.into()) };
    value.trim().parse().map_err(|_| {
        let expected = "it must be an IP address: 127.0.0.1, or 0.0.0.0 for every network".to_owned();
        Unusable { name: "HEALTH_HOST", value, expected }
    })
}

/// The port for health and metrics: `HEALTH_PORT`, else a free one from the system.
///
/// # Errors
/// If it is not a port.
pub fn health_port() -> Result<u16, Unusable> {
    number("HEALTH_PORT", 0_u16, 0..=u16::MAX)
}
