//! What the contract's names are called on a page.

use events::{
    beers,
    contradictions::Matter,
    decisions::Refusal,
    delivery::FailureReason,
    ids::BeerId,
    insights::{Difference, WaitsFor},
    orders::{Fault, Problem},
    quantities::Sequence,
    unreadable::ReasonCode,
};

use crate::{order::view::Status, web::pure::{format, texts::Language}};

/// The name of a beer; its id if it is none of ours.
pub(super) fn beer(id: &BeerId) -> String {
    beers::find(id).map_or_else(|| id.as_str().to_owned(), |beer| beer.name.to_owned())
}

/// Its name where there is little room.
pub(super) fn short_beer(id: &BeerId) -> String {
    beers::find(id).map_or_else(|| id.as_str().to_owned(), |beer| beer.short_name.to_owned())
}

/// Why an order was refused.
pub(super) fn refusal(language: Language, refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotEnough { beer: id, asked, left } => {
            let asked = format::number(language, asked.0.into());
            let left = format::number(language, left.0.into());
            language.fill("order.not_enough", &[("beer", &beer(id)), ("asked", &asked), ("left", &left)])
        }
        Refusal::Invalid { faults } => match faults.first() {
            Some(fault) => {
                let problem = problem(language, fault.problem);
                language.fill("order.invalid_because", &[("field", &fault.field), ("problem", problem)])
            }
            None => language.t("order.invalid").to_owned(),
        },
    }
}

/// Why nobody could deliver a parcel.
pub(super) fn failure(language: Language, reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::AddressNotFound => language.t("delivery.address_not_found"),
    }
}

/// Why a message has no effect.
pub(super) fn reason_code(language: Language, code: ReasonCode) -> &'static str {
    language.t(match code {
        ReasonCode::Undecodable => "untrue.undecodable",
        ReasonCode::OutOfRange => "untrue.out_of_range",
        ReasonCode::TooLarge => "untrue.too_large",
        ReasonCode::UnknownOrder => "untrue.unknown_order",
        ReasonCode::UnknownBeer => "untrue.unknown_beer",
        ReasonCode::NotDecided => "untrue.not_decided",
        ReasonCode::SecondDecision => "untrue.second_decision",
        ReasonCode::SecondOutcome => "untrue.second_outcome",
        ReasonCode::NotGivenOut => "untrue.not_given_out",
        ReasonCode::OtherBottles => "untrue.other_bottles",
        ReasonCode::DoesNotFollow => "untrue.does_not_follow",
        ReasonCode::NotTheSum => "untrue.not_the_sum",
        ReasonCode::NotStranded => "untrue.not_stranded",
    })
}

/// What an order on its way waits for.
pub(super) fn waits_for(language: Language, what: WaitsFor) -> &'static str {
    language.t(match what {
        WaitsFor::Decision => "waits.decision",
        WaitsFor::Courier => "waits.courier",
        WaitsFor::Arrival => "waits.arrival",
        WaitsFor::Attempt => "waits.attempt",
        WaitsFor::CourierAgain => "waits.courier_again",
        WaitsFor::DecisionOfBottles => "waits.decision_of_bottles",
        WaitsFor::DecisionOfParcel => "waits.decision_of_parcel",
        WaitsFor::Order => "waits.order",
        WaitsFor::Reservation => "waits.reservation",
        WaitsFor::Bottles => "waits.bottles",
        WaitsFor::Return => "waits.return",
        WaitsFor::EarlierEvent => "waits.earlier_event",
    })
}

/// What cannot be true.
pub(super) fn contradiction(language: Language, what: &Matter) -> String {
    let number = |n: u64| format::number(language, n);
    let in_the_log = |key, id, sequence: Sequence, more: &[(&str, &str)]| {
        let place = [("beer", beer(id)), ("event", number(sequence.0))];
        let place = place.iter().map(|(name, value)| (*name, value.as_str()));
        language.fill(key, &place.chain(more.iter().copied()).collect::<Vec<_>>())
    };
    match what {
        Matter::DecidedInTwoWays => language.t("contradiction.decided_in_two_ways").to_owned(),
        Matter::DeliveredTwice => language.t("contradiction.delivered_twice").to_owned(),
        Matter::ReservedOtherwise => language.t("contradiction.reserved_otherwise").to_owned(),
        Matter::ReservedForRefused => language.t("contradiction.reserved_for_refused").to_owned(),
        Matter::RefusedInDelivery => language.t("contradiction.refused_in_delivery").to_owned(),
        Matter::DeliveredAndReturned => language.t("contradiction.delivered_and_returned").to_owned(),
        Matter::ReturnedOtherwise => language.t("contradiction.returned_otherwise").to_owned(),
        Matter::MoreReleasedThanReturned => language.t("contradiction.more_released_than_returned").to_owned(),
        Matter::MoreReleasedThanOrdered => language.t("contradiction.more_released_than_ordered").to_owned(),
        Matter::LevelIsNotTheSum { beer, sequence, level, sum } => {
            let [level, sum] = [level, sum].map(|bottles| number(bottles.0.into()));
            in_the_log("contradiction.level_is_not_the_sum", beer, *sequence, &[("level", &level), ("sum", &sum)])
        }
        Matter::MoreTakenThanThere { beer, sequence, bottles, level } => {
            let [taken, level] = [bottles, level].map(|bottles| number(bottles.0.into()));
            in_the_log("contradiction.more_taken_than_there", beer, *sequence, &[("taken", &taken), ("level", &level)])
        }
        Matter::ForNoOrder { beer, sequence } => in_the_log("contradiction.for_no_order", beer, *sequence, &[]),
        Matter::ForAnOrder { beer, sequence } => in_the_log("contradiction.for_an_order", beer, *sequence, &[]),
        Matter::UnknownBeer { beer, sequence } => in_the_log("contradiction.unknown_beer", beer, *sequence, &[]),
        Matter::EventsMissing { beer, first, last } => {
            let last = number(last.0);
            in_the_log("contradiction.events_missing", beer, *first, &[("last", &last)])
        }
    }
}

/// What a rebuild found otherwise than the live analysis has it. Topics, rows and what is in them keep their names.
pub(super) fn difference(language: Language, difference: &Difference) -> String {
    let number = |n: u64| format::number(language, n);
    match difference {
        Difference::Messages { topic, messages, last } => {
            let messages = number(*messages);
            language.fill("difference.messages", &[("topic", topic), ("n", &messages), ("last", last)])
        }
        Difference::Past { stored, rebuilt } => {
            language.fill("difference.past", &[("stored", &number(*stored)), ("rebuilt", &number(*rebuilt))])
        }
        Difference::Row { row, stored, rebuilt } => {
            language.fill("difference.row", &[("row", row), ("stored", stored), ("rebuilt", rebuilt)])
        }
        Difference::OnlyStored { row, stored } => {
            language.fill("difference.only_stored", &[("row", row), ("stored", stored)])
        }
        Difference::OnlyRebuilt { row } => language.fill("difference.only_rebuilt", &[("row", row)]),
    }
}

/// What is wrong with a field.
pub(super) fn problem(language: Language, problem: Problem) -> &'static str {
    language.t(match problem {
        Problem::Blank => "problem.blank",
        Problem::TooLong => "problem.too_long",
        Problem::ControlCharacter => "problem.control_character",
        Problem::NoLines => "problem.no_lines",
        Problem::TooManyLines => "problem.too_many_lines",
        Problem::UnknownBeer => "problem.unknown_beer",
        Problem::BeerTwice => "problem.beer_twice",
        Problem::BottlesOutOfRange => "problem.bottles_out_of_range",
    })
}

/// The message for the first fault of this field, if there is one.
pub(super) fn fault(language: Language, faults: &[Fault], is_field: impl Fn(&str) -> bool) -> Option<&'static str> {
    faults.iter().find(|fault| is_field(&fault.field)).map(|fault| problem(language, fault.problem))
}

/// The colour of where an order is; its sentence says the same.
pub(super) const fn tone(status: Status) -> &'static str {
    match status {
        Status::Delivered => "right",
        Status::Refused | Status::Stranded | Status::Returned => "wrong",
        _ => "amber",
    }
}

/// Where an order is, as one sentence.
pub(super) fn status(language: Language, status: Status) -> &'static str {
    language.t(match status {
        Status::Placed => "order.is_placed",
        Status::Accepted => "order.is_accepted",
        Status::Refused => "order.is_refused",
        Status::PickedUp => "order.is_picked_up",
        Status::Delivered => "order.is_delivered",
        Status::Retrying => "order.is_retrying",
        Status::Stranded => "order.is_stranded",
        Status::Returned => "order.is_returned",
        Status::Ended => "order.is_ended",
    })
}

#[cfg(test)]
mod tests {
    use events::quantities::Bottles;

    use super::*;

    #[test]
    fn what_cannot_be_true_is_a_sentence_in_every_language() {
        let (orval, sequence) = (BeerId::new("orval"), Sequence(1041));
        let (level, sum) = (Bottles(199), Bottles(198));
        let matters = [
            Matter::DeliveredTwice,
            Matter::LevelIsNotTheSum { beer: orval.clone(), sequence, level, sum },
            Matter::MoreTakenThanThere { beer: orval.clone(), sequence, bottles: sum, level },
            Matter::ForNoOrder { beer: orval.clone(), sequence },
            Matter::EventsMissing { beer: orval.clone(), first: sequence, last: sequence.next() },
        ];
        let mut sentences = Vec::new();
        for language in Language::ALL {
            sentences.extend(matters.iter().map(|matter| contradiction(language, matter)));
        }
        assert!(sentences.iter().all(|sentence| !sentence.contains(['{', '}'])), "{sentences:#?}");
        assert_eq!(sentences[1], "Orval, event 1,041: it says 199 bottles, the log adds up to 198");
        assert_eq!(sentences[5], "livrée deux fois");
    }

    #[test]
    fn what_a_rebuild_finds_is_a_sentence_in_every_language() {
        let (row, stored, rebuilt) = ("order a".to_owned(), "{}".to_owned(), "{1}".to_owned());
        let row = Difference::Row { row, stored, rebuilt };
        let messages = Difference::Messages { topic: "orders".into(), messages: 1022, last: "12:200".into() };
        assert_eq!(difference(Language::De, &row), "order a: gespeichert {}, neu berechnet {1}");
        assert_eq!(difference(Language::En, &messages), "orders does not have 1,022 messages up to 12:200");
        let past = Language::ALL.map(|language| difference(language, &Difference::Past { stored: 40, rebuilt: 41 }));
        assert!(past.iter().all(|sentence| sentence.contains("40") && sentence.contains("41")), "{past:#?}");
    }
}
