//! The way of an order as stops, each with the hops it caused in services the customer never sees.

use events::{
    ids::{BeerId, Moment},
    quantities::Bottles,
};

use crate::{
    order::{
        view::{OrderView, Status, Step, What},
        wording,
    },
    pure::{format, language::Language},
};

/// One stop of an order.
pub struct Stop {
    /// What happened, in a word or two.
    pub title: String,
    /// By whom, why, how much: empty if there is nothing to add.
    pub detail: String,
    /// When: by the clock at the first stop, then counted from there.
    pub time: String,
    /// The topic that told of it.
    pub topic: &'static str,
    /// `done`, `now` or `wrong`.
    pub state: &'static str,
    /// What other services did because of it.
    pub hops: Vec<Hop>,
    /// What is counted down to.
    pub until: Option<Moment>,
    kind: Kind,
    at: Moment,
}

/// What another service did meanwhile.
pub struct Hop {
    /// What it did, with every beer it did it to.
    pub text: String,
    /// Counted from the first stop.
    pub time: String,
    /// The topic that told of it.
    pub topic: &'static str,
}

/// Which messages can have been caused by a stop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Placed,
    Decision,
    Delivery,
    Returned,
    Waiting,
}

/// All stops so far, and the one the order waits for.
pub fn stops(order: &OrderView, language: Language) -> Vec<Stop> {
    let Some(origin) = order.journey.first().map(|step| step.at) else { return vec![] };
    let mut stops: Vec<Stop> = order.journey.iter().filter_map(|step| stop(step, origin, language)).collect();
    let mut hops_of: Vec<Vec<&Step>> = stops.iter().map(|_| vec![]).collect();
    for step in &order.journey {
        let place = caused_by(step, &stops);
        if let Some(hops) = place.and_then(|place| hops_of.get_mut(place)) {
            hops.push(step);
        }
    }
    for (stop, steps) in stops.iter_mut().zip(hops_of) {
        stop.hops = hops(&steps, origin, language);
    }
    stops.extend(waiting(order, language));
    stops
}

fn stop(step: &Step, origin: Moment, language: Language) -> Option<Stop> {
    let (kind, state, title, detail) = words(&step.what, language)?;
    Some(Stop {
        title: language.t(title).to_owned(),
        detail,
        time: time(step.at, origin, language),
        topic: step.topic,
        state,
        hops: vec![],
        until: None,
        kind,
        at: step.at,
    })
}

/// Kind, state, title (a key of the texts) and detail of a stop; `None` for what the customer never sees.
fn words(what: &What, language: Language) -> Option<(Kind, &'static str, &'static str, String)> {
    let t = |key| language.t(key).to_owned();
    Some(match what {
        What::Placed => (Kind::Placed, "done", "order.placed", t("order.placed_detail")),
        What::Accepted { bottles } => {
            (Kind::Decision, "done", "order.accepted", language.count("order.accepted_detail", bottles.0.into()))
        }
        What::Refused { reason } => (Kind::Decision, "wrong", "order.refused", wording::refusal(language, reason)),
        What::PickedUp { courier } => {
            let detail = language.fill("order.picked_up_detail", &[("courier", courier)]);
            (Kind::Delivery, "done", "order.picked_up", detail)
        }
        What::AttemptFailed { courier, reason, .. } => {
            let reason = wording::failure(language, *reason);
            let detail = language.fill("order.failed_detail", &[("courier", courier), ("reason", reason)]);
            (Kind::Delivery, "wrong", "order.failed", detail)
        }
        What::Stranded { reason, attempts } => {
            let reason = wording::failure(language, *reason);
            let attempts = language.count("order.attempts", (*attempts).into());
            (Kind::Delivery, "wrong", "order.stranded", format!("{attempts} · {reason}"))
        }
        What::Redriven { address } => {
            (Kind::Delivery, "done", "order.redriven", language.fill("order.redriven_detail", &[("address", address)]))
        }
        What::Returned => (Kind::Returned, "wrong", "order.returned", t("order.returned_detail")),
        What::Delivered { courier } => {
            let detail = language.fill("order.delivered_detail", &[("courier", courier)]);
            (Kind::Delivery, "done", "order.delivered", detail)
        }
        What::Reserved { .. } | What::Released { .. } | What::Shown { .. } | What::Counted => return None,
    })
}

/// A single hop as title and detail.
pub fn in_words(step: &Step, language: Language) -> (String, String) {
    if let Some((_, _, title, detail)) = words(&step.what, language) {
        return (language.t(title).to_owned(), detail);
    }
    let text = hops(&[step], step.at, language).pop().map(|hop| hop.text);
    (text.unwrap_or_default(), String::new())
}

/// What was tried, in one sentence.
pub fn tried_in_words(what: &What, language: Language) -> String {
    match words(what, language) {
        // Who came back and why says that it was not delivered.
        Some((_, _, _, detail)) if matches!(what, What::AttemptFailed { .. }) => detail,
        Some((_, _, title, detail)) => format!("{}: {detail}", language.t(title)),
        None => String::new(),
    }
}

fn time(at: Moment, origin: Moment, language: Language) -> String {
    if at == origin { format::clock(at) } else { format::later(language, at.micros_since(origin)) }
}

/// Which stop caused this hop: told by its topic, since several services work at the same time.
fn caused_by(step: &Step, stops: &[Stop]) -> Option<usize> {
    if !matches!(step.what, What::Reserved { .. } | What::Released { .. } | What::Shown { .. } | What::Counted) {
        return None;
    }
    let last = |wanted: &[Kind]| stops.iter().rposition(|stop| wanted.contains(&stop.kind) && stop.at <= step.at);
    let of_kind = |kind| stops.iter().position(|stop| stop.kind == kind);
    let by_topic = match (&step.what, step.topic) {
        (What::Released { .. }, _) => of_kind(Kind::Returned),
        (What::Reserved { .. }, _) => of_kind(Kind::Decision),
        (_, "orders") => of_kind(Kind::Placed),
        (_, "delivery-updates") => last(&[Kind::Delivery, Kind::Returned]),
        _ => last(&[Kind::Returned]).or_else(|| of_kind(Kind::Decision)),
    };
    by_topic.or_else(|| stops.iter().rposition(|stop| stop.at <= step.at))
}

/// One line for each thing that was done, however many beers it was done to.
fn hops(steps: &[&Step], origin: Moment, language: Language) -> Vec<Hop> {
    type Part = fn(&What) -> Option<(BeerId, Option<Bottles>, Bottles)>;
    let written: Part = |what| match what {
        What::Reserved { beer, bottles, level } => Some((beer.clone(), Some(level.plus(*bottles)), *level)),
        _ => None,
    };
    let put_back: Part = |what| match what {
        What::Released { beer, bottles, level } => Some((beer.clone(), level.minus(*bottles), *level)),
        _ => None,
    };
    let shown: Part = |what| match what {
        What::Shown { beer, level } => Some((beer.clone(), None, *level)),
        _ => None,
    };
    let mut lines = Vec::new();
    for (key, part) in [("order.hop_reserved", written), ("order.hop_released", put_back), ("order.hop_shown", shown)] {
        let of_part: Vec<_> = steps.iter().filter_map(|step| part(&step.what).map(|change| (step, change))).collect();
        let Some((last, _)) = of_part.iter().max_by_key(|(step, _)| step.at) else { continue };
        let beers: Vec<_> = of_part.iter().map(|(_, change)| change_in_words(change, language)).collect();
        let text = language.fill(key, &[("beers", &beers.join(", "))]);
        lines.push(Hop { text, time: time(last.at, origin, language), topic: last.topic });
    }
    // The analysis reads more than one topic; each is a line of its own.
    for step in steps.iter().filter(|step| step.what == What::Counted) {
        let text = language.t("order.hop_counted").to_owned();
        lines.push(Hop { text, time: time(step.at, origin, language), topic: step.topic });
    }
    lines
}

fn change_in_words((beer, before, after): &(BeerId, Option<Bottles>, Bottles), language: Language) -> String {
    let number = |bottles: Bottles| format::number(language, bottles.0.into());
    let name = wording::short_beer(beer);
    match before {
        Some(before) => format!("{name} {} → {}", number(*before), number(*after)),
        None => format!("{name} {}", number(*after)),
    }
}

/// What happens next, if anything does.
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
        hops: vec![],
        until: retry_at.filter(|_| order.status == Status::Retrying),
        kind: Kind::Waiting,
        at: Moment::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn hops_stand_under_the_stop_that_caused_them() {
        let order = testing::order(Status::PickedUp);
        let stops = stops(&order, Language::En);
        let titles: Vec<_> = stops.iter().map(|stop| stop.title.as_str()).collect();
        assert_eq!(titles, ["Placed", "Accepted", "On its way", "To Grote Markt 12, 1000 Brussel"]);
        let hops: Vec<_> = stops.iter().map(|stop| stop.hops.len()).collect();
        assert_eq!(hops, [1, 2, 0, 0]);
        assert_eq!(stops[1].hops[0].text, "the log: Karmeliet 228 → 226, Orval 153 → 152");
        assert_eq!(stops[1].time, "+\u{a0}9\u{a0}ms");
    }

    #[test]
    fn only_what_is_not_over_waits_for_something() {
        for (status, waits) in [(Status::Refused, false), (Status::Delivered, false), (Status::Retrying, true)] {
            let stops = stops(&testing::order(status), Language::En);
            assert_eq!(stops.last().is_some_and(|stop| stop.state == "now"), waits, "{status:?}");
        }
        let retrying = stops(&testing::order(Status::Retrying), Language::En);
        assert!(retrying.last().is_some_and(|stop| stop.until.is_some()));
    }
}
