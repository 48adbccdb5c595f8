//! `PlaceOrder`, the command that everything begins with, and the rules for a customer's order.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{
    beers,
    ids::{BeerId, OrderId},
    quantities::{Bottles, Cents},
};

/// Most lines in an order.
pub const LINES_MAX: usize = 12;
/// Most bottles in one line.
pub const LINE_BOTTLES_MAX: Bottles = Bottles(24);
/// Longest name of a customer, in characters.
pub const CUSTOMER_MAX: usize = 80;
/// Longest address, in characters.
pub const ADDRESS_MAX: usize = 200;

/// One beer of an order, with the number of bottles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub beer: BeerId,
    pub bottles: Bottles,
}

/// The type a `PlaceOrder` may name; nothing else is accepted on `orders`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PlaceOrderType {
    #[default]
    PlaceOrder,
}

/// "Please sell me these." A command: the warehouse decides it.
///
/// Small enough to be typed by a person: `type` and `order_id` may be missing. Without an id the order is named after
/// its message, see [`OrderId::of_message`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// The type; may be missing.
    #[serde(rename = "type", default)]
    pub kind: PlaceOrderType,
    /// The id, if the customer's program chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    pub customer: String,
    pub address: String,
    /// One line per beer.
    pub lines: Vec<Line>,
}

/// What is wrong with one field of an order; the field is named as in the JSON, such as `lines[2].bottles`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub field: String,
    pub problem: Problem,
}

/// The ways an order can be wrong. The sentence is for people; the name is stable, for programs and translations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Nothing but white space.
    #[error("must not be empty")]
    Blank,
    /// More characters than its limit.
    #[error("is too long")]
    TooLong,
    /// A character that cannot be seen or that turns text around.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// No line at all.
    #[error("an order has at least one line")]
    NoLines,
    /// More than [`LINES_MAX`].
    #[error("an order has at most 12 lines")]
    TooManyLines,
    /// Not in the catalogue.
    #[error("is not one of our beers")]
    UnknownBeer,
    /// A second line for the same beer.
    #[error("is in this order already")]
    BeerTwice,
    /// None, or more than [`LINE_BOTTLES_MAX`].
    #[error("a line has 1 to 24 bottles")]
    BottlesOutOfRange,
}

impl PlaceOrder {
    /// Everything that is wrong with this order, one entry per field; empty if the order is valid.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add = |field: &str, problem| faults.push(Fault { field: field.to_owned(), problem });
        if let Some(problem) = text_problem(&self.customer, CUSTOMER_MAX) {
            add("customer", problem);
        }
        if let Some(problem) = text_problem(&self.address, ADDRESS_MAX) {
            add("address", problem);
        }
        if self.lines.is_empty() {
            add("lines", Problem::NoLines);
        }
        if self.lines.len() > LINES_MAX {
            add("lines", Problem::TooManyLines);
        }
        let mut seen = HashSet::new();
        for (index, line) in self.lines.iter().take(LINES_MAX).enumerate() {
            if beers::find(&line.beer).is_none() {
                add(&format!("lines[{index}].beer"), Problem::UnknownBeer);
            } else if !seen.insert(&line.beer) {
                add(&format!("lines[{index}].beer"), Problem::BeerTwice);
            }
            if !(Bottles(1)..=LINE_BOTTLES_MAX).contains(&line.bottles) {
                add(&format!("lines[{index}].bottles"), Problem::BottlesOutOfRange);
            }
        }
        faults
    }
}

/// What is wrong with a text a customer typed, if anything: blank, longer than `max` characters, or with characters
/// that could break a page, a log line or a terminal (controls, line ends, marks that turn the direction of writing).
pub fn text_problem(text: &str, max: usize) -> Option<Problem> {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.chars().any(|c| c.is_control() || turns(c)) {
        Some(Problem::ControlCharacter)
    } else if text.trim().is_empty() {
        Some(Problem::Blank)
    } else if text.chars().count() > max {
        Some(Problem::TooLong)
    } else {
        None
    }
}

/// The number of bottles in these lines.
pub fn bottles(lines: &[Line]) -> Bottles {
    lines.iter().map(|line| line.bottles).sum()
}

/// The price of these lines according to the catalogue; an unknown beer costs nothing.
pub fn total(lines: &[Line]) -> Cents {
    let price = |line: &Line| beers::find(&line.beer).map_or(Cents(0), |beer| beer.price.times(line.bottles));
    lines.iter().map(price).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(lines: &[(&str, u32)]) -> PlaceOrder {
        let lines = lines.iter().map(|(beer, n)| Line { beer: BeerId::new(*beer), bottles: Bottles(*n) }).collect();
        PlaceOrder {
            kind: PlaceOrderType::PlaceOrder,
            order_id: None,
            customer: "Ada".into(),
            address: "Grote Markt 1, Brussel".into(),
            lines,
        }
    }

    fn problems(order: &PlaceOrder) -> Vec<(String, Problem)> {
        order.faults().into_iter().map(|fault| (fault.field, fault.problem)).collect()
    }

    #[test]
    fn a_person_can_type_one() {
        let typed = r#"{"customer":"Ada","address":"Grote Markt 1","lines":[{"beer":"orval","bottles":2}]}"#;
        let order: PlaceOrder = serde_json::from_str(typed).unwrap();
        assert_eq!(order.order_id, None);
        assert_eq!(order.faults(), []);
        assert_eq!(total(&order.lines), Cents(720));
        assert_eq!(bottles(&order.lines), Bottles(2));
    }

    #[test]
    fn another_type_is_no_order() {
        let typed = r#"{"type":"Refund","customer":"Ada","address":"x","lines":[]}"#;
        assert!(serde_json::from_str::<PlaceOrder>(typed).is_err());
    }

    #[test]
    fn every_wrong_field_is_named() {
        let mut wrong = order(&[("orval", 0), ("orval", 2), ("water", 25)]);
        wrong.customer = " ".into();
        wrong.address = "a\u{202e}b".into();
        let expected = [
            ("customer", Problem::Blank),
            ("address", Problem::ControlCharacter),
            ("lines[0].bottles", Problem::BottlesOutOfRange),
            ("lines[1].beer", Problem::BeerTwice),
            ("lines[2].beer", Problem::UnknownBeer),
            ("lines[2].bottles", Problem::BottlesOutOfRange),
        ];
        assert_eq!(problems(&wrong), expected.map(|(field, problem)| (field.to_owned(), problem)));
    }

    #[test]
    fn limits_are_in_characters_not_bytes() {
        assert_eq!(text_problem(&"é".repeat(CUSTOMER_MAX), CUSTOMER_MAX), None);
        assert_eq!(text_problem(&"é".repeat(CUSTOMER_MAX + 1), CUSTOMER_MAX), Some(Problem::TooLong));
        assert_eq!(problems(&order(&[])), [("lines".to_owned(), Problem::NoLines)]);
        let many = order(&[("orval", 1); 13]);
        assert!(problems(&many).contains(&("lines".to_owned(), Problem::TooManyLines)));
    }
}
