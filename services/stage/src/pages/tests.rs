use events::{ids::Service, settings::Fold, topics::SubscriptionType};
use web::pure::{
    language::Language,
    layout::{Alive, Frame, Theme},
};

use crate::{
    pages::view::PageView,
    pure::entrance::QrView,
    read_model::{past::PastView, stock::StockView},
    samples::{self, frame},
};

#[test]
fn the_presenter_alone_has_the_buttons() {
    let alive = samples::alive();
    let presenter = frame(Language::En, Theme::Dark, &alive);
    let page = samples::deliveries().render(presenter).unwrap();
    assert!(page.contains("action=\"/dead-letters/x9d4m2aa/redrive\""));
    let page = samples::deliveries().render(Frame { presenter: false, ..presenter }).unwrap();
    assert!(!page.contains("<form") && page.contains("href=\"/sign-in\""));
}

#[test]
fn the_title_of_the_stock_page_says_what_is_so() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    let title = |view: &StockView| {
        let page = view.render(frame).unwrap();
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
    let page = samples::stock().render(presenter).unwrap();
    assert!(tag(&page, "switch-subscription-2").contains("aria-pressed=\"true\""));
    assert!(tag(&page, "switch-subscription-1").contains("aria-pressed=\"false\""));
    let page = samples::stock().render(Frame { presenter: false, ..presenter }).unwrap();
    assert!(!page.contains("<button") && tag(&page, "switch-subscription-2").contains("aria-current"));
}

#[test]
fn a_wrong_beer_is_explained_by_what_was_written_when() {
    let alive = samples::alive();
    let page = samples::stock_explained().render(frame(Language::En, Theme::Dark, &alive)).unwrap();
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
    let page = samples::stock().render(frame(Language::En, Theme::Dark, &nobody)).unwrap();
    assert!(page.contains("stock-level has been silent"));
    let page = samples::stock().render(frame(Language::En, Theme::Dark, &Alive::default())).unwrap();
    assert!(page.contains(Language::En.t("frame.no_pulsar")));
}

#[test]
fn who_gets_nothing_of_what_waits_is_named_on_every_page() {
    let still = Alive { standing_still: vec![(Service::Warehouse, "orders")], ..samples::alive() };
    let frame = frame(Language::En, Theme::Dark, &still);
    for page in [
        samples::map().render(frame).unwrap(),
        samples::deliveries().render(frame).unwrap(),
        samples::ledger().render(frame).unwrap(),
        samples::console().render(frame).unwrap(),
    ] {
        assert!(page.contains("warehouse gets none of the messages that wait for it on orders"));
    }
    let page = samples::console().render(frame).unwrap();
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
        samples::fraud().render(frame).unwrap(),
        samples::questions().render(frame).unwrap(),
        samples::rebuild(false, Some(false)).render(frame).unwrap(),
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
            samples::fraud().render(frame).unwrap(),
            samples::questions().render(frame).unwrap(),
            samples::rebuild(false, None).render(frame).unwrap(),
        ]
    };
    assert!(render(presenter).iter().all(|page| page.contains("data-send=\"/api/")));
    assert!(render(Frame { presenter: false, ..presenter }).iter().all(|page| !page.contains("data-send")));
}

#[test]
fn the_past_is_never_called_now() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    let then = samples::past().render(frame).unwrap();
    assert!(then.contains(Language::En.t("past.is_past")) && !then.contains(Language::En.t("past.is_now")));
    assert!(tag(&then, "moment").contains("data-at"));
    let now = PastView { at: None, events: None, ..samples::past() }.render(frame).unwrap();
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
        let page = view.render(frame).unwrap();
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
    let page = samples::ledger().render(frame(Language::En, Theme::Dark, &alive)).unwrap();
    let recovery = page.split("id=\"recovery\"").nth(1).unwrap();
    assert!(recovery.contains("was gone for 1.4\u{a0}s, a new process has been running since 20:40:08"));
    assert!(recovery.contains(Language::En.t("ledger.not_settled")));
    assert!(recovery.contains("gone since 20:41:04"));
}

#[test]
fn the_console_ticks_what_was_done_and_says_what_comes() {
    let alive = samples::alive();
    let page = samples::console().render(frame(Language::En, Theme::Dark, &alive)).unwrap();
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
    let page = view.render(frame(Language::En, Theme::Dark, &alive)).unwrap();
    assert!(
        tag(&page, "set-couriers-more").contains("disabled") && !tag(&page, "set-couriers-less").contains("disabled")
    );
    assert!(tag(&page, "set-subscription-1").contains("aria-pressed=\"true\""));
    assert!(tag(&page, "set-subscription-2").contains("aria-pressed=\"false\""));
    assert!(page.contains("7–8 ms"), "a value set by a program is shown as well");
    for (service, state) in [("inventory-analysis", "paused"), ("warehouse", "silent"), ("website", "running")] {
        assert!(tag(&page, &format!("service-{service}")).contains(state), "{service}");
    }
    assert!(!page.contains("id=\"service-website-pause\""), "the shop never closes");
}

#[test]
fn stopping_the_broker_is_offered_only_where_it_comes_back() {
    let alive = samples::alive();
    let frame = frame(Language::En, Theme::Dark, &alive);
    let mut view = samples::console();
    view.settings.choices.act = Some(8);
    let not_offered = Language::En.t("console.not_offered");
    let page = view.render(frame).unwrap();
    assert!(page.contains("id=\"service-broker-crash\"") && !page.contains(not_offered));
    view.offered_broker_stop = false;
    let page = view.render(frame).unwrap();
    assert!(!page.contains("id=\"service-broker-crash\"") && page.contains(not_offered));
}

#[test]
fn the_audience_sees_the_chosen_address_only() {
    let alive = samples::alive();
    let presenter = frame(Language::En, Theme::Dark, &alive);
    let page = samples::qr().render(presenter).unwrap();
    assert!(
        tag(&page, "entrances").contains("entrances") && page.contains("data-key=\"b\"") && page.contains("10.8.0.3")
    );
    let page = samples::qr().render(Frame { presenter: false, ..presenter }).unwrap();
    assert!(page.contains("192.168.1.20:8000") && page.contains("<svg class=\"qr-code\""));
    assert!(!page.contains("10.8.0.3") && !page.contains("<button"));
    let page = QrView::default().render(presenter).unwrap();
    assert!(page.contains("PUBLIC_URL") && !page.contains("<svg class=\"qr-code\""));
}

#[test]
fn the_welcome_says_so_when_the_shop_is_gone_and_only_then() {
    let cover = |alive: &Alive| {
        let page = samples::welcome().render(frame(Language::En, Theme::Dark, alive)).unwrap();
        assert!(page.contains("<svg class=\"qr-code\"") && page.contains("192.168.1.20:8000"));
        (tag(&page, "shop-cover").contains(" hidden"), page.contains(Language::En.t("welcome.gone")))
    };
    let (covered, open) = ((false, true), (true, false));
    assert_eq!(cover(&samples::alive()), open);
    assert_eq!(cover(&Alive { pulsar: true, ..Alive::default() }), covered);
    assert_eq!(cover(&Alive::default()), open, "without Pulsar nobody knows, and the shop takes orders");
}

#[test]
fn the_shop_beside_its_code_is_in_the_language_and_theme_of_the_page() {
    let alive = samples::alive();
    let page = samples::welcome().render(frame(Language::Nl, Theme::Projector, &alive)).unwrap();
    assert!(tag(&page, "shop").contains("src=\"http://localhost:8000/?lang=nl&amp;theme=projector\""));
}
