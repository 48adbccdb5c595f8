//! The way of an order as its customer sees it: the stops so far, and what it waits for.

use events::ids::Moment;
use web::{
    order::{
        view::{OrderView, Status, Step, What},
        way,
    },
    pure::{format, language::Language},
};

/// One stop of an order.
pub struct Stop {
    /// What happened, in a word or two.
    pub title: String,
    /// By whom, why, how much; empty if there is nothing to add.
    pub detail: String,
    /// The time of day at the first stop, then the time since.
    pub time: String,
    /// The topic of its message.
    pub topic: &'static str,
    /// `done`, `now` or `wrong`.
    pub state: &'static str,
    /// The time to count down to.
    pub until: Option<Moment>,
}

/// All stops so far, and the one the order waits for.
pub fn stops(order: &OrderView, language: Language) -> Vec<Stop> {
    let Some(origin) = order.journey.first().map(|step| step.at) else { return vec![] };
    let so_far = order.journey.iter().filter_map(|step| stop(step, origin, language));
    so_far.chain(waiting(order, language)).collect()
}

fn stop(step: &Step, origin: Moment, language: Language) -> Option<Stop> {
    let (state, title, detail) = way::words(&step.what, language)?;
    let title = language.t(title).to_owned();
    Some(Stop { title, detail, time: time(step.at, origin, language), topic: step.topic, state, until: None })
}

fn time(at: Moment, origin: Moment, language: Language) -> String {
    if at == origin { format::clock(at) } else { format::later(language, at.micros_since(origin)) }
}

/// The next stop, if there is one.
fn waiting(order: &OrderView, language: Language) -> Option<Stop> {
    let to_address = || language.fill("order.to_address", &[("address", &order.address)]);
    let (title, detail) = match order.status {
        Status::Placed => (language.t("order.checking").to_owned(), "order.checking_detail"),
        Status::Accepted => (to_address(), "order.waits_for_courier"),
        Status::PickedUp => (to_address(), "order.arriving"),
        Status::Retrying => (to_address(), "order.retry_soon"),
        Status::Stranded => (language.t("order.put_aside").to_owned(), "order.put_aside_detail"),
        Status::Ended => (language.t("order.ended").to_owned(), "order.ended_detail"),
        Status::Refused | Status::Delivered | Status::Returned => return None,
    };
    let retry_at = order.journey.iter().rev().find_map(|step| match step.what {
        What::AttemptFailed { retry_at, .. } => Some(retry_at),
        _ => None,
    });
    Some(Stop {
        title,
        detail: language.t(detail).to_owned(),
        time: String::new(),
        topic: "",
        state: "now",
        until: retry_at.filter(|_| order.status == Status::Retrying),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_customer_sees_where_the_order_is_and_nothing_of_other_services() {
        let order = samples::order(Status::PickedUp);
        assert!(order.journey.iter().any(|step| step.what == What::Counted), "there is something to leave out");
        let stops = stops(&order, Language::En);
        let titles: Vec<_> = stops.iter().map(|stop| stop.title.as_str()).collect();
        assert_eq!(titles, ["Placed", "Accepted", "On its way", "To Grote Markt 12, 1000 Brussel"]);
        assert_eq!(stops[1].time, "+\u{a0}9\u{a0}ms");
    }

    #[test]
    fn only_what_is_not_over_waits_for_something() {
        for (status, waits) in [(Status::Refused, false), (Status::Delivered, false), (Status::Retrying, true)] {
            let stops = stops(&samples::order(status), Language::En);
            assert_eq!(stops.last().is_some_and(|stop| stop.state == "now"), waits, "{status:?}");
        }
        let retrying = stops(&samples::order(Status::Retrying), Language::En);
        assert!(retrying.last().is_some_and(|stop| stop.until.is_some()));
    }
}
