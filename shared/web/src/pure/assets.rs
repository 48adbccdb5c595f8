//! What a browser loads beside the pages: styles, scripts and the typeface, built into the program.

/// One file under `/assets/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Its name under `/assets/`.
    pub name: &'static str,
    pub content_type: &'static str,
    pub bytes: &'static [u8],
    /// A hash of the file, for its ETag and its address.
    pub hash: u64,
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

pub const ASSETS: &[Asset] = &[
    asset("base.css", CSS, include_bytes!("../../../../web/styles/base.css")),
    asset("header.css", CSS, include_bytes!("../../../../web/styles/header.css")),
    asset("shop.css", CSS, include_bytes!("../../../../web/styles/shop.css")),
    asset("order.css", CSS, include_bytes!("../../../../web/styles/order.css")),
    asset("stage.css", CSS, include_bytes!("../../../../web/styles/stage.css")),
    asset("map.css", CSS, include_bytes!("../../../../web/styles/map.css")),
    asset("deliveries.css", CSS, include_bytes!("../../../../web/styles/deliveries.css")),
    asset("follow.css", CSS, include_bytes!("../../../../web/styles/follow.css")),
    asset("stock.css", CSS, include_bytes!("../../../../web/styles/stock.css")),
    asset("analysis.css", CSS, include_bytes!("../../../../web/styles/analysis.css")),
    asset("past.css", CSS, include_bytes!("../../../../web/styles/past.css")),
    asset("fraud.css", CSS, include_bytes!("../../../../web/styles/fraud.css")),
    asset("ledger.css", CSS, include_bytes!("../../../../web/styles/ledger.css")),
    asset("pulsar.css", CSS, include_bytes!("../../../../web/styles/pulsar.css")),
    asset("qr.css", CSS, include_bytes!("../../../../web/styles/qr.css")),
    asset("keys.css", CSS, include_bytes!("../../../../web/styles/keys.css")),
    asset("console.css", CSS, include_bytes!("../../../../web/styles/console.css")),
    asset("theme.js", JS, include_bytes!("../../../../web/scripts/theme.js")),
    asset("live.js", JS, include_bytes!("../../../../web/scripts/live.js")),
    asset("fragments.js", JS, include_bytes!("../../../../web/scripts/fragments.js")),
    asset("countdowns.js", JS, include_bytes!("../../../../web/scripts/countdowns.js")),
    asset("dots.js", JS, include_bytes!("../../../../web/scripts/dots.js")),
    asset("map.js", JS, include_bytes!("../../../../web/scripts/map.js")),
    asset("notice.js", JS, include_bytes!("../../../../web/scripts/notice.js")),
    asset("shop.js", JS, include_bytes!("../../../../web/scripts/shop.js")),
    asset("past.js", JS, include_bytes!("../../../../web/scripts/past.js")),
    asset("send.js", JS, include_bytes!("../../../../web/scripts/send.js")),
    asset("stock.js", JS, include_bytes!("../../../../web/scripts/stock.js")),
    asset("follow.js", JS, include_bytes!("../../../../web/scripts/follow.js")),
    asset("keys.js", JS, include_bytes!("../../../../web/scripts/keys.js")),
    asset("charts.js", JS, include_bytes!("../../../../web/scripts/charts.js")),
    asset("uplot-1.6.32.js", JS, include_bytes!("../../../../web/vendor/uplot/uPlot.iife.min.js")),
    asset("uplot-1.6.32.css", CSS, include_bytes!("../../../../web/vendor/uplot/uPlot.min.css")),
    asset("console.js", JS, include_bytes!("../../../../web/scripts/console.js")),
    asset("icon.svg", "image/svg+xml", include_bytes!("../../../../web/icon.svg")),
    // Named with its version instead of asked for by its hash: the address stands in a style sheet.
    asset(
        "figtree-5.3.0.woff2",
        "font/woff2",
        include_bytes!("../../../../web/vendor/figtree/figtree-latin-wght-normal.woff2"),
    ),
];

const fn asset(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    Asset { name, content_type, bytes, hash: fnv(bytes) }
}

/// FNV-1a, 64 bits: it only has to change when the file does.
const fn fnv(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

/// The file with this name.
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// The address of a file, with its hash so that a browser may keep it for ever.
pub fn address(name: &str) -> String {
    match find(name) {
        Some(asset) => format!("/assets/{name}?v={:016x}", asset.hash),
        None => format!("/assets/{name}"),
    }
}

impl Asset {
    /// The value of its `ETag` header.
    pub fn etag(&self) -> String {
        format!("\"{:016x}\"", self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_an_address_of_its_own() {
        for asset in ASSETS {
            assert_eq!(find(asset.name), Some(asset));
            assert!(address(asset.name).ends_with(&format!("{:016x}", asset.hash)));
            assert!(!asset.bytes.is_empty(), "{}", asset.name);
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for asset in ASSETS.iter().filter(|asset| [CSS, JS].contains(&asset.content_type)) {
            let text = String::from_utf8_lossy(asset.bytes);
            // The first line of what others made may say where it comes from.
            let text = text.lines().filter(|line| !line.starts_with("/*! https://")).collect::<String>();
            assert!(!text.contains("//cdn") && !text.contains("https://"), "{}", asset.name);
        }
    }

    #[test]
    fn the_shop_is_light_enough_for_a_crowd_on_phones() {
        let loaded = [
            "base.css",
            "header.css",
            "shop.css",
            "theme.js",
            "live.js",
            "fragments.js",
            "shop.js",
            "figtree-5.3.0.woff2",
        ];
        let bytes: usize = loaded.iter().filter_map(|name| find(name)).map(|asset| asset.bytes.len()).sum();
        assert!(bytes < 60_000, "{bytes} bytes, and the page itself comes on top");
    }
}
