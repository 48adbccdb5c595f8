//! The documents show the topics as they are specified.

use std::{fs, path::Path};

use events::{
    ids::Service,
    topics::{Lifetime, TOPICS},
};

#[test]
fn the_architecture_page_shows_the_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/architecture.md");
    let text = fs::read_to_string(&page).unwrap();
    let (begin, end) = ("<!-- topics -->\n", "<!-- /topics -->");
    let from = text.find(begin).unwrap() + begin.len();
    let to = text.find(end).unwrap();
    let table = markdown();
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        fs::write(&page, format!("{}{table}{}", &text[..from], &text[to..])).unwrap();
    } else {
        assert_eq!(&text[from..to], table, "WRITE_GOLDEN=1 writes the table as it is");
    }
}

/// The topics as a table in Markdown.
fn markdown() -> String {
    let mut text =
        String::from("| topic | message | key | producer | subscription: type | kept |\n|---|---|---|---|---|---|\n");
    for topic in TOPICS {
        let producers: Vec<_> = topic.producers.iter().map(|service| service.name()).collect();
        let producers =
            if producers.len() == Service::ALL.len() { "every service".to_owned() } else { producers.join(", ") };
        let producers = if topic.open { format!("{producers}, anyone") } else { producers };
        let mut subscriptions: Vec<_> = topic
            .subscriptions
            .iter()
            .map(|subscription| {
                let kind = match subscription.lifetime {
                    Lifetime::Permanent(kind) => kind.name().to_owned(),
                    Lifetime::OnDemand(kind) => format!("{}, on demand", kind.name()),
                    Lifetime::PerProcess => "each process".to_owned(),
                };
                format!("{}: {kind}", subscription.name)
            })
            .collect();
        let is_each_process = topic.subscriptions.iter().all(|subscription| !subscription.is_permanent());
        if is_each_process && subscriptions.len() == Service::ALL.len() {
            subscriptions = vec!["every service".to_owned()];
        }
        let kept = match (topic.stored, topic.compacted) {
            (false, _) => "not at all",
            (true, true) => "compacted",
            (true, false) => "as long as the episode",
        };
        text.push_str(&format!(
            "| {}/{} | {} | {} | {} | {} | {} |\n",
            topic.namespace.name(),
            topic.name,
            topic.messages,
            topic.key,
            producers,
            subscriptions.join(", "),
            kept
        ));
    }
    text
}
