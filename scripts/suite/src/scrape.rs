//! A scrape, held against the conventions of Prometheus for names, as `promtool check metrics` does.

use std::collections::BTreeMap;

/// Endings of other units than the base units, seconds and bytes.
const NOT_BASE_UNITS: [&str; 11] =
    ["ms", "us", "millis", "micros", "milliseconds", "microseconds", "minutes", "hours", "kib", "mib", "percent"];

/// What is wrong with a scrape in the text format of OpenMetrics.
pub fn faults(scrape: &str, prefix: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut helped, mut units) = (BTreeMap::new(), BTreeMap::new());
    for line in scrape.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => drop(types.insert(name, kind)),
            (Some("#"), Some("HELP"), Some(name), Some(help)) => drop(helped.insert(name, help)),
            (Some("#"), Some("UNIT"), Some(name), Some(unit)) => drop(units.insert(name, unit)),
            _ => {}
        }
    }
    for (name, kind) in &types {
        let mut fault = |wrong: &str| faults.push(format!("{name} ({kind}): {wrong}"));
        if !name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_')) {
            fault("lacks the prefix");
        }
        if name.chars().any(|letter| !matches!(letter, 'a'..='z' | '0'..='9' | '_')) {
            fault("is not in snake_case");
        }
        if helped.get(name).is_none_or(|help| help.trim_matches('.').is_empty()) {
            fault("says not what it is");
        }
        if name.split('_').any(|word| NOT_BASE_UNITS.contains(&word)) {
            fault("is not in a base unit");
        }
        if units.get(name).is_some_and(|unit| !name.ends_with(&format!("_{unit}"))) {
            fault("does not end in its unit");
        }
        match *kind {
            "histogram" if !units.contains_key(name) => fault("has no unit"),
            // The samples of a counter end in _total, the name of its family does not.
            "gauge" | "histogram" if ["_total", "_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end)) => {
                fault("ends as only a counter's or a histogram's samples do");
            }
            "counter" | "gauge" | "histogram" => {}
            _ => fault("is of no type that we use"),
        }
    }
    for line in scrape.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let ends = |ends: &[&str]| ends.iter().find_map(|end| name.strip_suffix(end));
        let is_known = types.get(name) == Some(&"gauge")
            || ends(&["_total"]).is_some_and(|family| types.get(family) == Some(&"counter"))
            || ends(&["_sum", "_count", "_bucket"]).is_some_and(|family| types.get(family) == Some(&"histogram"));
        if !is_known {
            faults.push(format!("{name}: is not named as its type is"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_convention_is_named() {
        let of = |name: &str, kind: &str, more: &str| {
            faults(&format!("# HELP {name} What it is.\n# TYPE {name} {kind}\n{more}"), "beers")
        };
        let seconds = "# UNIT beers_wait_seconds seconds\nbeers_wait_seconds_sum 1.5\nbeers_wait_seconds_count 2";
        for (name, kind, more) in [
            ("beers_messages", "counter", "beers_messages_total{topic=\"orders\"} 7"),
            ("beers_outbox_messages", "gauge", "beers_outbox_messages 7"),
            ("beers_wait_seconds", "histogram", seconds),
        ] {
            assert_eq!(of(name, kind, more), [""; 0]);
        }
        for (name, kind, more, fault) in [
            ("messages", "counter", "", "prefix"),
            ("beers_Messages", "counter", "", "snake_case"),
            ("beers_wait_ms", "gauge", "", "base unit"),
            ("beers_sent_total", "gauge", "", "counter's"),
            ("beers_wait", "histogram", "", "no unit"),
            ("beers_wait", "histogram", "# UNIT beers_wait seconds", "in its unit"),
            ("beers_messages", "summary", "", "no type"),
            ("beers_messages", "counter", "beers_messages 7", "as its type is"),
        ] {
            let found = of(name, kind, more);
            assert!(found.iter().any(|found| found.contains(fault)), "{name}: {found:?}");
        }
        assert!(!faults("# TYPE beers_wait gauge\n# HELP beers_wait .", "beers").is_empty());
    }
}
