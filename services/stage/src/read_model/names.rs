//! What the stage's pages show of customers while the presenter hides their names.

use std::sync::Arc;

use events::{insights::Fraud, past::PastAnswer};
use serde_json::Value;
use web::order::names::{LEFT_OUT, NamesCustomers, hide_in, short_name, town};

use crate::read_model::{
    broker::{Look, PulsarView},
    deliveries::{DeadLetterView, DeliveriesView},
    insights::AnalysisView,
    map::MapView,
    newest::NewestView,
    past::{FraudView, QuestionsView},
};

impl NamesCustomers for MapView {
    fn hide_names(&mut self) {
        self.deliveries.hide_names();
        self.fraud.iter_mut().for_each(Fraud::hide_names);
    }
}

impl NamesCustomers for PulsarView {
    fn hide_names(&mut self) {
        let Look::Seen(seen, _) = &mut self.look else { return };
        for message in Arc::make_mut(seen).details.values_mut().flat_map(|details| &mut details.messages) {
            message.payload = match serde_json::from_str(&message.payload) {
                Ok(mut value) => {
                    hide_in_message(&mut value);
                    value.to_string()
                }
                // Cut off, or not JSON: it may contain anything.
                Err(_) => LEFT_OUT.to_owned(),
            };
        }
    }
}

/// Hides customers in a message, by the names of its fields.
fn hide_in_message(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), &*value) {
                    ("customer", Value::String(customer)) => *value = short_name(customer).into(),
                    ("address", Value::String(address)) => *value = town(address).into(),
                    // Free text about somebody, and messages within a message.
                    ("why" | "payload" | "first_bytes", _) => *value = LEFT_OUT.into(),
                    _ => hide_in_message(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide_in_message),
        _ => {}
    }
}

impl NamesCustomers for NewestView {
    fn hide_names(&mut self) {
        self.names_hidden = true;
        self.orders.iter_mut().for_each(|order| order.customer = short_name(&order.customer));
    }
}

impl NamesCustomers for DeliveriesView {
    fn hide_names(&mut self) {
        self.names_hidden = true;
        for parcel in self.couriers.iter_mut().filter_map(|lane| lane.carrying.as_mut()) {
            parcel.address = town(&parcel.address);
        }
        self.retries.iter_mut().for_each(|retry| retry.address = town(&retry.address));
        for letter in &mut self.dead_letters {
            match letter {
                DeadLetterView::Stranded { customer, address, history, .. } => {
                    *customer = short_name(customer);
                    *address = town(address);
                    history.iter_mut().for_each(|tried| hide_in(&mut tried.what));
                }
                // It may contain a name.
                DeadLetterView::Unreadable { first_bytes, .. } => *first_bytes = LEFT_OUT.to_owned(),
            }
        }
    }
}

impl NamesCustomers for FraudView {
    fn hide_names(&mut self) {
        self.fraud.iter_mut().for_each(Fraud::hide_names);
    }
}

impl NamesCustomers for AnalysisView {
    fn hide_names(&mut self) {
        self.fraud.iter_mut().for_each(Fraud::hide_names);
    }
}

impl NamesCustomers for QuestionsView {
    fn hide_names(&mut self) {
        self.answers.iter_mut().for_each(PastAnswer::hide_names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use web::order::view::Status;

    use crate::samples;

    #[test]
    fn no_view_says_more_than_that() {
        let mut order = samples::order(Status::Stranded);
        let (customer, address) = (order.customer.clone(), order.address.clone());
        order.hide_names();
        let mut deliveries = samples::deliveries();
        deliveries.hide_names();
        let (mut newest, mut fraud, mut questions) = (samples::newest(), samples::fraud(), samples::questions());
        newest.hide_names();
        fraud.hide_names();
        questions.hide_names();
        let (mut map, [_, mut pulsar, ..]) = (samples::map(), samples::pulsar());
        map.hide_names();
        pulsar.hide_names();
        let all = format!("{order:?} {deliveries:?} {newest:?} {fraud:?} {questions:?} {map:?} {pulsar:?}");
        for told in ["Lotte", customer.as_str(), address.as_str(), "Mallory", "introuvable", "customer: \\\"Ada"] {
            assert!(!all.contains(told), "{told}: {all}");
        }
    }
}
