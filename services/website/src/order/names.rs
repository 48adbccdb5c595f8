//! What everybody sees of customers while the presenter hides their names: the first letter of a name, and of an
//! address the town. Orders keep their numbers. What the books say is not touched.

use std::sync::Arc;

use events::{
    ids::OrderId,
    insights::Fraud,
    past::{Cell, PastAnswer},
    topics::TopicSpec,
};
use serde_json::Value;
use service::Now;
use store::StoreError;

use crate::{order::view::{AnalysisView, OrderView, What}, shop::control::shop::Site, stage::{control::broker_monitor::Look, read_model::{broker::PulsarView, deliveries::{DeadLetterView, DeliveriesView}, map::MapView, newest_view::NewestView, past::{FraudView, QuestionsView}}}};

/// Stands for what is left out altogether.
const LEFT_OUT: &str = "…";

/// `A.` of Anna.
fn short_name(name: &str) -> String {
    match name.chars().find(|letter| letter.is_alphanumeric()) {
        Some(letter) => format!("{}.", letter.to_uppercase()),
        None => LEFT_OUT.to_owned(),
    }
}

/// What stands behind the last comma, without any number.
fn town(address: &str) -> String {
    let last = address.rsplit_once(',').map(|(_, last)| last).unwrap_or_default();
    let has_no_digit = |word: &&str| !word.chars().any(char::is_numeric);
    let words: Vec<&str> = last.split_whitespace().filter(has_no_digit).collect();
    if words.is_empty() { LEFT_OUT.to_owned() } else { words.join(" ") }
}

/// Something that names customers.
pub trait NamesCustomers {
    /// Leaves of each of them what may be seen while names are hidden.
    fn hide_names(&mut self);
}

fn hide_in(what: &mut What) {
    if let What::Redriven { address } = what {
        *address = town(address);
    }
}

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
                // Not whole, or no JSON: nobody knows what stands in it.
                Err(_) => LEFT_OUT.to_owned(),
            };
        }
    }
}

/// Hides what a message says of customers, by the names of its fields.
fn hide_in_message(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), &*value) {
                    ("customer", Value::String(customer)) => *value = short_name(customer).into(),
                    ("address", Value::String(address)) => *value = town(address).into(),
                    // Words about somebody, and messages within a message.
                    ("why" | "payload" | "first_bytes", _) => *value = LEFT_OUT.into(),
                    _ => hide_in_message(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide_in_message),
        _ => {}
    }
}

impl NamesCustomers for OrderView {
    fn hide_names(&mut self) {
        self.customer = short_name(&self.customer);
        self.address = town(&self.address);
        self.journey.iter_mut().for_each(|step| hide_in(&mut step.what));
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
                // Nobody knows what stands in it: a name, maybe.
                DeadLetterView::Unreadable { first_bytes, .. } => *first_bytes = LEFT_OUT.to_owned(),
            }
        }
    }
}

impl NamesCustomers for Fraud {
    fn hide_names(&mut self) {
        self.findings.iter_mut().for_each(|finding| finding.customer = short_name(&finding.customer));
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

impl NamesCustomers for PastAnswer {
    fn hide_names(&mut self) {
        for cell in self.rows.iter_mut().flatten() {
            // The only texts in answers are customers, one after the other.
            if let Cell::Text(names) = cell {
                *names = names.split(", ").map(short_name).collect::<Vec<_>>().join(", ");
            }
        }
    }
}

impl NamesCustomers for QuestionsView {
    fn hide_names(&mut self) {
        self.answers.iter_mut().for_each(PastAnswer::hide_names);
    }
}

impl Site {
    /// A view as everybody may see it now.
    pub fn for_all_eyes<View: NamesCustomers>(&self, mut view: View) -> View {
        if self.context.stage.settings().choices.hide_names {
            view.hide_names();
        }
        view
    }

    /// `/stage`.
    pub fn map(&self) -> MapView {
        let choices = &self.context.stage.settings().choices;
        self.for_all_eyes(self.known(|known| known.map(choices, Now::read())))
    }

    /// `/stage/pulsar`, with one topic looked at more closely if that is asked for.
    pub fn pulsar(&self, topic: Option<&'static TopicSpec>) -> PulsarView {
        let tenant = self.context.bus.place().tenant.clone();
        self.for_all_eyes(PulsarView { look: self.observatory.last(), tenant, topic })
    }

    /// `/stage/deliveries`.
    pub fn deliveries(&self) -> DeliveriesView {
        let choices = &self.context.stage.settings().choices;
        self.for_all_eyes(self.known(|known| known.deliveries(choices, Now::read())))
    }

    /// `/stage/orders`.
    pub fn newest(&self) -> NewestView {
        self.for_all_eyes(self.known(|known| known.newest.view()))
    }

    /// `/stage/analysis`.
    pub fn analysis(&self) -> AnalysisView {
        self.for_all_eyes(self.known(|known| known.analysis()))
    }

    /// `/stage/questions`.
    pub fn asked(&self) -> QuestionsView {
        self.for_all_eyes(self.known(|known| known.asked()))
    }

    /// `/stage/fraud`.
    pub fn fraud(&self) -> FraudView {
        let wanted = self.context.stage.settings().choices.fraud_watch;
        self.for_all_eyes(self.known(|known| known.watched(wanted)))
    }

    /// An order as everybody may see it; as it is for the browser it was ordered by.
    ///
    /// # Errors
    /// As [`Site::order`].
    pub async fn order_shown(&self, order_id: &OrderId, is_own: bool) -> Result<Option<OrderView>, StoreError> {
        let order = self.order(order_id).await?;
        Ok(if is_own { order } else { order.map(|order| self.for_all_eyes(order)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
use crate::{order::view::Status, samples};

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
