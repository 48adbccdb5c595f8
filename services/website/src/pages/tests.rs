use std::time::Duration;

use web::pure::{assets::SHARED, language::Language, layout::Theme};

use crate::{
    pages::{assets::ASSETS, shop, slowly},
    pure::form::ShopView,
    samples::{self, frame},
};

#[test]
fn what_is_wrong_stands_at_its_field_with_what_was_typed() {
    let alive = samples::alive();
    let view = ShopView { attempt: Some(samples::failed_attempt()), ..samples::shop() };
    let page = shop::render(&view, frame(Language::En, Theme::Dark, &alive)).unwrap();
    assert!(page.contains("id=\"customer-fault\"") && !page.contains("id=\"address-fault\""));
    assert!(page.contains("id=\"fault-duvel\"") && !page.contains("id=\"fault-orval\""));
    assert!(page.contains("name=\"bottles-duvel\" value=\"99\""));
    assert!(page.contains(Language::En.t("problem.unknown_beer")), "a line without a row is told of above the list");
}

#[test]
fn sold_out_cannot_be_ordered_and_unknown_can() {
    let alive = samples::alive();
    let page = shop::render(&samples::shop(), frame(Language::En, Theme::Dark, &alive)).unwrap();
    let field = |id: &str| page.split(&format!("name=\"bottles-{id}\"")).nth(1).unwrap().split('>').next().unwrap();
    assert!(field("westvleteren-12").contains("disabled"));
    assert!(!field("cantillon-gueuze").contains("disabled"));
}

#[test]
fn the_shop_with_all_it_loads_stays_below_100_kilobytes() {
    let alive = samples::alive();
    let page = shop::render(&samples::shop(), frame(Language::Fr, Theme::Dark, &alive)).unwrap();
    let loaded = SHARED.iter().chain(ASSETS).filter(|asset| page.contains(&format!("/assets/{}", asset.name)));
    let bytes: usize = loaded.map(|asset| asset.bytes.len()).sum();
    assert!(bytes < 60_000, "{bytes} bytes, and the page itself comes on top");
    assert!(bytes + page.len() <= 100_000, "{bytes} bytes and {}", page.len());
}

#[test]
fn who_orders_too_fast_keeps_the_basket() {
    let alive = samples::alive();
    let fields = [("customer", "Ada \"><b>"), ("order_token", "4f1c9a"), ("bottles-orval", "2"), ("other", "x")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let wait = Duration::from_millis(4_100);
    let page = slowly::render(&fields, wait, frame(Language::En, Theme::Dark, &alive)).unwrap();
    assert!(
        page.contains("name=\"bottles-orval\" value=\"2\"") && page.contains("name=\"order_token\" value=\"4f1c9a\"")
    );
    assert!(page.contains("in 5 seconds") && !page.contains("name=\"other\"") && !page.contains("<b>"));
}
