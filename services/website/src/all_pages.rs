//! Every page with sample data, in every language and theme, and with what a stranger might type.

use std::collections::HashSet;

use events::ids::{BeerId, EventId, Moment, Service};
use web::{
    order::view::{Status, Step, What},
    pure::{
        language::Language,
        layout::{Alive, Fragment, Frame, Theme},
        problem_page,
    },
};

use crate::{
    samples::{self, frame},
    shop::{
        pages::{order, shop, slowly},
        pure::form::ShopView,
    },
    stage::{
        pages::{follow, sign_in, view::PageView},
        pure::{console::ConsoleView, entrance::QrView},
        read_model::{
            deliveries::{DeadLetterView, DeliveriesView},
            insights::{AnalysisView, LedgerView},
            map::MapView,
            newest::NewestView,
            past::{FraudView, PastView, QuestionsView, RebuildView},
            stock::StockView,
        },
    },
};

/// Every page with its fragments.
fn pages(frame: Frame<'_>) -> Vec<(String, Vec<Fragment>)> {
    let shop = samples::shop();
    let failed = ShopView { attempt: Some(samples::failed_attempt()), ..samples::shop() };
    let mut pages = vec![
        (shop::render(&shop, frame).unwrap(), shop::fragments(&shop.beers, frame).unwrap()),
        (shop::render(&failed, frame).unwrap(), shop::fragments(&failed.beers, frame).unwrap()),
        (sign_in::render(Some(sign_in::Refused::Wrong), "/stage/deliveries", frame).unwrap(), vec![]),
    ];
    let fields = [("customer", "Ada \"><b>"), ("bottles-orval", "2"), ("other", "x")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    pages.push((slowly::render(&fields, std::time::Duration::from_millis(4_100), frame).unwrap(), vec![]));
    for status in Status::ALL {
        let order = samples::order(status);
        pages.push((order::render(&order, frame).unwrap(), order::fragments(&order, frame).unwrap()));
        pages.push((follow::render(&order, frame).unwrap(), follow::fragments(&order, frame).unwrap()));
    }
    let of_stage = |view: &dyn PageView| (view.render(frame).unwrap(), view.fragments(frame).unwrap());
    pages.extend([samples::deliveries(), DeliveriesView::default()].map(|view| of_stage(&view)));
    pages.extend([samples::newest(), NewestView::default()].map(|view| of_stage(&view)));
    pages.extend([samples::stock(), samples::stock_explained(), StockView::default()].map(|view| of_stage(&view)));
    pages.extend([samples::map(), samples::map_in_trouble(), MapView::default()].map(|view| of_stage(&view)));
    pages.extend(samples::pulsar().map(|view| of_stage(&view)));
    pages.extend([samples::analysis(), AnalysisView::default()].map(|view| of_stage(&view)));
    pages.extend([samples::ledger(), samples::ledger_gone_wrong(), LedgerView::default()].map(|view| of_stage(&view)));
    let now = PastView { at: None, events: None, ..samples::past() };
    pages.extend([samples::past(), now, PastView::default()].map(|view| of_stage(&view)));
    let rebuilds = [(true, None), (false, Some(true)), (false, Some(false))];
    pages.extend(rebuilds.map(|(running, identical)| of_stage(&samples::rebuild(running, identical))));
    pages.extend([samples::rebuild_given_up(), RebuildView::default()].map(|view| of_stage(&view)));
    pages.extend([samples::questions(), QuestionsView::default()].map(|view| of_stage(&view)));
    pages.extend(
        [samples::fraud(), FraudView { wanted: true, ..FraudView::default() }, FraudView::default()]
            .map(|view| of_stage(&view)),
    );
    let not_chosen = QrView { address: None, ..samples::qr() };
    pages.extend([samples::qr(), not_chosen, QrView::default()].map(|view| of_stage(&view)));
    pages.extend([samples::console(), ConsoleView::default()].map(|view| of_stage(&view)));
    pages.extend(problem_page::Problem::ALL.map(|problem| (problem_page::render(problem, frame).unwrap(), vec![])));
    pages
}

fn ids(html: &str) -> Vec<&str> {
    html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_page_renders_in_every_language_and_theme() {
    let alive = samples::alive();
    for language in Language::ALL {
        for theme in Theme::ALL {
            for (page, _) in pages(frame(language, theme, &alive)) {
                assert!(page.starts_with("<!doctype html>"));
                let root = format!("<html lang=\"{}\" data-theme=\"{}\" ", language.tag(), theme.name());
                assert!(page.contains(&root));
                assert!(page.trim_end().ends_with("</html>"));
            }
        }
    }
}

#[test]
fn a_page_holds_exactly_its_fragments_and_every_id_once() {
    let alive = samples::alive();
    for (page, fragments) in pages(frame(Language::En, Theme::Dark, &alive)) {
        let all = ids(&page);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "an id twice: {all:?}");
        for fragment in fragments {
            assert_eq!(ids(&fragment.html).first(), Some(&fragment.id.as_str()));
            assert!(page.contains(&fragment.html), "{} is not on its page", fragment.id);
        }
    }
}

#[test]
fn nothing_a_strict_policy_would_forbid() {
    let alive = samples::alive();
    for (page, _) in pages(frame(Language::Fr, Theme::Dark, &alive)) {
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains(" onclick"));
        assert!(page.matches("<script").count() == page.matches("<script src=\"/assets/").count());
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("data:"));
    }
}

/// The first thing a stream says is where to go: said before somebody listens, it would be lost.
#[test]
fn who_follows_listens_before_the_stream_opens() {
    let alive = Alive::default();
    let pages = pages(frame(Language::En, Theme::Dark, &alive));
    let streaming = pages.iter().filter_map(|(page, _)| Some((page, page.find("/live.js")?)));
    assert!(streaming.clone().count() > 10);
    for (page, opens) in streaming {
        assert!(page.find("/follow.js").is_some_and(|listens| listens < opens), "{page}");
    }
}

#[test]
fn a_fragment_does_not_change_by_time_passing() {
    let alive = samples::alive();
    let now = frame(Language::En, Theme::Dark, &alive);
    let later = Frame { now: now.now.plus_millis(60_000), ..now };
    for ((_, before), (_, after)) in pages(now).into_iter().zip(pages(later)) {
        assert_eq!(before, after);
    }
}

#[test]
fn whatever_a_stranger_types_stays_text() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        &"w".repeat(500),
        "\u{202e}drawkcab",
        "{{ frame }} {n}",
        "' onfocus=alert(1) '",
    ];
    for text in hostile {
        let mut order = samples::order(Status::Delivered);
        order.customer = text.to_owned();
        order.address = text.to_owned();
        order.lines[0].beer = BeerId::new(text);
        order.journey.push(Step {
            at: Moment::default(),
            event_id: EventId::new(text),
            service: Service::Delivery,
            topic: "delivery-updates",
            what: What::Redriven { address: text.to_owned() },
        });
        let mut newest = samples::newest();
        newest.orders[0].customer = text.to_owned();
        let mut shop = samples::shop();
        let mut attempt = samples::failed_attempt();
        attempt.customer = text.to_owned();
        attempt.lines[0].bottles = text.to_owned();
        shop.attempt = Some(attempt);
        let mut deliveries = samples::deliveries();
        for letter in &mut deliveries.dead_letters {
            match letter {
                DeadLetterView::Stranded { customer, address, .. } => {
                    *customer = text.to_owned();
                    *address = text.to_owned();
                }
                DeadLetterView::Unreadable { topic, message_id, reason, first_bytes, .. } => {
                    for field in [topic, message_id, reason, first_bytes] {
                        *field = text.to_owned();
                    }
                }
            }
        }
        let pages = [
            order::render(&order, frame).unwrap(),
            follow::render(&order, frame).unwrap(),
            newest.render(frame).unwrap(),
            shop::render(&shop, frame).unwrap(),
            deliveries.render(frame).unwrap(),
        ];
        for page in pages {
            assert!(!page.contains("<script>") && !page.contains("<img") && !page.contains("\"'"), "{text}");
            assert!(!page.contains("' onfocus"));
        }
    }
}

#[test]
fn a_standstill_is_named_on_every_page_that_moves() {
    let still = Alive { standing_still: vec![(Service::Warehouse, "orders")], ..samples::alive() };
    for (page, fragments) in pages(frame(Language::En, Theme::Dark, &still)) {
        // Without fragments nothing on a page is of now: who signs in, a problem, an order that came too fast.
        let names_it = page.contains("warehouse gets none of the messages that wait for it on orders");
        assert_eq!(names_it, !fragments.is_empty(), "{page}");
    }
}
