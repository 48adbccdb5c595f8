//! The journey of an order in words, step by step.

use events::quantities::Bottles;

use crate::{
    order::{
        view::{Step, What},
        wording,
    },
    pure::{format, language::Language},
};

/// State (`done` or `wrong`), title (a key of the texts) and detail of a step; `None` for what a customer never sees.
pub fn words(what: &What, language: Language) -> Option<(&'static str, &'static str, String)> {
    let t = |key| language.t(key).to_owned();
    Some(match what {
        What::Placed => ("done", "order.placed", t("order.placed_detail")),
        What::Accepted { bottles } => {
            ("done", "order.accepted", language.count("order.accepted_detail", bottles.0.into()))
        }
        What::Refused { reason } => ("wrong", "order.refused", wording::refusal(language, reason)),
        What::PickedUp { courier } => {
            let detail = language.fill("order.picked_up_detail", &[("courier", courier)]);
            ("done", "order.picked_up", detail)
        }
        What::AttemptFailed { courier, reason, .. } => {
            let reason = wording::failure(language, *reason);
            let detail = language.fill("order.failed_detail", &[("courier", courier), ("reason", reason)]);
            ("wrong", "order.failed", detail)
        }
        What::Stranded { reason, attempts } => {
            let reason = wording::failure(language, *reason);
            let attempts = language.count("order.attempts", (*attempts).into());
            ("wrong", "order.stranded", format!("{attempts} · {reason}"))
        }
        What::Redriven { address } => {
            ("done", "order.redriven", language.fill("order.redriven_detail", &[("address", address)]))
        }
        What::Returned => ("wrong", "order.returned", t("order.returned_detail")),
        What::Delivered { courier } => {
            let detail = language.fill("order.delivered_detail", &[("courier", courier)]);
            ("done", "order.delivered", detail)
        }
        What::Reserved { .. } | What::Released { .. } | What::Shown { .. } | What::Counted => return None,
    })
}

/// A step as title and detail.
pub fn in_words(step: &Step, language: Language) -> (String, String) {
    if let Some((_, title, detail)) = words(&step.what, language) {
        return (language.t(title).to_owned(), detail);
    }
    (hop(&step.what, language), String::new())
}

/// The attempt in one sentence.
pub fn tried_in_words(what: &What, language: Language) -> String {
    match words(what, language) {
        // The courier who came back and the reason already say that it was not delivered.
        Some((_, _, detail)) if matches!(what, What::AttemptFailed { .. }) => detail,
        Some((_, title, detail)) => format!("{}: {detail}", language.t(title)),
        None => String::new(),
    }
}

/// What another service did because of a step, for hops that customers do not see; empty for a step.
fn hop(what: &What, language: Language) -> String {
    let number = |bottles: Bottles| format::number(language, bottles.0.into());
    let change = |beer, before: Option<Bottles>, after| match before {
        Some(before) => format!("{} {} → {}", wording::short_beer(beer), number(before), number(after)),
        None => format!("{} {}", wording::short_beer(beer), number(after)),
    };
    let (key, beers) = match what {
        What::Reserved { beer, bottles, level } => {
            ("order.hop_reserved", change(beer, Some(level.plus(*bottles)), *level))
        }
        What::Released { beer, bottles, level } => ("order.hop_released", change(beer, level.minus(*bottles), *level)),
        What::Shown { beer, level } => ("order.hop_shown", change(beer, None, *level)),
        What::Counted => ("order.hop_counted", String::new()),
        _ => return String::new(),
    };
    language.fill(key, &[("beers", &beers)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{order::view::Status, testing};

    #[test]
    fn every_step_has_words_and_a_hop_says_what_changed() {
        let journey = testing::order(Status::Returned).journey;
        let words: Vec<_> = journey.iter().map(|step| in_words(step, Language::En).0).collect();
        assert!(words.iter().all(|words| !words.is_empty()), "{words:?}");
        for hop in ["the log: Karmeliet 228 → 226", "stock-level shows Orval 152", "back in the log: Orval 152 → 153"]
        {
            assert!(words.iter().any(|words| words == hop), "{hop} is not in {words:?}");
        }
    }
}
