//! Styles and scripts of the stage, built into the program.

use web::pure::assets::{self, Asset, CSS, JS, asset};

/// Added to the files of every site.
pub const ASSETS: &[Asset] = &[
    asset("analysis.css", CSS, include_bytes!("../../../../web/styles/stage/analysis.css")),
    asset("console.css", CSS, include_bytes!("../../../../web/styles/stage/console.css")),
    asset("deliveries.css", CSS, include_bytes!("../../../../web/styles/stage/deliveries.css")),
    asset("follow.css", CSS, include_bytes!("../../../../web/styles/stage/follow.css")),
    asset("fraud.css", CSS, include_bytes!("../../../../web/styles/stage/fraud.css")),
    asset("keys.css", CSS, include_bytes!("../../../../web/styles/stage/keys.css")),
    asset("ledger.css", CSS, include_bytes!("../../../../web/styles/stage/ledger.css")),
    asset("map.css", CSS, include_bytes!("../../../../web/styles/stage/map.css")),
    asset("past.css", CSS, include_bytes!("../../../../web/styles/stage/past.css")),
    asset("pulsar.css", CSS, include_bytes!("../../../../web/styles/stage/pulsar.css")),
    asset("qr.css", CSS, include_bytes!("../../../../web/styles/stage/qr.css")),
    asset("stage.css", CSS, include_bytes!("../../../../web/styles/stage/stage.css")),
    asset("stock.css", CSS, include_bytes!("../../../../web/styles/stage/stock.css")),
    asset("welcome.css", CSS, include_bytes!("../../../../web/styles/stage/welcome.css")),
    asset("charts.js", JS, include_bytes!("../../../../web/scripts/stage/charts.js")),
    asset("console.js", JS, include_bytes!("../../../../web/scripts/stage/console.js")),
    asset("dots.js", JS, include_bytes!("../../../../web/scripts/stage/dots.js")),
    asset("follow.js", JS, include_bytes!("../../../../web/scripts/stage/follow.js")),
    asset("keys.js", JS, include_bytes!("../../../../web/scripts/stage/keys.js")),
    asset("map.js", JS, include_bytes!("../../../../web/scripts/stage/map.js")),
    asset("past.js", JS, include_bytes!("../../../../web/scripts/stage/past.js")),
    asset("send.js", JS, include_bytes!("../../../../web/scripts/stage/send.js")),
    asset("stock.js", JS, include_bytes!("../../../../web/scripts/stage/stock.js")),
    asset("welcome.js", JS, include_bytes!("../../../../web/scripts/stage/welcome.js")),
    asset("uplot-1.6.32.js", JS, include_bytes!("../../../../web/vendor/uplot/uPlot.iife.min.js")),
    asset("uplot-1.6.32.css", CSS, include_bytes!("../../../../web/vendor/uplot/uPlot.min.css")),
];

/// The address of a file, including its hash.
pub fn address(name: &str) -> String {
    assets::address(ASSETS, name)
}
