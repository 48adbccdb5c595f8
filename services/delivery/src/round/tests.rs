use events::{beers::BEERS, orders::Line, quantities::Bottles};
use proptest::prelude::*;

use super::*;

const RETRY_POLICY: RetryPolicy = RetryPolicy { attempts: 4, first_delay_ms: 1000 };

fn task(address: &str) -> DeliveryOrder {
    DeliveryOrder {
        order_id: "a".parse().unwrap(),
        round: 1,
        attempt: 1,
        customer: "Ada".into(),
        address: address.into(),
        lines: vec![Line { beer: BEERS[0].beer_id(), bottles: Bottles(2) }],
    }
}

fn redrive(address: Option<&str>) -> DeliveryRequest {
    DeliveryRequest::Redrive { order_id: "a".parse().unwrap(), address: address.map(Into::into) }
}

fn give_up() -> DeliveryRequest {
    DeliveryRequest::ReturnToStock { order_id: "a".parse().unwrap() }
}

/// Plays attempts until the round is over; returns the parcel, and the delays between the attempts.
fn play_round(first: &DeliveryOrder, before: Option<Parcel>) -> (Parcel, Vec<i64>) {
    let (mut parcel, mut task, mut delays) = (before, first.clone(), Vec::new());
    loop {
        let outcome = decide(parcel.as_ref(), &task, RETRY_POLICY).unwrap();
        let now = after(&outcome, &task);
        let Outcome::Failed { next, delay_ms, .. } = outcome else { return (now, delays) };
        delays.push(delay_ms);
        (parcel, task) = (Some(now), next);
    }
}

#[test]
fn a_good_address_is_found_at_once_and_only_once() {
    let task = task("Grote Markt 1, Brussel");
    let outcome = decide(None, &task, RETRY_POLICY).unwrap();
    assert_eq!(outcome, Outcome::Delivered);
    let parcel = after(&outcome, &task);
    assert_eq!(decide(Some(&parcel), &task, RETRY_POLICY), Err(NotItsTurn::Delivered));
    let forged = DeliveryOrder { round: 2, ..task };
    assert_eq!(decide(Some(&parcel), &forged, RETRY_POLICY), Err(NotItsTurn::Delivered));
}

#[test]
fn what_nobody_finds_is_tried_four_times_each_later_than_the_last() {
    let (parcel, delays) = play_round(&task("Nowhere Lane 3"), None);
    assert_eq!(delays, [1000, 2000, 4000]);
    assert_eq!((parcel.round, parcel.attempts), (1, 4));
    let State::Stranded { task } = &parcel.state else { panic!("{parcel:?}") };
    assert_eq!(task.attempt, 4);
    assert_eq!(decide(Some(&parcel), task, RETRY_POLICY), Err(NotItsTurn::Stranded));
}

#[test]
fn an_attempt_has_one_outcome() {
    let first = task("nowhere");
    let outcome = decide(None, &first, RETRY_POLICY).unwrap();
    let parcel = after(&outcome, &first);
    let next = NotItsTurn::AnotherComesNext { round: 1, attempt: 2 };
    assert_eq!(decide(Some(&parcel), &first, RETRY_POLICY), Err(next), "again");
    let forged = DeliveryOrder { round: 2, address: "Grote Markt 1".into(), ..first };
    assert_eq!(decide(Some(&parcel), &forged, RETRY_POLICY), Err(next), "a round nobody asked for");
}

#[test]
fn a_redrive_is_a_new_round_with_the_corrected_address() {
    let (stranded, _) = play_round(&task("nowhere"), None);
    let decision = answer(Some(&stranded), &redrive(Some("Korenmarkt 2, Gent"))).unwrap();
    let Decision::Redriven { task } = &decision else { panic!("{decision:?}") };
    assert_eq!((task.round, task.attempt, task.address.as_str()), (2, 1, "Korenmarkt 2, Gent"));
    let parcel = decision.parcel();
    assert_eq!(decide(Some(&parcel), task, RETRY_POLICY), Ok(Outcome::Delivered));
    assert_eq!(answer(Some(&parcel), &redrive(None)), Err(Ignored::NotStranded), "asked twice");
}

#[test]
fn a_redrive_without_an_address_tries_the_old_one_and_strands_again() {
    let (stranded, _) = play_round(&task("nowhere"), None);
    let decision = answer(Some(&stranded), &redrive(None)).unwrap();
    let Decision::Redriven { task } = &decision else { panic!("{decision:?}") };
    let (parcel, delays) = play_round(task, Some(decision.parcel()));
    assert_eq!((parcel.round, parcel.attempts, delays), (2, 4, vec![1000, 2000, 4000]));
}

#[test]
fn a_corrected_address_keeps_the_rules_for_addresses() {
    let (stranded, _) = play_round(&task("nowhere"), None);
    for (address, problem) in [(" ", Problem::Blank), ("a\nb", Problem::ControlCharacter)] {
        assert_eq!(answer(Some(&stranded), &redrive(Some(address))), Err(Ignored::Address(problem)));
    }
    let long = "x".repeat(ADDRESS_MAX + 1);
    assert_eq!(answer(Some(&stranded), &redrive(Some(&long))), Err(Ignored::Address(Problem::TooLong)));
}

#[test]
fn a_returned_order_is_over() {
    let (stranded, _) = play_round(&task("nowhere"), None);
    let decision = answer(Some(&stranded), &give_up()).unwrap();
    assert!(matches!(&decision, Decision::Returned { task } if !task.lines.is_empty()));
    let parcel = decision.parcel();
    assert_eq!(answer(Some(&parcel), &give_up()), Err(Ignored::NotStranded));
    assert_eq!(answer(Some(&parcel), &redrive(None)), Err(Ignored::NotStranded));
    assert_eq!(decide(Some(&parcel), &task("Grote Markt 1"), RETRY_POLICY), Err(NotItsTurn::Returned));
    assert_eq!(answer(None, &give_up()), Err(Ignored::Unknown), "an order nobody knows");
}

#[test]
fn a_forged_attempt_overflows_nothing() {
    let forged = DeliveryOrder { round: u32::MAX, attempt: u32::MAX, ..task("nowhere") };
    let why = decide(None, &forged, RETRY_POLICY).unwrap_err();
    assert_eq!(why.untrue(None, &forged), Some(ReasonCode::DoesNotFollow));
    let stranded = Parcel { state: State::Stranded { task: forged.clone() }, round: u32::MAX, attempts: u32::MAX };
    let decision = answer(Some(&stranded), &redrive(None)).unwrap();
    assert_eq!(decision.parcel().round, u32::MAX);
    let patient = RetryPolicy { attempts: u32::MAX, first_delay_ms: 1 };
    let parcel = Parcel { state: State::UnderWay { next: None }, round: 1, attempts: u32::MAX - 1 };
    let last = DeliveryOrder { attempt: u32::MAX, ..task("nowhere") };
    assert!(matches!(decide(Some(&parcel), &last, patient), Ok(Outcome::Stranded { .. })));
    let longest = RetryPolicy { attempts: u32::MAX, first_delay_ms: u32::MAX };
    assert!(longest.delay_ms(u32::MAX) > 0);
}

#[test]
fn a_task_is_untrue_or_comes_again() {
    let first = task("nowhere");
    let after_first = after(&decide(None, &first, RETRY_POLICY).unwrap(), &first);
    let (stranded, _) = play_round(&first, None);
    let delivered = Parcel { state: State::Delivered, round: 1, attempts: 2 };
    let returned = Parcel { state: State::Returned, round: 1, attempts: 4 };
    let other_address = DeliveryOrder { attempt: 2, ..task("Grote Markt 1") };
    let (again, beyond) = (None, Some(ReasonCode::DoesNotFollow));
    for (parcel, (round, attempt), expected) in [
        (Some(&after_first), (1, 1), again),
        (Some(&after_first), (1, 3), beyond),
        (Some(&after_first), (2, 1), beyond),
        (Some(&stranded), (1, 4), again),
        (Some(&stranded), (2, 1), beyond),
        (Some(&delivered), (1, 2), again),
        (Some(&delivered), (1, 3), Some(ReasonCode::SecondOutcome)),
        (Some(&returned), (1, 4), again),
        (Some(&returned), (2, 1), Some(ReasonCode::SecondOutcome)),
        (None, (1, 2), beyond),
        (None, (0, 0), beyond),
    ] {
        let task = DeliveryOrder { round, attempt, ..task("nowhere") };
        let why = is_its_turn(parcel, &task).unwrap_err();
        assert_eq!(why.untrue(parcel, &task), expected, "{parcel:?}, {round}.{attempt}");
    }
    assert_eq!(is_its_turn(Some(&after_first), &other_address), Err(NotItsTurn::NotQueued));
    let from_an_old_book = Parcel { state: State::UnderWay { next: None }, ..after_first };
    assert_eq!(is_its_turn(Some(&from_an_old_book), &other_address), Ok(()));
}

#[test]
fn a_dead_letter_tells_what_the_book_has_or_is_not_believed() {
    let (stranded, _) = play_round(&task("nowhere"), None);
    let State::Stranded { task: last } = stranded.state.clone() else { panic!("{stranded:?}") };
    let letter = |task: DeliveryOrder| DeadLetter {
        order_id: task.order_id.clone(),
        reason: FailureReason::AddressNotFound,
        attempts: task.attempt,
        payload: task,
    };
    let redriven = answer(Some(&stranded), &redrive(None)).unwrap().parcel();
    let returned = answer(Some(&stranded), &give_up()).unwrap().parcel();
    let delivered = Parcel { state: State::Delivered, round: 1, attempts: 1 };
    let under_way = Parcel { state: State::UnderWay { next: None }, round: 1, attempts: 1 };
    let elsewhere = DeliveryOrder { address: "Meir 3".into(), ..last.clone() };
    for (parcel, letter, expected) in [
        (Some(&stranded), letter(last.clone()), Ok(())),
        (Some(&redriven), letter(last.clone()), Ok(())),
        (Some(&returned), letter(last.clone()), Ok(())),
        (Some(&stranded), letter(elsewhere), Err(ReasonCode::NotStranded)),
        (Some(&under_way), letter(last.clone()), Err(ReasonCode::NotStranded)),
        (Some(&delivered), letter(last.clone()), Err(ReasonCode::SecondOutcome)),
        (None, letter(last.clone()), Err(ReasonCode::UnknownOrder)),
        (Some(&stranded), DeadLetter { attempts: 9, ..letter(last.clone()) }, Err(ReasonCode::DoesNotFollow)),
    ] {
        assert_eq!(judge_letter(parcel, &letter), expected, "{parcel:?}, {letter:?}");
    }
}

/// What delivery can receive about one order, in any order and any number of times.
#[derive(Debug, Clone)]
enum Happening {
    /// Any task that was queued is delivered, perhaps again.
    HandedOut(usize),
    /// A task from a stranger.
    Forged {
        round: u32,
        attempt: u32,
        found: bool,
    },
    Asked(DeliveryRequest),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let address = prop::option::of(prop_oneof![Just("nowhere"), Just("Grote Markt 1"), Just(" ")]);
    prop_oneof![
        8 => any::<usize>().prop_map(Happening::HandedOut),
        2 => (0..4_u32, 0..7_u32, any::<bool>())
            .prop_map(|(round, attempt, found)| Happening::Forged { round, attempt, found }),
        2 => address.prop_map(|address| Happening::Asked(redrive(address))),
        1 => Just(Happening::Asked(give_up())),
    ]
}

proptest! {
    /// Whatever comes, in any order: an order is delivered or returned at most once and never both, no attempt has
    /// two outcomes, and a task is queued for it as long as it is under way.
    #[test]
    fn one_end_at_most(found in any::<bool>(), happenings in prop::collection::vec(any_happening(), 0..120)) {
        let mut parcel: Option<Parcel> = None;
        let mut queue = vec![task(if found { "Grote Markt 1" } else { "nowhere" })];
        let (mut ends, mut tried) = (0, Vec::new());
        for happening in happenings {
            let attempted = match happening {
                Happening::HandedOut(which) => queue[which % queue.len()].clone(),
                Happening::Forged { round, attempt, found } => {
                    let address = if found { "Grote Markt 1" } else { "nowhere" };
                    DeliveryOrder { round, attempt, ..task(address) }
                }
                Happening::Asked(request) => {
                    if let Ok(decision) = answer(parcel.as_ref(), &request) {
                        parcel = Some(decision.parcel());
                        match decision {
                            Decision::Redriven { task } => queue.push(task),
                            Decision::Returned { .. } => ends += 1,
                        }
                    }
                    continue;
                }
            };
            let Ok(outcome) = decide(parcel.as_ref(), &attempted, RETRY_POLICY) else { continue };
            tried.push((attempted.round, attempted.attempt));
            parcel = Some(after(&outcome, &attempted));
            match outcome {
                Outcome::Delivered => ends += 1,
                Outcome::Failed { next, .. } => queue.push(next),
                Outcome::Stranded { .. } => {}
            }
        }
        prop_assert!(ends <= 1);
        let mut distinct = tried.clone();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), tried.len(), "an attempt had two outcomes");
        if parcel.as_ref().is_none_or(|parcel| matches!(parcel.state, State::UnderWay { .. })) {
            prop_assert!(queue.iter().any(|task| is_its_turn(parcel.as_ref(), task).is_ok()), "lost");
        }
        let over = matches!(parcel.as_ref().map(|parcel| &parcel.state), Some(State::Delivered | State::Returned));
        prop_assert_eq!(over, ends == 1);
    }
}
