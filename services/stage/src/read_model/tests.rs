use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use events::{
    ids::{Moment, Service},
    settings::{Choices, Folding},
    stage::{Presence, ServiceState, Staff},
};
use service::Now;

use super::{ReadModel, map::Standing};

/// `millis` after the beginning, by a clock that was set by `set_by` milliseconds in between.
fn now(millis: u64, set_by: i64) -> Now {
    static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
    let at = Moment::from_micros(1_000_000_000_000_000).plus_millis(i64::try_from(millis).unwrap() + set_by);
    Now { at, steady: *BEGINNING + Duration::from_millis(millis) }
}

fn presence(service: Service) -> Presence {
    let at = now(0, 0).at;
    Presence {
        service,
        episode: 1,
        settings_version: 1,
        state: ServiceState::Running,
        started_at: at,
        at,
        staff: Staff { workers: vec!["worker-1".to_owned()], ..Staff::default() },
        standing_still: Vec::new(),
        disbelieved: Vec::new(),
    }
}

#[test]
fn a_service_is_there_for_two_seconds_after_it_spoke_whatever_the_clock_is_set_to() {
    let mut known = ReadModel::default();
    for service in Service::DEMO {
        known.heard(presence(service), now(0, 0));
    }
    for set_by in [-3_600_000, 0, 3_600_000] {
        for (millis, is_there) in [(2_000, true), (2_001, false)] {
            let now = now(millis, set_by);
            let said = format!("after {millis} ms, the clock set by {set_by} ms");
            assert_eq!(known.alive(true, now).services.len() == Service::DEMO.len(), is_there, "{said}");
            assert_eq!(known.deliveries(&Choices::default(), now).live, is_there, "{said}");
            assert_eq!(known.stock(Folding::default(), None, now).workers.len(), usize::from(is_there), "{said}");
            let gone =
                known.map(&Choices::default(), now).services.iter().any(|(_, standing)| *standing == Standing::Gone);
            assert_eq!(gone, !is_there, "{said}");
        }
    }
}
