//! The checks before a talk, one line each.

use std::{
    collections::BTreeSet,
    fs,
    future::Future,
    net::TcpStream,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use events::ids::Moment;
use serde_json::Value;
use thirtyfour::{By, WebDriver};
use tokio::{process::Command, time::Instant};

use super::{Line, Place, beginning::moment, room::Act};
use crate::{Site, until};

/// The lowest major version of the broker.
const BROKER_AT_LEAST: u32 = 4;
/// The least available memory, in MiB.
const MEMORY_MIB: u64 = 512;
/// The least free disk space, in MiB: what `scripts/demo` needs to start.
const DISK_MIB: u64 = 1024;
/// The largest difference between the clocks of browser and stage, in microseconds.
const CLOCKS_APART: i64 = 500_000;
/// How long services may take to report that they are there.
const HERE_WITHIN: Duration = Duration::from_secs(10);
/// Pages of the shop.
const SHOP_PAGES: [&str; 2] = ["/", "/nothing-here"];
/// The pages of the stage that are checked whether or not links lead to them.
const STAGE_PAGES: [&str; 5] = ["/", "/welcome", "/sign-in", "/console", "/nothing-here"];

pub(super) async fn all(place: &Place, driver: &WebDriver, bill: &[Act], tell: &mut impl FnMut(Line)) {
    tell(check("broker", broker(place)).await);
    tell(check("services", services(place, driver)).await);
    tell(check("ports", ports(place)).await);
    tell(check("memory", memory()).await);
    tell(check("disk", disk(&place.data_dir)).await);
    tell(check("clock", clock(place)).await);
    tell(check("pages", pages(place, driver, bill)).await);
}

async fn check(label: &str, checking: impl Future<Output = Result<String>>) -> Line {
    let began = Instant::now();
    let outcome = checking.await;
    Line::of(label, "", began.elapsed(), outcome)
}

async fn broker(place: &Place) -> Result<String> {
    let asked = place.broker.version().await;
    let version = asked.with_context(|| format!("{} does not report its version", place.broker.address()))?;
    ensure!(is_new_enough(&version), "Pulsar {version} is too old: {BROKER_AT_LEAST}.0 or later is needed");
    ensure!(place.broker.is_ready().await, "Pulsar {version} is not ready");
    Ok(format!("Pulsar {version} is ready"))
}

fn is_new_enough(version: &str) -> bool {
    let first = version.split('.').next().and_then(|first| first.parse::<u32>().ok());
    first.is_some_and(|first| first >= BROKER_AT_LEAST)
}

/// All services report that they are there, and those of a native demo that they are healthy.
async fn services(place: &Place, driver: &WebDriver) -> Result<String> {
    driver.goto(format!("{}/console?lang=en", place.stage.address())).await?;
    let running = || async {
        let all = driver.find_all(By::Css(".service")).await?;
        ensure!(all.len() > 5, "the console shows {} services", all.len());
        if let Some(service) = driver.find_all(By::Css(".service:not(.running)")).await?.first() {
            bail!("{}", service.text().await?);
        }
        Ok(all.len())
    };
    let here = until("everybody to be there", HERE_WITHIN, running).await?;
    let healthy = healthy(place).await?;
    Ok(format!("{here} services are running, {healthy} report that they are ready"))
}

async fn healthy(place: &Place) -> Result<usize> {
    let mut addresses = vec![place.shop.address().to_owned(), place.stage.address().to_owned()];
    for service in events::ids::Service::ALL {
        let noted = place.data_dir.join("run").join(format!("{}.port", service.name()));
        if let Ok(port) = fs::read_to_string(noted) {
            addresses.push(format!("http://127.0.0.1:{}", port.trim()));
        }
    }
    for address in &addresses {
        let answer = place.shop.http().get(format!("{address}/health/ready")).send().await?;
        ensure!(answer.status().is_success(), "{address}/health/ready answers {}", answer.status());
    }
    Ok(addresses.len())
}

async fn ports(place: &Place) -> Result<String> {
    for (name, port) in &place.ports {
        let connected = TcpStream::connect(format!("127.0.0.1:{port}"));
        connected.with_context(|| format!("nothing listens on port {port} ({name})"))?;
    }
    let ports: Vec<&str> = place.ports.iter().map(|(_, port)| port.as_str()).collect();
    Ok(format!("{} are open", ports.join(", ")))
}

async fn memory() -> Result<String> {
    let free = match fs::read_to_string("/proc/meminfo") {
        Ok(known) => linux_memory_mib(&known),
        Err(_) => mac_memory_mib(&said("vm_stat", &[]).await?),
    };
    let free = free.context("the system does not say how much memory is free")?;
    ensure!(free >= MEMORY_MIB, "{free} MiB are free, {MEMORY_MIB} are needed");
    Ok(format!("{free} MiB free"))
}

async fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().await.with_context(|| program.to_owned())?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn linux_memory_mib(meminfo: &str) -> Option<u64> {
    let available = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(available.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

/// The free or soon free pages of `vm_stat`, in MiB; their size is in its first line.
fn mac_memory_mib(vm_stat: &str) -> Option<u64> {
    let page: u64 = vm_stat.split("page size of ").nth(1)?.split_whitespace().next()?.parse().ok()?;
    let pages = |name: &str| {
        let count = vm_stat.lines().find_map(|line| line.strip_prefix(name))?;
        count.trim_matches([':', ' ', '.']).parse::<u64>().ok()
    };
    Some((pages("Pages free")? + pages("Pages inactive")?) * page / 1024 / 1024)
}

async fn disk(data_dir: &Path) -> Result<String> {
    let here = if data_dir.exists() { data_dir } else { Path::new(".") };
    let table = said("df", &["-Pk", &here.display().to_string()]).await?;
    let free =
        table.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)).and_then(|kib| kib.parse::<u64>().ok());
    let free = free.context("df does not say how much is free")? / 1024;
    ensure!(free >= DISK_MIB, "{free} MiB are free, {DISK_MIB} are needed");
    Ok(format!("{free} MiB free"))
}

pub(super) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Ages and countdowns use the clock of the browser's machine, which is this one.
async fn clock(place: &Place) -> Result<String> {
    let before = now();
    let theirs = moment(&place.stage.get("/api/history").await?["at"])?;
    let after = now();
    let apart = (before.micros_since(theirs)).max(theirs.micros_since(after)).max(0);
    ensure!(apart <= CLOCKS_APART, "the stage's clock and this one are {} ms apart", apart / 1000);
    Ok(format!("the stage's clock and this one are {} ms apart", apart / 1000))
}

/// No page loads anything from outside: the shop's pages load from the shop alone, the stage's from both.
async fn pages(place: &Place, driver: &WebDriver, bill: &[Act]) -> Result<String> {
    let (shop, stage) = (&*place.shop, &*place.stage);
    let mut parts = 0;
    for page in SHOP_PAGES {
        parts += parts_from(&[shop], shop, page, driver).await?;
    }
    let mut to_see: BTreeSet<String> = STAGE_PAGES.map(str::to_owned).into_iter().collect();
    to_see.extend(bill.iter().map(|act| act.page.clone()));
    let mut seen = BTreeSet::new();
    while let Some(page) = to_see.pop_first() {
        parts += parts_from(&[stage, shop], stage, &page, driver).await?;
        seen.insert(page);
        to_see.extend(links(driver).await?.into_iter().filter(|link| !seen.contains(link)));
    }
    ensure!(seen.len() > STAGE_PAGES.len(), "the stage has no pages: {seen:?}");
    Ok(format!("{} pages and {parts} parts of them come from here", SHOP_PAGES.len() + seen.len()))
}

/// How many resources a page of `site` loads, all of them from `sources`.
async fn parts_from(sources: &[&Site], site: &Site, page: &str, driver: &WebDriver) -> Result<usize> {
    driver.goto(format!("{}{page}?lang=en", site.address())).await?;
    let script = "return performance.getEntriesByType('resource').map(part => part.name).concat(\
                  [...document.querySelectorAll('[src], link[href]')].map(part => part.src || part.href))";
    let parts: Value = driver.execute(script, Vec::new()).await?.json().clone();
    let parts: Vec<&str> = parts.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let here = |part: &str| sources.iter().any(|source| is_of(part, source.address()));
    match parts.iter().find(|part| !here(part) && !part.is_empty() && !part.starts_with("data:")) {
        Some(outside) => bail!("{page} loads {outside}"),
        None => Ok(parts.len()),
    }
}

/// Whether this address is on the site. A port that only begins like the site's is another one.
fn is_of(address: &str, site: &str) -> bool {
    address.strip_prefix(site).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// The other pages of the stage to which a page links.
async fn links(driver: &WebDriver) -> Result<Vec<String>> {
    let script = "return [...document.querySelectorAll('nav a[href^=\"/\"]')].map(link => link.pathname)";
    let links = driver.execute(script, Vec::new()).await?.json().clone();
    Ok(links.as_array().into_iter().flatten().filter_map(|link| link.as_str().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_read_from_linux_and_from_a_mac() {
        assert_eq!(linux_memory_mib("MemTotal: 24 kB\nMemAvailable:    2097152 kB\n"), Some(2048));
        let mac = "Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free:   64000.\nPages inactive:  64000.\n";
        assert_eq!(mac_memory_mib(mac), Some(2000));
        assert_eq!(mac_memory_mib(""), None);
    }

    #[test]
    fn any_pulsar_from_4_0_on_will_do() {
        let tried = ["4.0.0", "4.0.6", "4.2.1", "5.0.1", "10.1.0-SNAPSHOT", "3.3.9", "", "latest"].map(is_new_enough);
        assert_eq!(tried, [true, true, true, true, true, false, false, false]);
    }
}
