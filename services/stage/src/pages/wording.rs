//! The words for names of the contract on the stage's pages.

use events::{
    contradictions::ContradictionKind,
    insights::{Difference, WaitsFor},
    quantities::Sequence,
    unreadable::ReasonCode,
};
use web::{
    order::wording::beer,
    pure::{format, language::Language},
};

/// Why a message has no effect.
pub fn reason_code(language: Language, code: ReasonCode) -> &'static str {
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
pub fn waits_for(language: Language, what: WaitsFor) -> &'static str {
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

pub fn contradiction(language: Language, what: &ContradictionKind) -> String {
    let number = |n: u64| format::number(language, n);
    let in_the_log = |key, id, sequence: Sequence, more: &[(&str, &str)]| {
        let place = [("beer", beer(id)), ("event", number(sequence.0))];
        let place = place.iter().map(|(name, value)| (*name, value.as_str()));
        language.fill(key, &place.chain(more.iter().copied()).collect::<Vec<_>>())
    };
    match what {
        ContradictionKind::DecidedInTwoWays => language.t("contradiction.decided_in_two_ways").to_owned(),
        ContradictionKind::DeliveredTwice => language.t("contradiction.delivered_twice").to_owned(),
        ContradictionKind::ReservedOtherwise => language.t("contradiction.reserved_otherwise").to_owned(),
        ContradictionKind::ReservedForRefused => language.t("contradiction.reserved_for_refused").to_owned(),
        ContradictionKind::RefusedInDelivery => language.t("contradiction.refused_in_delivery").to_owned(),
        ContradictionKind::DeliveredAndReturned => language.t("contradiction.delivered_and_returned").to_owned(),
        ContradictionKind::ReturnedOtherwise => language.t("contradiction.returned_otherwise").to_owned(),
        ContradictionKind::MoreReleasedThanReturned => {
            language.t("contradiction.more_released_than_returned").to_owned()
        }
        ContradictionKind::MoreReleasedThanOrdered => language.t("contradiction.more_released_than_ordered").to_owned(),
        ContradictionKind::LevelIsNotTheSum { beer, sequence, level, sum } => {
            let [level, sum] = [level, sum].map(|bottles| number(bottles.0.into()));
            in_the_log("contradiction.level_is_not_the_sum", beer, *sequence, &[("level", &level), ("sum", &sum)])
        }
        ContradictionKind::MoreTakenThanThere { beer, sequence, bottles, level } => {
            let [taken, level] = [bottles, level].map(|bottles| number(bottles.0.into()));
            in_the_log("contradiction.more_taken_than_there", beer, *sequence, &[("taken", &taken), ("level", &level)])
        }
        ContradictionKind::ForNoOrder { beer, sequence } => {
            in_the_log("contradiction.for_no_order", beer, *sequence, &[])
        }
        ContradictionKind::ForAnOrder { beer, sequence } => {
            in_the_log("contradiction.for_an_order", beer, *sequence, &[])
        }
        ContradictionKind::UnknownBeer { beer, sequence } => {
            in_the_log("contradiction.unknown_beer", beer, *sequence, &[])
        }
        ContradictionKind::EventsMissing { beer, first, last } => {
            let last = number(last.0);
            in_the_log("contradiction.events_missing", beer, *first, &[("last", &last)])
        }
    }
}

/// What differs between a rebuild and the live analysis. Topics, rows and their contents keep their names.
pub fn difference(language: Language, difference: &Difference) -> String {
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

#[cfg(test)]
mod tests {
    use events::{ids::BeerId, quantities::Bottles};

    use super::*;

    #[test]
    fn what_cannot_be_true_is_a_sentence_in_every_language() {
        let (orval, sequence) = (BeerId::new("orval"), Sequence(1041));
        let (level, sum) = (Bottles(199), Bottles(198));
        let matters = [
            ContradictionKind::DeliveredTwice,
            ContradictionKind::LevelIsNotTheSum { beer: orval.clone(), sequence, level, sum },
            ContradictionKind::MoreTakenThanThere { beer: orval.clone(), sequence, bottles: sum, level },
            ContradictionKind::ForNoOrder { beer: orval.clone(), sequence },
            ContradictionKind::EventsMissing { beer: orval.clone(), first: sequence, last: sequence.next() },
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
