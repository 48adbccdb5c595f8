//! Styles and scripts of the shop, built into the program.

use web::pure::assets::{self, Asset, CSS, JS, asset};

/// Beside those that every site serves.
pub const ASSETS: &[Asset] = &[
    asset("order.css", CSS, include_bytes!("../../../../web/styles/shop/order.css")),
    asset("shop.css", CSS, include_bytes!("../../../../web/styles/shop/shop.css")),
    asset("notice.js", JS, include_bytes!("../../../../web/scripts/shop/notice.js")),
    asset("shop.js", JS, include_bytes!("../../../../web/scripts/shop/shop.js")),
];

/// The address of a file, with its hash.
pub fn address(name: &str) -> String {
    assets::address(ASSETS, name)
}
