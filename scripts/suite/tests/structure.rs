//! What the sources must not contain, so that each part can be read and replaced without the others.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files with decisions only.
const CORES: [&str; 30] = [
    "shared/events/src",
    "shared/web/src/order",
    "shared/web/src/pure",
    "services/warehouse/src/stock.rs",
    "services/warehouse/src/given_out.rs",
    "services/delivery/src/round.rs",
    "services/delivery/src/roster.rs",
    "services/stock-level/src/levels.rs",
    "services/stock-level/src/settled.rs",
    "services/stock-level/src/snapshot.rs",
    "services/stock-level/src/work.rs",
    "services/inventory-analysis/src/analysis.rs",
    "services/inventory-analysis/src/case.rs",
    "services/inventory-analysis/src/forecast.rs",
    "services/inventory-analysis/src/fraud.rs",
    "services/inventory-analysis/src/key.rs",
    "services/inventory-analysis/src/ledger.rs",
    "services/inventory-analysis/src/order.rs",
    "services/inventory-analysis/src/questions",
    "services/inventory-analysis/src/sales.rs",
    "services/inventory-analysis/src/seen.rs",
    "services/inventory-analysis/src/series.rs",
    "services/inventory-analysis/src/shelf.rs",
    "services/inventory-analysis/src/status.rs",
    "services/inventory-analysis/src/timeline.rs",
    "services/stage/src/read_model/orders.rs",
    "services/stage/src/read_model/orders/early.rs",
    "services/stage/src/read_model/orders/links.rs",
    "services/stage/src/read_model/orders/message.rs",
    "services/stage/src/read_model/orders/order.rs",
];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// The Rust files at this path and below it.
fn sources(path: &str) -> Vec<PathBuf> {
    fn collect(path: PathBuf, found: &mut Vec<PathBuf>) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| collect(entry.unwrap().path(), found));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
    let mut found = Vec::new();
    collect(top().join(path), &mut found);
    assert!(!found.is_empty(), "{path} holds no source");
    found
}

/// The numbered lines of a file that are neither comments nor tests.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap().lines().enumerate();
    let is_code = |line: &str| !line.trim_start().starts_with("//");
    code.filter(|(_, line)| is_code(line)).map(|(index, line)| (index + 1, line.to_owned())).collect()
}

/// Whether a text contains this word, whole.
fn contains(text: &str, word: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}

/// Fails with each line of these files that contains one of these whole words, in any case.
fn contain_none(paths: impl IntoIterator<Item = PathBuf>, words: &[&str]) {
    let mut found = Vec::new();
    for path in paths {
        for (number, line) in code(&path) {
            let lower = line.to_lowercase();
            if words.iter().any(|word| contains(&lower, word)) {
                found.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_core_needs_no_broker_database_clock_or_chance() {
    let cores = CORES.into_iter().flat_map(sources);
    // Order ids are drawn where orders are made; the contract only defines their form.
    let cores = cores.filter(|path| !path.ends_with("shared/events/src/ids.rs"));
    let edges = [
        "async",
        "await",
        "tokio",
        "sqlx",
        "bus",
        "store",
        "use service",
        "rand",
        "systemtime",
        "instant::now",
        "std::fs",
    ];
    contain_none(cores, &edges);
}

#[test]
fn what_is_shared_names_no_service() {
    let shared = ["shared/bus/src", "shared/store/src", "shared/service/src"].into_iter().flat_map(sources);
    let names =
        ["website", "warehouse", "stocklevel", "stock-level", "inventoryanalysis", "inventory-analysis", "delivery"];
    let theirs = ["courier", "couriers", "worker", "workers"];
    contain_none(shared, &[&names[..], &theirs].concat());
}

#[test]
fn what_the_sites_share_names_no_page_of_them() {
    // Every site has its API below `/api`, and names it there.
    let said = ["http/routes.rs", "http/guard.rs"];
    let (of_api, pages): (Vec<_>, Vec<_>) =
        sources("shared/web/src").into_iter().partition(|path| said.iter().any(|said| path.ends_with(said)));
    let addresses = ["\"/stage", "\"/console", "\"/ledger", "\"/welcome", "\"/orders"];
    contain_none(pages, &[&addresses[..], &["\"/api"]].concat());
    contain_none(of_api, &addresses);
}

#[test]
fn a_task_is_not_spawned_where_nobody_sees_its_end() {
    let services = ["delivery", "inventory-analysis", "stage", "stock-level", "warehouse", "website"]
        .map(|name| format!("services/{name}/src"));
    let shared = ["bus", "store", "service", "web"].map(|name| format!("shared/{name}/src"));
    let excepted = [
        // They pass a panic on to the task that waits.
        "bus/src/errors.rs",
        "bus/src/subscription.rs",
        "service/src/process.rs",
        // A panic ends one connection, one stream, or one test.
        "service/src/connections.rs",
        "web/src/http/sse.rs",
        "service/src/testing.rs",
    ];
    let sources = services.iter().chain(&shared).flat_map(|path| sources(path));
    let sources = sources.filter(|path| !excepted.iter().any(|excepted| path.ends_with(excepted)));
    contain_none(sources, &["tokio::spawn", "task::spawn", "thread::spawn", "spawn_blocking", "tasktracker"]);
}
