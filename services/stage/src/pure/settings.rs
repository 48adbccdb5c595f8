//! The pure core of the console: reads a change of the settings, and names its faults.
//!
//! A change is a merge patch (RFC 7396): it names only what changes, and `null` means "as at a first start".

use std::ops::RangeInclusive;

use events::settings::{
    ACTS, COURIER_PACE_MAX_MS, COURIERS_MAX, CROWD_MAX, Choices, Crowd, Folding, STEPS_MAX, Share, WORK_MAX_MS,
    WORKERS_MAX,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A field of a change with an impossible value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The path in the document: `stock_level.workers`.
    pub field: String,
    /// A stable word for the fault.
    pub problem: &'static str,
    /// The fault for people.
    pub detail: String,
}

/// The choices after this change.
///
/// # Errors
/// Each wrong field; then nothing is changed.
pub fn patched(choices: &Choices, usual: &Choices, patch: &Value) -> Result<Choices, Vec<Wrong>> {
    let mut next = choices.clone();
    let mut change = Change { within: "", wrong: Vec::new() };
    for (name, value) in change.fields(patch).into_iter().flatten() {
        match name.as_str() {
            "couriers" => change.number(name, value, usual.couriers, 0..=COURIERS_MAX, &mut next.couriers),
            "courier_pace_ms" => {
                let limits = 0..=COURIER_PACE_MAX_MS;
                change.number(name, value, usual.courier_pace_ms, limits, &mut next.courier_pace_ms);
            }
            "crowd" => change.within("crowd", value, &usual.crowd, &mut next.crowd, crowd),
            "stock_level" => change.within("stock_level", value, &usual.stock_level, &mut next.stock_level, folding),
            "paused" => change.paused(name, value, &mut next),
            "fraud_watch" => change.word(name, value, usual.fraud_watch, "true or false", &mut next.fraud_watch),
            "restock" => change.word(name, value, usual.restock, "true or false", &mut next.restock),
            "hide_names" => change.word(name, value, usual.hide_names, "true or false", &mut next.hide_names),
            "act" => change.act(name, value, &mut next),
            "step" => change.number(name, value, 0, 0..=STEPS_MAX, &mut next.step),
            "episode" => change.say(name, "read_only", "changes only with a reset"),
            _ => change.say(name, "unknown_field", "is not a setting"),
        }
    }
    if change.wrong.is_empty() { Ok(next) } else { Err(change.wrong) }
}

fn crowd(change: &mut Change, name: &str, value: &Value, usual: &Crowd, next: &mut Crowd) {
    match name {
        "orders_per_second" => {
            change.number(name, value, usual.orders_per_second, 0..=CROWD_MAX, &mut next.orders_per_second);
        }
        "suspicious" => change.share(name, value, usual.suspicious, &mut next.suspicious),
        "undeliverable" => change.share(name, value, usual.undeliverable, &mut next.undeliverable),
        _ => change.say(name, "unknown_field", "is not a setting"),
    }
}

fn folding(change: &mut Change, name: &str, value: &Value, usual: &Folding, next: &mut Folding) {
    match name {
        "subscription" => {
            change.word(name, value, usual.subscription, "Failover, Shared or Key_Shared", &mut next.subscription);
        }
        "workers" => change.number(name, value, usual.workers, 1..=WORKERS_MAX, &mut next.workers),
        "fold" => change.word(name, value, usual.fold, "naive or versioned", &mut next.fold),
        "work_ms" => {
            change.word(name, value, usual.work_ms, "two whole numbers, from and to", &mut next.work_ms);
            let [from, to] = next.work_ms;
            if from > to || to > WORK_MAX_MS {
                change.say(
                    name,
                    "out_of_range",
                    format!("goes from a lower to a higher number, at most {WORK_MAX_MS}"),
                );
            }
        }
        _ => change.say(name, "unknown_field", "is not a setting"),
    }
}

/// A change that is being read, with the faults so far.
struct Change {
    /// The object that is being read, with its dot; empty for the document itself.
    within: &'static str,
    wrong: Vec<Wrong>,
}

impl Change {
    fn say(&mut self, name: &str, problem: &'static str, detail: impl Into<String>) {
        let dot = if self.within.is_empty() || name.is_empty() { "" } else { "." };
        let field = format!("{}{dot}{name}", self.within);
        self.wrong.push(Wrong { field, problem, detail: detail.into() });
    }

    fn fields<'a>(&mut self, value: &'a Value) -> Option<&'a Map<String, Value>> {
        let fields = value.as_object();
        if fields.is_none() {
            self.say("", "wrong_type", "must be an object");
        }
        fields
    }

    fn within<T: Clone>(
        &mut self,
        name: &'static str,
        value: &Value,
        usual: &T,
        next: &mut T,
        read: fn(&mut Change, &str, &Value, &T, &mut T),
    ) {
        if value.is_null() {
            next.clone_from(usual);
            return;
        }
        let outside = std::mem::replace(&mut self.within, name);
        for (name, value) in self.fields(value).into_iter().flatten() {
            read(self, name, value, usual, next);
        }
        self.within = outside;
    }

    fn number<N>(&mut self, name: &str, value: &Value, usual: N, limits: RangeInclusive<N>, next: &mut N)
    where
        N: Copy + PartialOrd + std::fmt::Display + TryFrom<u64>,
    {
        if value.is_null() {
            *next = usual;
            return;
        }
        match value.as_u64().and_then(|number| N::try_from(number).ok()).filter(|number| limits.contains(number)) {
            Some(number) => *next = number,
            None => {
                let problem = if value.is_number() { "out_of_range" } else { "wrong_type" };
                self.say(name, problem, format!("must be a whole number from {} to {}", limits.start(), limits.end()));
            }
        }
    }

    fn share(&mut self, name: &str, value: &Value, usual: Share, next: &mut Share) {
        if value.is_null() {
            *next = usual;
            return;
        }
        match value.as_f64().and_then(|share| Share::try_from(share).ok()) {
            Some(share) => *next = share,
            None => {
                let problem = if value.is_number() { "out_of_range" } else { "wrong_type" };
                self.say(name, problem, "must be a number from 0 to 1");
            }
        }
    }

    /// A value that is one of a few words.
    fn word<W: DeserializeOwned>(&mut self, name: &str, value: &Value, usual: W, words: &str, next: &mut W) {
        if value.is_null() {
            *next = usual;
            return;
        }
        match serde_json::from_value(value.clone()) {
            Ok(word) => *next = word,
            Err(_) => self.say(name, "wrong_value", format!("must be {words}")),
        }
    }

    fn paused(&mut self, name: &str, value: &Value, next: &mut Choices) {
        let services = "a list of warehouse, stock-level, inventory-analysis and delivery";
        self.word(name, value, Default::default(), services, &mut next.paused);
        if !next.paused.iter().all(|service| service.can_pause()) {
            self.say(name, "wrong_value", format!("must be {services}: the others cannot be paused"));
        }
    }

    /// Another act starts before its first step.
    fn act(&mut self, name: &str, value: &Value, next: &mut Choices) {
        let mut act = 0;
        self.number(name, value, 0, 1..=ACTS, &mut act);
        next.act = Some(act).filter(|act| *act > 0);
        next.step = 0;
    }
}

#[cfg(test)]
mod tests {
    use events::ids::Service;

    use events::{settings::Fold, topics::SubscriptionType};
    use serde_json::json;

    use super::*;

    fn patch(patch: Value) -> Result<Choices, Vec<(String, &'static str)>> {
        let choices = Choices { couriers: 7, act: Some(2), step: 3, ..Choices::default() };
        let wrong = |wrong: Vec<Wrong>| wrong.into_iter().map(|wrong| (wrong.field, wrong.problem)).collect();
        patched(&choices, &Choices::default(), &patch).map_err(wrong)
    }

    #[test]
    fn only_what_is_named_changes() {
        let change = json!({"stock_level": {"subscription": "Key_Shared", "work_ms": [5, 60]}, "paused": ["delivery"]});
        let next = patch(change).unwrap();
        assert_eq!(next.couriers, 7);
        let expected = Folding { subscription: SubscriptionType::KeyShared, work_ms: [5, 60], ..Folding::default() };
        assert_eq!(next.stock_level, expected);
        assert_eq!(next.paused, [Service::Delivery].into());
        assert_eq!((next.act, next.step), (Some(2), 3));
    }

    #[test]
    fn null_is_as_at_a_first_start() {
        let next = patch(json!({"couriers": null, "act": null, "crowd": null, "stock_level": {"fold": null}})).unwrap();
        assert_eq!((next.couriers, next.act, next.step, next.stock_level.fold), (3, None, 0, Fold::Versioned));
    }

    #[test]
    fn another_act_begins_before_its_first_step() {
        let next = patch(json!({"act": 5})).unwrap();
        assert_eq!((next.act, next.step), (Some(5), 0));
    }

    #[test]
    fn each_wrong_field_is_named_and_nothing_changes() {
        let change = json!({
            "couriers": 21, "courier_pace_ms": "fast", "beer": 1, "episode": 3, "restock": 1, "hide_names": "h", "act": 9,
            "crowd": {"orders_per_second": -1, "suspicious": 1.5, "size": 3},
            "stock_level": {"subscription": "Exclusive", "workers": 0, "work_ms": [60, 5]},
            "paused": ["website"], "fraud_watch": "yes"
        });
        let mut wrong = patch(change).unwrap_err();
        wrong.sort();
        let expected = [
            ("act", "out_of_range"),
            ("beer", "unknown_field"),
            ("courier_pace_ms", "wrong_type"),
            ("couriers", "out_of_range"),
            ("crowd.orders_per_second", "out_of_range"),
            ("crowd.size", "unknown_field"),
            ("crowd.suspicious", "out_of_range"),
            ("episode", "read_only"),
            ("fraud_watch", "wrong_value"),
            ("hide_names", "wrong_value"),
            ("paused", "wrong_value"),
            ("restock", "wrong_value"),
            ("stock_level.subscription", "wrong_value"),
            ("stock_level.work_ms", "out_of_range"),
            ("stock_level.workers", "out_of_range"),
        ];
        assert_eq!(wrong, expected.map(|(field, problem)| (field.to_owned(), problem)));
        assert_eq!(patch(json!([])).unwrap_err(), [(String::new(), "wrong_type")]);
        assert_eq!(patch(json!({"crowd": 3})).unwrap_err(), [("crowd".to_owned(), "wrong_type")]);
    }
}
