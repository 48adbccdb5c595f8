use super::*;

fn at(second: i64) -> Moment {
    Moment::from_micros(second * 1_000_000)
}

#[test]
fn a_parcel_is_in_one_place_at_a_time() {
    let mut parcels = Parcels::default();
    let id: OrderId = "a".parse().unwrap();
    let mut progress = Progress { status: Status::Accepted, ..Progress::placed() };
    parcels.moved(&id, "Ada", "Gent", &progress, at(1));
    assert_eq!(parcels.queue(at(1)).0, 1);
    progress.status = Status::PickedUp;
    parcels.moved(&id, "Ada", "Gent", &progress, at(2));
    assert_eq!(parcels.queue(at(2)).0, 0);
    progress.status = Status::Retrying;
    progress.retry_at = Some(at(5));
    parcels.moved(&id, "Ada", "Gent", &progress, at(3));
    assert_eq!((parcels.retries(at(4)).0, parcels.queue(at(4)).0), (1, 0));
    assert_eq!((parcels.retries(at(5)).0, parcels.queue(at(5)).0), (0, 1), "due, so in the queue");
    progress = Progress { status: Status::Stranded, retry_at: None, ..progress };
    parcels.moved(&id, "Ada", "Gent", &progress, at(6));
    assert!(parcels.is_stranded(&id));
    assert_eq!((parcels.queue(at(7)).0, parcels.stranded().0), (0, 1));
    progress.status = Status::Delivered;
    parcels.moved(&id, "Ada", "Gent", &progress, at(8));
    assert!(parcels.known.is_empty() && parcels.stranded.is_empty());
}

#[test]
fn a_parcel_of_a_courier_who_crashed_is_taken_over_by_the_next() {
    let mut parcels = Parcels::default();
    let id: OrderId = "a".parse().unwrap();
    let in_hands_of = |courier: &str, attempt| Progress {
        status: Status::PickedUp,
        courier: Some(courier.into()),
        attempt,
        ..Progress::placed()
    };
    let lane_of = |parcels: &Parcels, courier: &str| {
        let carrying = Carrying { order_id: id.clone(), round: 1, attempt: 1, since: at(1), until: at(3) };
        parcels.lane(&CourierState { courier: courier.into(), carrying: Some(carrying), delivered: 0 }, at(9), 2000)
    };
    let from = |lane: Lane| lane.carrying.and_then(|parcel| parcel.taken_over_from);
    parcels.moved(&id, "Ada", "Gent", &in_hands_of("Bart", 1), at(1));
    assert_eq!(from(lane_of(&parcels, "Bart")), None);
    parcels.moved(&id, "Ada", "Gent", &in_hands_of("Emma", 1), at(2));
    assert_eq!(from(lane_of(&parcels, "Emma")).as_deref(), Some("Bart"));
    assert_eq!(from(lane_of(&parcels, "Bart")), None, "the crashed courier took nothing over");
    parcels.moved(&id, "Ada", "Gent", &in_hands_of("Jef", 2), at(4));
    assert_eq!(from(lane_of(&parcels, "Jef")), None, "another attempt is no takeover");
}

#[test]
fn a_lane_shows_the_newer_of_two_words() {
    let mut parcels = Parcels::default();
    let [first, second]: [OrderId; 2] = ["first", "second"].map(|id| id.parse().unwrap());
    let progress = |status| Progress { status, courier: Some("Ada".into()), attempt: 1, ..Progress::placed() };
    let carrying = Carrying { order_id: first.clone(), round: 1, attempt: 1, since: at(1), until: at(3) };
    let said = CourierState { courier: "Ada".into(), carrying: Some(carrying), delivered: 0 };
    let lane = |parcels: &Parcels, said: &CourierState, said_at| {
        let parcel = parcels.lane(said, said_at, 2000).carrying?;
        Some((parcel.order_id, parcel.address, parcel.since, parcel.until))
    };
    parcels.moved(&first, "Bob", "Gent", &progress(Status::Accepted), at(0));
    let of_first = Some((first.clone(), "Gent".to_owned(), at(1), at(3)));
    assert_eq!(lane(&parcels, &said, at(1)), of_first, "reported before the update was read");
    parcels.moved(&first, "Bob", "Gent", &progress(Status::PickedUp), at(1));
    assert_eq!(lane(&parcels, &said, at(2)), of_first);
    parcels.moved(&first, "Bob", "Gent", &progress(Status::Delivered), at(3));
    assert_eq!(lane(&parcels, &said, at(2)), None, "delivered since the report");
    parcels.moved(&second, "Eva", "Brugge", &progress(Status::PickedUp), at(4));
    let of_second = Some((second.clone(), "Brugge".to_owned(), at(4), at(6)));
    assert_eq!(lane(&parcels, &said, at(2)), of_second, "picked up since the report");
    let empty_handed = CourierState { carrying: None, ..said };
    assert_eq!(lane(&parcels, &empty_handed, at(9)), None, "crashed, and hired again without it");
}

#[test]
fn a_dead_letter_tells_what_was_tried() {
    let mut parcels = Parcels::default();
    let id: OrderId = "a".parse().unwrap();
    let mut progress = Progress { status: Status::Retrying, retry_at: Some(at(2)), ..Progress::placed() };
    let reason = FailureReason::AddressNotFound;
    let failed = What::AttemptFailed { courier: "Ada".into(), reason, retry_at: at(2) };
    let stranded = What::Stranded { reason, attempts: 2 };
    parcels.moved(&id, "Ada", "nowhere", &progress, at(1));
    parcels.tried(&id, at(1), &failed);
    parcels.tried(&id, at(2), &What::PickedUp { courier: "Ada".into() });
    progress = Progress { status: Status::Stranded, retry_at: None, ..progress };
    parcels.moved(&id, "Ada", "nowhere", &progress, at(3));
    parcels.tried(&id, at(3), &stranded);
    let Some(DeadLetterView::Stranded { history, .. }) = parcels.stranded().1.pop() else { panic!("no dead letter") };
    assert_eq!(history, [Tried { at: at(1), what: failed }, Tried { at: at(3), what: stranded.clone() }]);
    for _ in 0..2 * TRIED_MAX {
        parcels.tried(&id, at(4), &stranded);
    }
    assert_eq!(parcels.known[&id].tried.len(), TRIED_MAX);
}

#[test]
fn the_rate_forgets_what_is_older_than_ten_seconds() {
    let mut parcels = Parcels::default();
    // There is no moment before 1970.
    let at = |second: i64| at(100_000 + second);
    let beginning = Instant::now();
    let now = |second: i64, set_by: i64| Now {
        at: at(second + set_by),
        steady: beginning + Duration::from_secs(second.unsigned_abs()),
    };
    parcels.delivered("Ada", at(1), now(1, 0));
    parcels.delivered("Bart", at(8 - 3_600), now(8, -3_600));
    parcels.delivered("Bart", at(-86_400), now(8, 0));
    assert_eq!(parcels.delivered_counts(now(9, -3_600)), (3, 2), "one was delivered long ago, and is read only now");
    assert_eq!(parcels.delivered_counts(now(15, 3_600)), (3, 1), "whatever the clock was set to");
}
