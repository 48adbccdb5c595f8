//! The acts of the talk, as data: what each shows, the state it starts from, and its steps with what to say.
//!
//! The console plays them, the speaker's document is generated from them, the rehearsal checks them. Words are keys of
//! `web/texts`.

mod act;
mod script;
mod talk;

pub use act::{Act, Effect, Step, Target};
pub use script::{acts, page_now};
pub use talk::{does, markdown, starts_from};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use events::{
        ids::Service,
        settings::{
            ACTS, COURIER_PACE_MAX_MS, COURIERS_MAX, CROWD_MAX, Choices, Crowd, Fold, Folding, Share, StageSettings,
            WORK_MAX_MS, WORKERS_MAX,
        },
        topics::SubscriptionType,
    };

    use super::*;

    /// Choices unlike the start of any act.
    fn a_mess() -> Choices {
        Choices {
            couriers: 17,
            courier_pace_ms: 9_999,
            crowd: Crowd {
                orders_per_second: 499,
                suspicious: Share::try_from(1.0).unwrap(),
                undeliverable: Share::try_from(1.0).unwrap(),
            },
            stock_level: Folding {
                subscription: SubscriptionType::Shared,
                workers: 9,
                fold: Fold::Naive,
                work_ms: [900, 901],
            },
            paused: BTreeSet::from([Service::Delivery, Service::StockLevel]),
            fraud_watch: true,
            restock: false,
            hide_names: true,
            act: Some(3),
            step: 9,
        }
    }

    fn is_valid(choices: &Choices) -> bool {
        let Folding { workers, work_ms: [from, to], .. } = choices.stock_level;
        choices.couriers <= COURIERS_MAX
            && choices.courier_pace_ms <= COURIER_PACE_MAX_MS
            && choices.crowd.orders_per_second <= CROWD_MAX
            && (1..=WORKERS_MAX).contains(&workers)
            && from <= to
            && to <= WORK_MAX_MS
            && !choices.paused.contains(&Service::Website)
    }

    #[test]
    fn the_acts_are_numbered_and_none_is_without_steps() {
        let numbers: Vec<u8> = acts().iter().map(|act| act.number).collect();
        assert_eq!(numbers, (1..=ACTS).collect::<Vec<_>>());
        for act in acts() {
            assert!((3..=12).contains(&act.length()), "act {}", act.number);
            assert!(act.page.starts_with('/'), "act {} has no page of the stage", act.number);
            assert!(act.step(0).is_none() && act.step(act.length() + 1).is_none());
        }
    }

    #[test]
    fn every_page_the_room_is_shown_exists() {
        let named = acts().iter().flat_map(|act| act.steps.iter().filter_map(Step::page).chain([act.page]));
        for page in named.filter(|page| *page != "/") {
            // The newest order has its own page, below the list.
            let name = page.trim_start_matches('/').trim_end_matches("/newest");
            assert!(crate::pure::page::Page::of_name(name).is_some(), "{page}");
        }
        let page = |act: u8| Act::of_number(act).unwrap().page;
        assert_eq!((page(6), page(7)), ("/past", "/fraud"));
    }

    #[test]
    fn the_room_stays_where_a_step_has_led_it() {
        let act = Act::of_number(1).unwrap();
        let pages: Vec<_> = (0..=act.length()).map(|step| act.page_at(step)).collect();
        let newest = "/orders/newest";
        assert_eq!(pages, ["/", "/welcome", "/", "/", newest, newest]);
        assert_eq!(page_now(&StageSettings::default()), "/");
    }

    #[test]
    fn every_state_on_the_way_is_one_the_services_can_obey() {
        for act in acts() {
            let mut choices = act.start(&a_mess());
            assert!(is_valid(&choices), "act {} starts from {choices:?}", act.number);
            for n in 1..=act.length() {
                choices = act.after(n, &choices).unwrap();
                assert!(is_valid(&choices), "step {n} of act {} leaves {choices:?}", act.number);
                assert_eq!((choices.act, choices.step), (Some(act.number), n));
            }
        }
    }

    #[test]
    fn an_act_starts_the_same_whatever_went_before() {
        for act in acts() {
            let after_a_mess = act.start(&a_mess());
            let usual = act.start(&Choices::default());
            assert_eq!(after_a_mess, Choices { restock: false, hide_names: true, ..usual });
        }
    }

    #[test]
    fn a_step_done_twice_leaves_what_it_left_once() {
        for act in acts() {
            let mut before = act.start(&Choices::default());
            for n in 1..=act.length() {
                let once = act.after(n, &before).unwrap();
                assert_eq!(act.after(n, &once).unwrap(), once, "step {n} of act {}", act.number);
                before = once;
            }
        }
    }

    #[test]
    fn a_step_that_changes_settings_changes_some() {
        for act in acts() {
            let mut before = act.start(&Choices::default());
            for n in 1..=act.length() {
                let after = act.after(n, &before).unwrap();
                let changed = Choices { step: before.step, ..after.clone() } != before;
                let sets = matches!(act.step(n).unwrap().effect, Effect::Set(_));
                assert_eq!(sets, changed, "step {n} of act {}", act.number);
                before = after;
            }
        }
    }

    #[test]
    fn nobody_stays_paused_and_no_watch_stays_attached_when_an_act_ends() {
        for act in acts() {
            let start = act.start(&Choices::default());
            let end = (1..=act.length()).fold(start, |choices, n| act.after(n, &choices).unwrap());
            assert!(end.paused.is_empty() && !end.fraud_watch, "act {}", act.number);
        }
    }

    #[test]
    fn act_five_bursts_once_in_each_of_the_four_ways() {
        let act = Act::of_number(5).unwrap();
        let mut choices = act.start(&Choices::default());
        let mut ways = Vec::new();
        for n in 1..=act.length() {
            choices = act.after(n, &choices).unwrap();
            if matches!(act.step(n).unwrap().effect, Effect::Burst) {
                ways.push((choices.stock_level.subscription, choices.stock_level.fold));
            }
        }
        ways.dedup();
        let naive = |subscription| (subscription, Fold::Naive);
        let wanted = [SubscriptionType::Failover, SubscriptionType::Shared, SubscriptionType::KeyShared].map(naive);
        assert_eq!(ways, [wanted.as_slice(), &[(SubscriptionType::Shared, Fold::Versioned)]].concat());
    }
}
