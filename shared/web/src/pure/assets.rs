//! The files a browser loads for the pages: styles, scripts and the typeface, built into the program. Each site has its
//! own list beside [`SHARED`].

/// One file under `/assets/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// The name under `/assets/`.
    pub name: &'static str,
    pub content_type: &'static str,
    pub bytes: &'static [u8],
    /// A hash of the file, for its `ETag` and its address.
    pub hash: u64,
}

pub const CSS: &str = "text/css; charset=utf-8";
pub const JS: &str = "text/javascript; charset=utf-8";

/// The files that every site serves.
pub const SHARED: &[Asset] = &[
    asset("base.css", CSS, include_bytes!("../../../../web/styles/shared/base.css")),
    asset("header.css", CSS, include_bytes!("../../../../web/styles/shared/header.css")),
    asset("theme.js", JS, include_bytes!("../../../../web/scripts/shared/theme.js")),
    asset("live.js", JS, include_bytes!("../../../../web/scripts/shared/live.js")),
    asset("fragments.js", JS, include_bytes!("../../../../web/scripts/shared/fragments.js")),
    asset("countdowns.js", JS, include_bytes!("../../../../web/scripts/shared/countdowns.js")),
    asset("icon.svg", "image/svg+xml", include_bytes!("../../../../web/icon.svg")),
    // Named with its version, without a hash: a style sheet contains the address.
    asset(
        "figtree-5.3.0.woff2",
        "font/woff2",
        include_bytes!("../../../../web/vendor/figtree/figtree-latin-wght-normal.woff2"),
    ),
];

pub const fn asset(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    Asset { name, content_type, bytes, hash: fnv(bytes) }
}

/// FNV-1a, 64 bits. It only has to change when the file does.
const fn fnv(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

/// Looks among a site's own files and the shared ones.
pub fn find(of_site: &'static [Asset], name: &str) -> Option<&'static Asset> {
    of_site.iter().chain(SHARED).find(|asset| asset.name == name)
}

/// The address of a file, with its hash, so that browsers may cache it for ever.
pub fn address(of_site: &'static [Asset], name: &str) -> String {
    match find(of_site, name) {
        Some(asset) => format!("/assets/{name}?v={:016x}", asset.hash),
        None => format!("/assets/{name}"),
    }
}

impl Asset {
    pub fn etag(&self) -> String {
        format!("\"{:016x}\"", self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn every_file_has_an_address_of_its_own() {
        for asset in SHARED {
            assert_eq!(find(&[], asset.name), Some(asset));
            assert!(address(&[], asset.name).ends_with(&format!("{:016x}", asset.hash)));
        }
        testing::pages::are_our_own(SHARED);
    }
}
