//! The page's words for the names in the contract about orders.

use events::{
    beers,
    decisions::Refusal,
    delivery::FailureReason,
    ids::BeerId,
    orders::{Fault, Problem},
};

use crate::{
    order::view::Status,
    pure::{format, language::Language},
};

/// The name of a beer; its id if it is not one of ours.
pub fn beer(id: &BeerId) -> String {
    beers::find(id).map_or_else(|| id.as_str().to_owned(), |beer| beer.name.to_owned())
}

/// The name of a beer where space is short.
pub fn short_beer(id: &BeerId) -> String {
    beers::find(id).map_or_else(|| id.as_str().to_owned(), |beer| beer.short_name.to_owned())
}

/// Why an order was refused.
pub fn refusal(language: Language, refusal: &Refusal) -> String {
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
pub fn failure(language: Language, reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::AddressNotFound => language.t("delivery.address_not_found"),
    }
}

/// What is wrong with a field.
pub fn problem(language: Language, problem: Problem) -> &'static str {
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
pub fn fault(language: Language, faults: &[Fault], is_field: impl Fn(&str) -> bool) -> Option<&'static str> {
    faults.iter().find(|fault| is_field(&fault.field)).map(|fault| problem(language, fault.problem))
}

/// The colour of a status. The sentence says the same.
pub const fn tone(status: Status) -> &'static str {
    match status {
        Status::Delivered => "right",
        Status::Refused | Status::Stranded | Status::Returned => "wrong",
        _ => "amber",
    }
}

/// The status in one sentence.
pub fn status(language: Language, status: Status) -> &'static str {
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
