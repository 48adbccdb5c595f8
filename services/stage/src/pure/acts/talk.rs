//! The acts in words: the effect of a step, the start of an act, and the speaker's document.

use std::collections::BTreeMap;

use events::settings::Choices;
use serde_json::Value;
use web::pure::language::Language;

use crate::pure::acts::{
    act::{Act, Effect, Target},
    script::acts,
};

/// The effect of an act's `n`th step, beside its words; empty if there is none.
pub fn does(act: &Act, n: u8, language: Language) -> String {
    let Some(step) = act.step(n) else { return String::new() };
    match step.effect {
        Effect::Say => String::new(),
        Effect::Set(_) => sets(act, n).join(", "),
        Effect::Burst => language.t("act.does_burst").to_owned(),
        Effect::Crash(target) => language.fill("act.does_crash", &[("who", who(target, language))]),
        Effect::Order => language.t("act.does_order").to_owned(),
        Effect::OrderNowhere => language.t("act.does_order_nowhere").to_owned(),
        Effect::Redrive => language.t("act.does_redrive").to_owned(),
        Effect::ReturnToStock => language.t("act.does_return").to_owned(),
        Effect::Rebuild => language.t("act.does_rebuild").to_owned(),
        Effect::Ask(question) => language.fill("act.does_ask", &[("question", question.name())]),
        Effect::Open(page) => language.fill("act.does_open", &[("page", page)]),
    }
}

fn who(target: Target, language: Language) -> &'static str {
    match target {
        Target::Service(service) => service.name(),
        Target::Courier => language.t("act.a_courier"),
        Target::Worker => language.t("act.a_worker"),
        Target::Broker => language.t("act.the_broker"),
    }
}

/// What the `n`th step sets, after the steps before it.
fn sets(act: &Act, n: u8) -> Vec<String> {
    let start = act.start(&Choices::default());
    let before = (1..n).fold(start, |choices, n| act.after(n, &choices).unwrap_or(choices));
    act.after(n, &before).map(|after| differences(&before, &after)).unwrap_or_default()
}

/// The start of an act, as far as it differs from the usual settings.
pub fn starts_from(act: &Act) -> Vec<String> {
    differences(&Choices::default(), &act.start(&Choices::default()))
}

/// Where `after` differs: `crowd.orders_per_second 3`. The position in the talk does not count.
fn differences(before: &Choices, after: &Choices) -> Vec<String> {
    let here = Choices { act: before.act, step: before.step, ..after.clone() };
    let mut found = Vec::new();
    if let (Ok(before), Ok(after)) = (serde_json::to_value(before), serde_json::to_value(here)) {
        compare(&before, &after, "", &mut found);
    }
    found
}

fn compare(before: &Value, after: &Value, name: &str, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            // Sorted by name: the order of an object's fields depends on features that other crates enable.
            for (field, value) in after.iter().collect::<BTreeMap<_, _>>() {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                compare(before.get(field).unwrap_or(&Value::Null), value, &name, found);
            }
        }
        (before, after) if before != after => found.push(format!("{name} {}", plain(after))),
        _ => {}
    }
}

/// A value as people write it: without quotes, `0` instead of `0.0`, from–to.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "[]".to_owned(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join("–"),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

/// The acts as the speaker's script, in Markdown.
pub fn markdown(language: Language) -> String {
    let mut text = String::new();
    for act in acts() {
        text.push_str(&format!(
            "### {}. {}\n\n{}\n\n",
            act.number,
            language.t(act.title),
            language.t(act.shows).trim_end()
        ));
        let from = starts_from(act);
        let from = if from.is_empty() { language.t("act.as_usual").to_owned() } else { code(&from) };
        let (key, number) = (language.t("act.key"), act.number.to_string());
        let start = [("key", number.as_str()), ("page", act.page), ("settings", &from)];
        text.push_str(&format!("{key} {}\n\n", language.fill("act.start", &start)));
        for (step, n) in act.steps.iter().zip(1..) {
            let does = match (step.effect, does(act, n, language)) {
                (Effect::Set(_), _) => format!(" ({})", code(&sets(act, n))),
                (_, does) if does.is_empty() => String::new(),
                (_, does) => format!(" ({does})"),
            };
            text.push_str(&format!(
                "{n}. **{}**{does}  \n   {}\n",
                language.t(step.title),
                language.of_notes().t(step.words)
            ));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn code(changes: &[String]) -> String {
    changes.iter().map(|change| format!("`{change}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_sets_is_told_as_a_difference() {
        let act = Act::of_number(2).unwrap();
        assert_eq!(does(act, 2, Language::En), "paused warehouse");
        assert_eq!(does(act, 5, Language::En), "crowd.orders_per_second 3, paused []");
        assert_eq!(starts_from(Act::of_number(1).unwrap()), Vec::<String>::new());
        assert!(starts_from(Act::of_number(5).unwrap()).contains(&"stock_level.work_ms 5–60".to_owned()));
    }

    #[test]
    fn every_step_is_in_the_script_in_every_language() {
        for language in Language::ALL {
            let script = markdown(language);
            for step in acts().iter().flat_map(|act| act.steps) {
                for (language, key) in [(language, step.title), (language.of_notes(), step.words)] {
                    assert_ne!(language.t(key), key, "no text");
                    assert!(script.contains(language.t(key)), "{key} is not in the script");
                }
            }
        }
    }
}
