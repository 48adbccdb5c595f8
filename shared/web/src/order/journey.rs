//! Following an order: the sequence of its hops, and the hop from which each follows. Pure.

use events::ids::Moment;

use crate::order::view::{Step, What};

/// Sorts hops by time. Of hops with the same time, a cause comes before what follows from it.
pub fn sort(steps: &mut [Step]) {
    steps.sort_by_key(|step| (step.at, rank(&step.what)));
}

/// Hops of one transaction have the same time.
const fn rank(what: &What) -> u8 {
    match what {
        What::Placed => 0,
        What::Accepted { .. } | What::Refused { .. } => 1,
        What::Redriven { .. } | What::Returned => 2,
        What::Reserved { .. } | What::Released { .. } => 3,
        What::Shown { .. } => 4,
        What::Counted => 5,
        What::PickedUp { .. } => 6,
        What::AttemptFailed { .. } | What::Stranded { .. } | What::Delivered { .. } => 7,
    }
}

/// For each hop of a [sorted](sort) journey, the index of its cause. The first has none, and neither has a hop whose
/// cause was not read yet. No hop is its own cause, however long the journey.
pub fn causes(steps: &[Step]) -> Vec<Option<usize>> {
    (0..steps.len()).map(|place| cause(steps, place)).collect()
}

fn cause(steps: &[Step], place: usize) -> Option<usize> {
    let what = &steps.get(place)?.what;
    let before = steps.get(..place).unwrap_or_default();
    let last = |is_it: &dyn Fn(&What) -> bool| before.iter().rposition(|step| is_it(&step.what));
    let decided = |what: &What| matches!(what, What::Accepted { .. } | What::Refused { .. });
    let found = match what {
        What::Placed => return None,
        What::Accepted { .. } | What::Refused { .. } | What::Reserved { .. } => None,
        What::Shown { beer, .. } => last(
            &|what| matches!(what, What::Reserved { beer: of, .. } | What::Released { beer: of, .. } if of == beer),
        ),
        What::Counted => last(&decided),
        // The last of these put the parcel where it was taken from. A pick-up without an outcome means a courier who
        // crashed: the next one takes the parcel over from there.
        What::PickedUp { .. } => last(&|what| {
            matches!(
                what,
                What::Accepted { .. } | What::AttemptFailed { .. } | What::Redriven { .. } | What::PickedUp { .. }
            )
        }),
        What::AttemptFailed { .. } | What::Stranded { .. } | What::Delivered { .. } => {
            last(&|what| matches!(what, What::PickedUp { .. }))
        }
        What::Redriven { .. } | What::Returned => last(&|what| matches!(what, What::Stranded { .. })),
        What::Released { .. } => last(&|what| matches!(what, What::Returned)),
    };
    // Another machine's clock may be ahead, but the order was placed first.
    found.or_else(|| steps.iter().position(|step| step.what == What::Placed))
}

/// When a hop began: at the time of its cause, and never after its own time.
pub fn began(steps: &[Step], place: usize, cause: Option<usize>) -> Moment {
    let at = |place: usize| steps.get(place).map(|step| step.at);
    let own = at(place).unwrap_or_default();
    cause.and_then(at).map_or(own, |began| began.min(own))
}

/// The courier who crashed with the parcel, if another one picks it up from there.
pub fn taken_over_from(steps: &[Step], place: usize, cause: Option<usize>) -> Option<&str> {
    let What::PickedUp { courier: now } = &steps.get(place)?.what else { return None };
    match &steps.get(cause?)?.what {
        What::PickedUp { courier } if courier != now => Some(courier),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use events::{
        delivery::FailureReason,
        ids::{BeerId, EventId, Service},
        quantities::Bottles,
    };

    use super::*;
    use crate::{order::view::Status, testing};

    fn journey(hops: Vec<(i64, What)>) -> Vec<Step> {
        let step = |(n, (millis, what)): (usize, (i64, What))| Step {
            at: Moment::from_micros(millis * 1000),
            event_id: EventId::new(format!("e-{n}")),
            service: Service::Website,
            topic: "orders",
            what,
        };
        let mut steps: Vec<Step> = hops.into_iter().enumerate().map(step).collect();
        sort(&mut steps);
        steps
    }

    fn picked_up(courier: &str) -> What {
        What::PickedUp { courier: courier.into() }
    }

    fn failed() -> What {
        let retry_at = Moment::from_micros(3_000_000);
        What::AttemptFailed { courier: "Ada".into(), reason: FailureReason::AddressNotFound, retry_at }
    }

    fn stranded() -> What {
        What::Stranded { reason: FailureReason::AddressNotFound, attempts: 2 }
    }

    #[test]
    fn hops_of_one_moment_stand_behind_what_they_follow_from() {
        let delivered = What::Delivered { courier: "Ada".into() };
        let steps = journey(vec![
            (5, delivered),
            (5, picked_up("Ada")),
            (5, What::Accepted { bottles: Bottles(1) }),
            (5, What::Placed),
        ]);
        assert_eq!(causes(&steps), [None, Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn an_order_goes_from_the_website_to_the_warehouse_and_on() {
        let order = testing::order(Status::Delivered);
        let mut steps = order.journey;
        sort(&mut steps);
        let causes = causes(&steps);
        let cause_of = |is_it: fn(&What) -> bool| {
            let place = steps.iter().position(|step| is_it(&step.what)).unwrap();
            causes[place].map(|cause| &steps[cause].what)
        };
        assert_eq!(cause_of(|what| *what == What::Placed), None);
        assert_eq!(cause_of(|what| matches!(what, What::Accepted { .. })), Some(&What::Placed));
        assert_eq!(cause_of(|what| matches!(what, What::Reserved { .. })), Some(&What::Placed));
        let orval = BeerId::new("orval");
        let shown = cause_of(|what| matches!(what, What::Shown { beer, .. } if beer.as_str() == "orval"));
        assert!(matches!(shown, Some(What::Reserved { beer, .. }) if *beer == orval), "{shown:?}");
        assert!(matches!(cause_of(|what| matches!(what, What::PickedUp { .. })), Some(What::Accepted { .. })));
        assert!(matches!(cause_of(|what| matches!(what, What::Delivered { .. })), Some(What::PickedUp { .. })));
    }

    #[test]
    fn each_attempt_follows_from_the_one_before_and_a_redrive_from_the_dead_letter() {
        let steps = journey(vec![
            (0, What::Placed),
            (9, What::Accepted { bottles: Bottles(1) }),
            (10, picked_up("Ada")),
            (20, failed()),
            (40, picked_up("Ada")),
            (50, stranded()),
            (90, What::Redriven { address: "Gent".into() }),
            (91, picked_up("Ada")),
            (99, What::Delivered { courier: "Ada".into() }),
        ]);
        let expected = [None, Some(0), Some(1), Some(2), Some(3), Some(4), Some(5), Some(6), Some(7)];
        assert_eq!(causes(&steps), expected);
        assert_eq!(began(&steps, 4, Some(3)), Moment::from_micros(20_000));
    }

    #[test]
    fn a_parcel_of_a_courier_who_crashed_is_taken_over() {
        let hops = vec![
            (0, What::Placed),
            (9, What::Accepted { bottles: Bottles(1) }),
            (10, picked_up("Ada")),
            (30, picked_up("Bart")),
        ];
        let steps = journey(hops);
        assert_eq!(taken_over_from(&steps, 3, causes(&steps)[3]), Some("Ada"));
        assert_eq!(taken_over_from(&steps, 2, causes(&steps)[2]), None);
    }

    #[test]
    fn what_is_read_before_its_cause_has_none_and_no_clock_makes_a_bar_run_back() {
        let steps = journey(vec![(9, What::Accepted { bottles: Bottles(1) }), (10, picked_up("Ada"))]);
        assert_eq!(causes(&steps), [None, Some(0)]);
        let ahead = journey(vec![(9, What::Accepted { bottles: Bottles(1) }), (12, What::Placed)]);
        assert_eq!(causes(&ahead), [Some(1), None]);
        assert_eq!(began(&ahead, 0, Some(1)), Moment::from_micros(9000));
    }
}
