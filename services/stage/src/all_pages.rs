//! Every page of the stage with sample data, in every language and theme, and with hostile input.

use events::ids::{BeerId, EventId, Moment, Service};
use web::{
    order::view::{Status, Step, What},
    pure::{
        language::Language,
        layout::{Alive, Fragment, Frame, Theme},
        problem_page,
    },
    testing::pages::{Pages, hostile, stays_text},
};

use crate::{
    pages::{assets::ASSETS, follow, sign_in, view::PageView},
    pure::{
        console::ConsoleView,
        entrance::{QrView, WelcomeView},
    },
    read_model::{
        deliveries::{DeadLetterView, DeliveriesView},
        insights::{AnalysisView, LedgerView},
        map::MapView,
        newest::NewestView,
        past::{FraudView, PastView, QuestionsView, RebuildView},
        stock::StockView,
    },
    samples::{self, SHOP, frame},
};

/// Every page with its fragments.
fn render(frame: Frame<'_>) -> Vec<(String, Vec<Fragment>)> {
    let refused = Some(sign_in::Refused::Wrong);
    let mut pages = vec![(sign_in::render(refused, "/deliveries", frame).unwrap(), vec![])];
    for status in Status::ALL {
        let order = samples::order(status);
        pages.push((follow::render(&order, SHOP, frame).unwrap(), follow::fragments(&order, frame).unwrap()));
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
    let unknown = WelcomeView { qr: QrView::default(), ..samples::welcome() };
    pages.extend([samples::welcome(), unknown].map(|view| of_stage(&view)));
    let not_chosen = QrView { address: None, ..samples::qr() };
    pages.extend([samples::qr(), not_chosen, QrView::default()].map(|view| of_stage(&view)));
    pages.extend([samples::console(), ConsoleView::default()].map(|view| of_stage(&view)));
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
    pages().obey_a_strict_policy(SHOP);
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

/// A stream first tells where to go, which is lost if nobody listens yet.
#[test]
fn who_follows_listens_before_the_stream_opens() {
    let alive = Alive::default();
    let pages = render(frame(Language::En, Theme::Dark, &alive));
    let streaming = pages.iter().filter_map(|(page, _)| Some((page, page.find("/live.js")?)));
    assert!(streaming.clone().count() > 10);
    for (page, opens) in streaming {
        assert!(page.find("/follow.js").is_some_and(|listens| listens < opens), "{page}");
    }
}

/// Keys and stream belong to this site; the shop is shown beside the page, never in its place.
#[test]
fn no_page_leads_a_window_away_from_the_stage() {
    let alive = samples::alive();
    let mut links = 0;
    for (page, _) in render(frame(Language::En, Theme::Dark, &alive)) {
        for tag in page.split('<').filter(|tag| tag.contains(SHOP)) {
            links += 1;
            let is_beside = tag.starts_with("a ") && tag.contains("target=\"_blank\" rel=\"noopener\"");
            let is_inert = tag.starts_with("iframe ") && tag.contains(" inert tabindex=\"-1\"");
            assert!(is_beside || is_inert, "{tag}");
        }
    }
    assert!(links > 2);
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
        let mut newest = samples::newest();
        newest.orders[0].customer = text.clone();
        let mut deliveries = samples::deliveries();
        for letter in &mut deliveries.dead_letters {
            match letter {
                DeadLetterView::Stranded { customer, address, .. } => {
                    *customer = text.clone();
                    *address = text.clone();
                }
                DeadLetterView::Unreadable { topic, message_id, reason, first_bytes, .. } => {
                    for field in [topic, message_id, reason, first_bytes] {
                        *field = text.clone();
                    }
                }
            }
        }
        let pages = [
            follow::render(&order, SHOP, frame).unwrap(),
            newest.render(frame).unwrap(),
            deliveries.render(frame).unwrap(),
        ];
        for page in pages {
            stays_text(&page, &text);
        }
    }
}
