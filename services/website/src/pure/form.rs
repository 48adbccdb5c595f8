//! The order form: what it shows, and the order typed into it.

use std::collections::HashMap;

use events::{
    beers::{BEERS, Beer},
    ids::BeerId,
    orders::{Fault, Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShopView {
    /// All beers, in the order of the catalogue.
    pub beers: Vec<Offer>,
    /// Sent with the form: the same token twice is one order.
    pub order_token: String,
    /// Filled in as the customer.
    pub customer: String,
    /// Filled in as the address.
    pub address: String,
    /// The rejected order, if this page answers a form.
    pub attempt: Option<Attempt>,
}

/// An order as it was typed, with what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attempt {
    pub customer: String,
    pub address: String,
    /// In the order of the indices in `faults`.
    pub lines: Vec<TypedLine>,
    pub faults: Vec<Fault>,
}

/// One number field as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedLine {
    pub beer: BeerId,
    /// The text of its field, a number or not.
    pub bottles: String,
}

/// One beer to order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub beer: &'static Beer,
    /// How many bottles there are, as stock-level shows it; `None` until it has said something.
    pub level: Option<Bottles>,
}

/// The order in a form: one line for each beer whose field is not 0.
pub fn read(fields: &HashMap<String, String>) -> (PlaceOrder, Vec<TypedLine>) {
    let field = |name: &str| fields.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
    let typed: Vec<TypedLine> = BEERS
        .iter()
        .map(|beer| TypedLine { beer: beer.beer_id(), bottles: field(&format!("bottles-{}", beer.id)) })
        .filter(|line| !line.bottles.is_empty() && line.bottles.parse() != Ok(0_u32))
        .collect();
    let line = |line: &TypedLine| Line {
        beer: BeerId::new(line.beer.as_str()),
        // What is not a number is out of range, like 0.
        bottles: Bottles(line.bottles.parse().unwrap_or(0)),
    };
    let order = PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: None,
        customer: field("customer"),
        address: field("address"),
        lines: typed.iter().map(line).collect(),
    };
    (order, typed)
}

#[cfg(test)]
mod tests {
    use events::orders::Problem as Wrong;

    use super::*;

    fn form(fields: &[(&str, &str)]) -> HashMap<String, String> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_form_becomes_the_lines_that_are_not_zero() {
        let fields = [("customer", " Ada "), ("address", "Gent"), ("bottles-orval", "2"), ("bottles-duvel", "0")];
        let (order, _) = read(&form(&fields));
        assert_eq!(order.faults(), []);
        assert_eq!((order.customer.as_str(), order.lines.len()), ("Ada", 1));
    }

    #[test]
    fn what_is_no_number_is_kept_and_named() {
        let (order, typed) = read(&form(&[("customer", "Ada"), ("address", "Gent"), ("bottles-orval", "two")]));
        assert_eq!(typed[0].bottles, "two");
        assert_eq!(order.faults()[0].problem, Wrong::BottlesOutOfRange);
    }
}
