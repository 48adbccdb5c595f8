//! Every page of the shop with sample data, in every language and theme, and with what a stranger might type.

use std::time::Duration;

use events::ids::{BeerId, EventId, Moment, Service};
use web::{
    order::view::{Status, Step, What},
    pure::{
        language::Language,
        layout::{Fragment, Frame, Theme},
        problem_page,
    },
    testing::pages::{Pages, hostile, stays_text},
};

use crate::{
    pages::{assets::ASSETS, order, shop, slowly},
    pure::form::ShopView,
    samples::{self, frame},
};

/// Every page with its fragments.
fn render(frame: Frame<'_>) -> Vec<(String, Vec<Fragment>)> {
    let open = samples::shop();
    let failed = ShopView { attempt: Some(samples::failed_attempt()), ..samples::shop() };
    let mut pages = vec![
        (shop::render(&open, frame).unwrap(), shop::fragments(&open.beers, frame).unwrap()),
        (shop::render(&failed, frame).unwrap(), shop::fragments(&failed.beers, frame).unwrap()),
    ];
    let fields = [("customer", "Ada \"><b>"), ("bottles-orval", "2"), ("other", "x")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    pages.push((slowly::render(&fields, Duration::from_millis(4_100), frame).unwrap(), vec![]));
    for status in Status::ALL {
        let order = samples::order(status);
        pages.push((order::render(&order, frame).unwrap(), order::fragments(&order, frame).unwrap()));
    }
    pages.extend(problem_page::Problem::ALL.map(|problem| (problem_page::render(problem, frame).unwrap(), vec![])));
    pages
}

fn pages() -> Pages {
    Pages { frame, alive: samples::alive(), render }
}

#[test]
fn every_page_renders_in_every_language_and_theme() {
    pages().are_whole_in_every_language_and_theme();
}

#[test]
fn a_page_holds_exactly_its_fragments_and_every_id_once() {
    pages().hold_exactly_their_fragments();
}

#[test]
fn nothing_a_strict_policy_would_forbid() {
    pages().obey_a_strict_policy("");
}

#[test]
fn a_fragment_does_not_change_by_time_passing() {
    pages().stand_still_while_nothing_happens();
}

#[test]
fn a_standstill_is_named_on_every_page_that_moves() {
    pages().name_a_standstill();
}

#[test]
fn what_pages_load_is_there_and_nothing_else_is() {
    pages().load(ASSETS);
}

/// Whatever is asked for in the address: a customer has no keys, and goes nowhere by itself.
#[test]
fn the_shop_knows_nothing_of_the_stage() {
    let alive = samples::alive();
    let asked = Frame { presenter: true, follow: true, ..frame(Language::En, Theme::Dark, &alive) };
    for (page, _) in render(asked) {
        for foreign in ["keys.js", "follow.js", "/stage", "/console", "/sign-in", "stage-nav", "keys-help"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}

#[test]
fn whatever_a_stranger_types_stays_text() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    for text in hostile() {
        let mut order = samples::order(Status::Delivered);
        order.customer = text.clone();
        order.address = text.clone();
        order.lines[0].beer = BeerId::new(&*text);
        order.journey.push(Step {
            at: Moment::default(),
            event_id: EventId::new(&*text),
            service: Service::Delivery,
            topic: "delivery-updates",
            what: What::Redriven { address: text.clone() },
        });
        let mut shop = samples::shop();
        let mut attempt = samples::failed_attempt();
        attempt.customer = text.clone();
        attempt.lines[0].bottles = text.clone();
        shop.attempt = Some(attempt);
        for page in [order::render(&order, frame).unwrap(), shop::render(&shop, frame).unwrap()] {
            stays_text(&page, &text);
        }
    }
}
