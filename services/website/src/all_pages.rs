//! Every page with sample data, in every language and theme, and with what a stranger might type.

use std::collections::HashSet;

use events::{
    ids::{BeerId, EventId, Moment, Service},
    settings::Fold,
    topics::SubscriptionType,
};

use crate::{
    order::view::{Status, Step, What},
    samples,
    shop::{
        pages::{order, shop, slowly},
        pure::form::ShopView,
    },
    stage::{
        pages::{
            analysis, console, deliveries, follow, fraud, ledger, map, newest, past, pulsar, qr, questions, rebuild,
            sign_in, stock,
        },
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
    web::pure::{
        assets,
        language::Language,
        layout::{Alive, Fragment, Frame, Theme},
        problem_page,
    },
};

fn frame(language: Language, theme: Theme, alive: &Alive) -> Frame<'_> {
    Frame { language, theme, alive, now: samples::NOW, presenter: true, follow: true, path: "/stage/stock" }
}

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
    for view in [samples::deliveries(), DeliveriesView::default()] {
        pages.push((deliveries::render(&view, frame).unwrap(), deliveries::fragments(&view, frame).unwrap()));
    }
    for view in [samples::newest(), NewestView::default()] {
        pages.push((newest::render(&view, frame).unwrap(), newest::fragments(&view, frame).unwrap()));
    }
    for view in [samples::stock(), samples::stock_explained(), StockView::default()] {
        pages.push((stock::render(&view, frame).unwrap(), stock::fragments(&view, frame).unwrap()));
    }
    for view in [samples::map(), samples::map_in_trouble(), MapView::default()] {
        pages.push((map::render(&view, frame).unwrap(), map::fragments(&view, frame).unwrap()));
    }
    for view in samples::pulsar() {
        pages.push((pulsar::render(&view, frame).unwrap(), pulsar::fragments(&view, frame).unwrap()));
    }
    for view in [samples::analysis(), AnalysisView::default()] {
        pages.push((analysis::render(&view, frame).unwrap(), analysis::fragments(&view, frame).unwrap()));
    }
    for view in [samples::ledger(), samples::ledger_gone_wrong(), LedgerView::default()] {
        pages.push((ledger::render(&view, frame).unwrap(), ledger::fragments(&view, frame).unwrap()));
    }
    let now = PastView { at: None, events: None, ..samples::past() };
    for view in [samples::past(), now, PastView::default()] {
        pages.push((past::render(&view, frame).unwrap(), past::fragments(&view, frame).unwrap()));
    }
    let rebuilds = [(true, None), (false, Some(true)), (false, Some(false))];
    for view in rebuilds
        .map(|(running, identical)| samples::rebuild(running, identical))
        .into_iter()
        .chain([samples::rebuild_given_up(), RebuildView::default()])
    {
        pages.push((rebuild::render(&view, frame).unwrap(), rebuild::fragments(&view, frame).unwrap()));
    }
    for view in [samples::questions(), QuestionsView::default()] {
        pages.push((questions::render(&view, frame).unwrap(), questions::fragments(&view, frame).unwrap()));
    }
    for view in [samples::fraud(), FraudView { wanted: true, ..FraudView::default() }, FraudView::default()] {
        pages.push((fraud::render(&view, frame).unwrap(), fraud::fragments(&view, frame).unwrap()));
    }
    let not_chosen = QrView { address: None, ..samples::qr() };
    for view in [samples::qr(), not_chosen, QrView::default()] {
        pages.push((qr::render(&view, frame).unwrap(), qr::fragments(&view, frame).unwrap()));
    }
    for view in [samples::console(), ConsoleView::default()] {
        pages.push((console::render(&view, frame).unwrap(), console::fragments(&view, frame).unwrap()));
    }
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
            newest::render(&newest, frame).unwrap(),
            shop::render(&shop, frame).unwrap(),
            deliveries::render(&deliveries, frame).unwrap(),
        ];
        for page in pages {
            assert!(!page.contains("<script>") && !page.contains("<img") && !page.contains("\"'"), "{text}");
            assert!(!page.contains("' onfocus"));
        }
    }
}

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
fn the_presenter_alone_has_the_buttons() {
    let alive = samples::alive();
    let presenter = frame(Language::En, Theme::Dark, &alive);
    let page = deliveries::render(&samples::deliveries(), presenter).unwrap();
    assert!(page.contains("action=\"/stage/dead-letters/x9d4m2aa/redrive\""));
    let page = deliveries::render(&samples::deliveries(), Frame { presenter: false, ..presenter }).unwrap();
    assert!(!page.contains("<form") && page.contains("href=\"/sign-in\""));
}

#[test]
fn the_title_of_the_stock_page_says_what_is_so() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    let title = |view: &StockView| {
        let page = stock::render(view, frame).unwrap();
        page.split("<span id=\"lesson\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    let mut view = samples::stock();
    assert_eq!(title(&view), "Shared: faster, and wrong");
    view.folding.subscription = SubscriptionType::KeyShared;
    assert_eq!(title(&view), "Key_Shared: wrong, and it should not be");
    view.wrong = 0;
    assert_eq!(title(&view), Language::En.t("stock.key_shared"));
    view.folding.subscription = SubscriptionType::Shared;
    assert_eq!(title(&view), Language::En.t("stock.shared"));
    view.folding.fold = Fold::Versioned;
    assert_eq!(title(&view), Language::En.t("stock.versioned"));
}

#[test]
fn the_presenter_alone_throws_the_switches() {
    let alive = samples::alive();
    let presenter = frame(Language::En, Theme::Dark, &alive);
    let page = stock::render(&samples::stock(), presenter).unwrap();
    assert!(tag(&page, "switch-subscription-2").contains("aria-pressed=\"true\""));
    assert!(tag(&page, "switch-subscription-1").contains("aria-pressed=\"false\""));
    let page = stock::render(&samples::stock(), Frame { presenter: false, ..presenter }).unwrap();
    assert!(!page.contains("<button") && tag(&page, "switch-subscription-2").contains("aria-current"));
}

#[test]
fn a_wrong_beer_is_explained_by_what_was_written_when() {
    let alive = samples::alive();
    let page = stock::render(&samples::stock_explained(), frame(Language::En, Theme::Dark, &alive)).unwrap();
    let panel = page.split(" id=\"explained\"").nth(1).unwrap().split("</section>").next().unwrap();
    let order: Vec<&str> = panel.split("#").skip(1).map(|rest| &rest[..2]).collect();
    assert_eq!(order, ["40", "43", "39", "40", "41", "42", "43", "41", "43", "42", "40"], "why, the log, the writes");
    assert_eq!(panel.matches("class=\"late\"").count(), 1);
    assert!(page.contains("/live/stock-moinette?lang=en") && !page.contains("id=\"bursts\""));
    assert!(tag(&page, "beer-moinette").contains("chosen"));
}

#[test]
fn who_is_missing_is_named() {
    let nobody = Alive { pulsar: true, ..Alive::default() };
    let page = stock::render(&samples::stock(), frame(Language::En, Theme::Dark, &nobody)).unwrap();
    assert!(page.contains("stock-level has been silent"));
    let page = stock::render(&samples::stock(), frame(Language::En, Theme::Dark, &Alive::default())).unwrap();
    assert!(page.contains(Language::En.t("frame.no_pulsar")));
}

#[test]
fn who_gets_nothing_of_what_waits_is_named_on_every_page() {
    let still = Alive { standing_still: vec![(Service::Warehouse, "orders")], ..samples::alive() };
    let frame = frame(Language::En, Theme::Dark, &still);
    for page in [
        map::render(&samples::map(), frame).unwrap(),
        deliveries::render(&samples::deliveries(), frame).unwrap(),
        ledger::render(&samples::ledger(), frame).unwrap(),
        console::render(&samples::console(), frame).unwrap(),
    ] {
        assert!(page.contains("warehouse gets none of the messages that wait for it on orders"));
    }
    let page = console::render(&samples::console(), frame).unwrap();
    assert!(tag(&page, "service-warehouse").contains("silent") && page.contains("✗ stands still"));
}

/// The tag of the element with this id.
fn tag<'a>(page: &'a str, id: &str) -> &'a str {
    let at = page.find(&format!(" id=\"{id}\"")).unwrap();
    &page[page[..at].rfind('<').unwrap()..at + page[at..].find('>').unwrap()]
}

#[test]
fn what_customers_wrote_stays_text_on_the_walls_too() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    let pages = [
        fraud::render(&samples::fraud(), frame).unwrap(),
        questions::render(&samples::questions(), frame).unwrap(),
        rebuild::render(&samples::rebuild(false, Some(false)), frame).unwrap(),
    ];
    for page in pages {
        assert!(!page.contains("<b>Mallory") && !page.contains("<script>") && !page.contains("<img"));
        assert!(!page.contains("\" onfocus") && !page.contains("order <b>"));
    }
}

#[test]
fn the_presenter_alone_sends_anything_from_the_walls() {
    let alive = samples::alive();
    let presenter = frame(Language::En, Theme::Dark, &alive);
    let render = |frame| {
        [
            fraud::render(&samples::fraud(), frame).unwrap(),
            questions::render(&samples::questions(), frame).unwrap(),
            rebuild::render(&samples::rebuild(false, None), frame).unwrap(),
        ]
    };
    assert!(render(presenter).iter().all(|page| page.contains("data-send=\"/api/")));
    assert!(render(Frame { presenter: false, ..presenter }).iter().all(|page| !page.contains("data-send")));
}

#[test]
fn the_past_is_never_called_now() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    let then = past::render(&samples::past(), frame).unwrap();
    assert!(then.contains(Language::En.t("past.is_past")) && !then.contains(Language::En.t("past.is_now")));
    assert!(tag(&then, "moment").contains("data-at"));
    let now = past::render(&PastView { at: None, events: None, ..samples::past() }, frame).unwrap();
    assert!(now.contains(Language::En.t("past.is_now")) && !now.contains(Language::En.t("past.is_past")));
    assert!(!tag(&now, "moment").contains("data-at"));
}

#[test]
fn the_verdict_on_the_ledger_says_what_is_the_case() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    let said = |change: fn(&mut events::insights::Ledger)| {
        let mut view = samples::ledger();
        let ledger = view.ledger.as_mut().unwrap();
        (ledger.balanced, ledger.contradictions_found) = (false, 0);
        change(ledger);
        let page = ledger::render(&view, frame).unwrap();
        let figures = page.split("id=\"figures\"").nth(1).unwrap().split("</section>").next().unwrap();
        figures.to_owned()
    };
    assert!(said(|ledger| ledger.balanced = true).contains("✓ all right"));
    assert!(said(|ledger| ledger.bottles.on_shelf += 1).contains("✗ not right"));
    assert!(said(|ledger| ledger.contradictions_found = 1).contains("✗ contradictions"));
    let overdue = said(|_| ());
    assert!(overdue.contains("✗ something is missing") && !overdue.contains("not right"), "{overdue}");
}

#[test]
fn who_was_gone_is_told_with_times() {
    let alive = samples::alive();
    let page = ledger::render(&samples::ledger(), frame(Language::En, Theme::Dark, &alive)).unwrap();
    let recovery = page.split("id=\"recovery\"").nth(1).unwrap();
    assert!(recovery.contains("was gone for 1.4\u{a0}s, a new process has been running since 20:40:08"));
    assert!(recovery.contains(Language::En.t("ledger.not_settled")));
    assert!(recovery.contains("gone since 20:41:04"));
}

#[test]
fn the_console_ticks_what_was_done_and_says_what_comes() {
    let alive = samples::alive();
    let page = console::render(&samples::console(), frame(Language::En, Theme::Dark, &alive)).unwrap();
    for (step, place) in [(1, "done"), (2, "done"), (3, "now"), (4, "next"), (5, "later")] {
        assert!(tag(&page, &format!("step-3-{step}")).contains(&format!("class=\"{place}\"")), "step {step}");
    }
    let said = |key| page.contains(Language::En.t(key));
    assert!(said("act.queue_slow_say") && said("act.queue_crash_say"));
    assert!(!said("act.queue_hire_say") && !said("act.queue_drain_say"));
    assert!(tag(&page, "begin-3").contains("aria-current") && !tag(&page, "begin-2").contains("aria-current"));
}

#[test]
fn the_console_shows_what_is_so() {
    let services = vec![Service::Website, Service::InventoryAnalysis];
    let alive = Alive { pulsar: true, services, ..Alive::default() };
    let mut view = samples::console();
    view.settings.choices.couriers = 20;
    view.settings.choices.stock_level.work_ms = [7, 8];
    let page = console::render(&view, frame(Language::En, Theme::Dark, &alive)).unwrap();
    assert!(
        tag(&page, "set-couriers-more").contains("disabled") && !tag(&page, "set-couriers-less").contains("disabled")
    );
    assert!(tag(&page, "set-subscription-1").contains("aria-pressed=\"true\""));
    assert!(tag(&page, "set-subscription-2").contains("aria-pressed=\"false\""));
    assert!(page.contains("7–8 ms"), "what a program has set is shown as it is");
    for (service, state) in [("inventory-analysis", "paused"), ("warehouse", "silent"), ("website", "running")] {
        assert!(tag(&page, &format!("service-{service}")).contains(state), "{service}");
    }
    assert!(!page.contains("id=\"service-website-pause\""), "it is the website that takes a pause back");
}

#[test]
fn stopping_the_broker_is_offered_only_where_it_comes_back() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    let mut view = samples::console();
    view.settings.choices.act = Some(8);
    let not_offered = Language::En.t("console.not_offered");
    let page = console::render(&view, frame).unwrap();
    assert!(page.contains("id=\"service-broker-crash\"") && !page.contains(not_offered));
    view.offered_broker_stop = false;
    let page = console::render(&view, frame).unwrap();
    assert!(!page.contains("id=\"service-broker-crash\"") && page.contains(not_offered));
}

#[test]
fn the_shop_with_all_it_loads_stays_below_100_kilobytes() {
    let alive = samples::alive();
    let page = shop::render(&samples::shop(), frame(Language::Fr, Theme::Dark, &alive)).unwrap();
    let loaded = assets::ASSETS.iter().filter(|asset| page.contains(&format!("/assets/{}", asset.name)));
    let bytes = page.len() + loaded.map(|asset| asset.bytes.len()).sum::<usize>();
    assert!(bytes <= 100_000, "{bytes} bytes");
}

#[test]
fn the_audience_sees_the_chosen_address_only() {
    let alive = samples::alive();
    let presenter = frame(Language::En, Theme::Dark, &alive);
    let page = qr::render(&samples::qr(), presenter).unwrap();
    assert!(
        tag(&page, "entrances").contains("entrances") && page.contains("data-key=\"b\"") && page.contains("10.8.0.3")
    );
    let page = qr::render(&samples::qr(), Frame { presenter: false, ..presenter }).unwrap();
    assert!(page.contains("192.168.1.20:8000") && page.contains("<svg class=\"qr-code\""));
    assert!(!page.contains("10.8.0.3") && !page.contains("<button"));
    let page = qr::render(&QrView::default(), presenter).unwrap();
    assert!(page.contains("PUBLIC_URL") && !page.contains("<svg class=\"qr-code\""));
}

#[test]
fn who_orders_too_fast_keeps_the_basket() {
    let alive = samples::alive();
    let fields = [("customer", "Ada \"><b>"), ("order_token", "4f1c9a"), ("bottles-orval", "2"), ("other", "x")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let wait = std::time::Duration::from_millis(4_100);
    let page = slowly::render(&fields, wait, frame(Language::En, Theme::Dark, &alive)).unwrap();
    assert!(
        page.contains("name=\"bottles-orval\" value=\"2\"") && page.contains("name=\"order_token\" value=\"4f1c9a\"")
    );
    assert!(page.contains("in 5 seconds") && !page.contains("name=\"other\"") && !page.contains("<b>"));
}
