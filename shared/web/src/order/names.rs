//! What is public about customers while the presenter hides their names: the first letter of a name, and the town of an
//! address. Orders keep their numbers. What is stored does not change.

use events::{
    insights::Fraud,
    past::{Cell, PastAnswer},
    settings::Choices,
};

use crate::order::view::{OrderView, What};

/// Replaces what is left out altogether.
pub const LEFT_OUT: &str = "…";

pub fn short_name(name: &str) -> String {
    match name.chars().find(|letter| letter.is_alphanumeric()) {
        Some(letter) => format!("{}.", letter.to_uppercase()),
        None => LEFT_OUT.to_owned(),
    }
}

/// What follows the last comma, without numbers.
pub fn town(address: &str) -> String {
    let last = address.rsplit_once(',').map(|(_, last)| last).unwrap_or_default();
    let has_no_digit = |word: &&str| !word.chars().any(char::is_numeric);
    let words: Vec<&str> = last.split_whitespace().filter(has_no_digit).collect();
    if words.is_empty() { LEFT_OUT.to_owned() } else { words.join(" ") }
}

/// Something that contains names of customers.
pub trait NamesCustomers {
    /// Reduces each of them to what is public while names are hidden.
    fn hide_names(&mut self);
}

/// A view as these settings make it public.
pub fn redacted<View: NamesCustomers>(mut view: View, choices: &Choices) -> View {
    if choices.hide_names {
        view.hide_names();
    }
    view
}

/// Hides the customer in a hop.
pub fn hide_in(what: &mut What) {
    if let What::Redriven { address } = what {
        *address = town(address);
    }
}

impl NamesCustomers for OrderView {
    fn hide_names(&mut self) {
        self.customer = short_name(&self.customer);
        self.address = town(&self.address);
        self.journey.iter_mut().for_each(|step| hide_in(&mut step.what));
    }
}

impl NamesCustomers for Fraud {
    fn hide_names(&mut self) {
        self.findings.iter_mut().for_each(|finding| finding.customer = short_name(&finding.customer));
    }
}

impl NamesCustomers for PastAnswer {
    fn hide_names(&mut self) {
        for cell in self.rows.iter_mut().flatten() {
            // The only texts in answers are lists of customers.
            if let Cell::Text(names) = cell {
                *names = names.split(", ").map(short_name).collect::<Vec<_>>().join(", ");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_first_letter() {
        for (name, short) in [("Anna", "A."), ("éva  Peeters", "É."), ("<b>Mallory", "B."), ("", "…"), ("!?", "…")]
        {
            assert_eq!(short_name(name), short);
        }
    }

    #[test]
    fn an_address_is_its_town_without_a_number() {
        for (address, shown) in [
            ("Grote Markt 12, Brussel", "Brussel"),
            ("Korenlei 7, bus 3, 9000 Gent", "Gent"),
            ("Grand-Place 5, La Louvière", "La Louvière"),
            ("Flat 2, Kerkstraat 5", "Kerkstraat"),
            ("Kerkstraat 5", "…"),
            ("nowhere", "…"),
            ("Gent, 9", "…"),
        ] {
            assert_eq!(town(address), shown);
        }
    }
}
