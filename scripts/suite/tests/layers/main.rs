//! Dependencies point one way: between crates, between the layers of a crate, between its modules.
//!
//! The sources are read as text, without comments, strings and `#[cfg(test)]` items. Then every `use`, and every path
//! that begins with `crate`, `self`, `super` or a child module, is an arrow from one file's module to another's.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

mod sources;

use sources::Module;

/// A crate whose modules are in layers.
struct Layers {
    /// From the bottom: each may import itself and those below it.
    layers: &'static [(&'static str, &'static [&'static str])],
    /// Modules of one layer that may not import each other.
    apart: &'static [(&'static str, &'static str)],
    /// Parts that may import no other part, except those named.
    parts: &'static [(&'static str, &'static [&'static str])],
}

/// Website and stage have the same structure.
const SITE: Layers = Layers {
    layers: &[
        ("pure", &["pure"]),
        ("read model", &["read_model"]),
        ("store", &["store"]),
        ("control", &["control"]),
        ("pages and API", &["pages", "api"]),
        ("app", &["app"]),
    ],
    apart: &[("pages", "api")],
    parts: &[],
};

const WEB: Layers = Layers {
    layers: &[("pure", &["pure", "order"]), ("http", &["http"])],
    apart: &[],
    parts: &[("pure", &[]), ("order", &["pure"]), ("http", &["pure"])],
};

/// From the bottom: a crate may depend on those before it. No service depends on another.
const SHARED: [&str; 5] = ["events", "bus", "store", "service", "web"];

/// Crates whose modules form no cycle.
const WITHOUT_CYCLES: [&str; 7] = [
    "services/delivery",
    "services/stage",
    "services/stock-level",
    "services/warehouse",
    "services/website",
    "shared/service",
    "shared/web",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The crates in this folder.
fn crates(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap());
    let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    crates.map(|entry| format!("{folder}/{}", entry.file_name().into_string().unwrap())).collect()
}

fn modules(of: &str) -> Vec<Module> {
    sources::modules(&root().join(of).join("src"))
}

/// Whether a module is `of` or below it.
fn is_in(module: &str, of: &str) -> bool {
    module.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

impl Layers {
    fn layer(&self, module: &str) -> Option<usize> {
        let is_here = |(_, prefixes): &(&str, &[&str])| prefixes.iter().any(|prefix| is_in(module, prefix));
        self.layers.iter().position(is_here)
    }

    fn part(&self, module: &str) -> Option<&(&'static str, &'static [&'static str])> {
        self.parts.iter().find(|(part, _)| is_in(module, part))
    }

    fn violations(&self, modules: &[Module]) -> Vec<String> {
        let arrows =
            modules.iter().flat_map(|module| module.imports.iter().map(|to| (module.name.as_str(), to.as_str())));
        let arrows: BTreeSet<(&str, &str)> = arrows.filter(|(from, _)| !from.is_empty()).collect();
        arrows.iter().filter_map(|(from, to)| Some(format!("{from} → {to}: {}", self.wrong(from, to)?))).collect()
    }

    /// What is wrong with an arrow.
    fn wrong(&self, from: &str, to: &str) -> Option<&'static str> {
        let is_between =
            |(one, other): &(&str, &str)| is_in(from, one) && is_in(to, other) || is_in(from, other) && is_in(to, one);
        let crosses =
            self.part(from).zip(self.part(to)).is_some_and(|((from, may), (to, _))| from != to && !may.contains(to));
        match (self.layer(from), self.layer(to)) {
            (Some(from), Some(to)) if to > from => Some("runs back up"),
            (Some(_), None) => Some("is in no layer"),
            _ if self.apart.iter().any(is_between) => Some("pages and API know nothing of each other"),
            _ if crosses => Some("crosses"),
            _ => None,
        }
    }
}

/// The first path from a module back to itself, if there is one. The crate's root may name all and be named by all.
fn cycle(modules: &[Module]) -> Option<String> {
    let below_root = modules.iter().filter(|module| !module.name.is_empty());
    let imports: BTreeMap<&str, &BTreeSet<String>> =
        below_root.map(|module| (module.name.as_str(), &module.imports)).collect();
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| walk(module, &imports, &mut vec![], &mut done))
}

fn walk<'a>(
    module: &'a str,
    imports: &BTreeMap<&'a str, &'a BTreeSet<String>>,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<String> {
    if let Some(before) = way.iter().position(|known| *known == module) {
        let cycle = way.iter().skip(before).copied().chain([module]);
        return Some(cycle.collect::<Vec<_>>().join(" → "));
    }
    if done.contains(module) {
        return None;
    }
    way.push(module);
    let next = imports.get(module).into_iter().flat_map(|imports| imports.iter());
    let found = next.map(String::as_str).find_map(|to| walk(to, imports, way, done));
    way.pop();
    done.insert(module);
    found
}

/// Modules with SQL that are not in a `store`.
fn sql_outside_store(modules: &[Module]) -> Vec<&str> {
    let outside =
        |module: &&Module| module.code.contains("sqlx::query") && !module.name.split("::").any(|part| part == "store");
    modules.iter().filter(outside).map(|module| module.name.as_str()).collect()
}

/// Crates of ours that a manifest names although its crate may not use them.
fn wrong_dependencies(of: &str, manifest: &str) -> Vec<String> {
    let (folder, name) = of.split_once('/').unwrap();
    let below = if folder == "shared" { SHARED.iter().position(|known| *known == name) } else { Some(SHARED.len()) };
    let below = below.unwrap_or_else(|| panic!("{of} has no place among the crates"));
    let services: Vec<String> =
        crates("services").iter().filter_map(|known| Some(known.split_once('/')?.1.to_owned())).collect();
    let named = manifest.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    let is_above = |known: &&str| {
        let place = SHARED.iter().position(|shared| shared == known);
        *known != name && (place.is_some_and(|place| place >= below) || services.iter().any(|service| service == known))
    };
    named.filter(is_above).map(|known| format!("{of} → {known}")).collect()
}

#[test]
fn crates_depend_on_those_below_them_only() {
    for of in crates("shared").into_iter().chain(crates("services")) {
        let manifest = fs::read_to_string(root().join(&of).join("Cargo.toml")).unwrap();
        assert_eq!(wrong_dependencies(&of, &manifest), Vec::<String>::new());
    }
}

#[test]
fn within_a_crate_every_arrow_points_down() {
    for (layers, of) in [(WEB, "shared/web"), (SITE, "services/website"), (SITE, "services/stage")] {
        let violations = layers.violations(&modules(of));
        assert!(violations.is_empty(), "{of}: {}", violations.join("\n"));
    }
}

#[test]
fn modules_form_no_cycles() {
    for of in WITHOUT_CYCLES {
        assert_eq!(cycle(&modules(of)), None, "{of}");
    }
}

#[test]
fn all_sql_is_in_store() {
    for of in crates("services").iter().chain(&["bus", "service", "web"].map(|name| format!("shared/{name}"))) {
        assert_eq!(sql_outside_store(&modules(of)), Vec::<&str>::new(), "{of}");
    }
}

/// A small crate that breaks each rule once.
#[test]
fn each_rule_is_broken_by_what_it_forbids() {
    let breaking = [
        (
            "",
            "mod pure; mod read_model; mod store; mod control; mod pages; mod api; mod words; #[cfg(test)] mod samples;",
        ),
        ("samples", "use crate::pages;"),
        ("pure", "fn f() { super::api::serve() } // use crate::pages;"),
        ("read_model", "use super::pure; use crate::words::Words;"),
        ("store", "const SQL: &str = \"use crate::api;\"; fn f() { sqlx::query(SQL) }"),
        ("control", "use super::store; use crate::{pages::{map as m}, pure};\nfn f() { sqlx::query(A) }"),
        ("pages", "mod map; mod legend; use super::{api::{self, Problem}, control}; fn f() { map::render() }"),
        ("pages::map", "use super::legend; #[cfg(test)] mod tests { use crate::api; }"),
        ("pages::legend", "use super::map::standing;"),
        ("api", ""),
        ("words", ""),
    ];
    let modules = sources::linked(breaking.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
    assert_eq!(
        SITE.violations(&modules),
        [
            "control → pages::map: runs back up",
            "pages → api: pages and API know nothing of each other",
            "pure → api: runs back up",
            "read_model → words: is in no layer",
        ]
    );
    let crossing = [
        ("", "mod order; mod http; mod pure;"),
        ("pure", ""),
        ("order", "use crate::pure;"),
        ("http", "use crate::order::Order; use crate::pure;"),
    ];
    let crossing = sources::linked(crossing.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
    assert_eq!(WEB.violations(&crossing), ["http → order: crosses"]);
    assert_eq!(cycle(&modules).as_deref(), Some("pages::map → pages::legend → pages::map"));
    assert_eq!(sql_outside_store(&modules), ["control"]);
    let manifest = "[dependencies]\nanyhow.workspace = true\nservice.workspace = true\nevents = { path = \"\" }";
    assert_eq!(wrong_dependencies("shared/store", manifest), ["shared/store → service"]);
    assert_eq!(
        wrong_dependencies("services/website", "delivery = { path = \"../delivery\" }"),
        ["services/website → delivery"]
    );
    assert_eq!(wrong_dependencies("shared/service", "web.workspace = true"), ["shared/service → web"]);
}
