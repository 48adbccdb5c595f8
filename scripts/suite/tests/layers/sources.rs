//! The modules of a crate, and the imports of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A module with a file of its own.
pub struct Module {
    /// As in `shop::pages`; empty for the crate's root.
    pub name: String,
    /// The text without comments, strings and test-only items.
    pub code: String,
    /// The modules of the crate that it names.
    pub imports: BTreeSet<String>,
}

/// The modules of the crate whose sources are in this folder.
pub fn modules(folder: &Path) -> Vec<Module> {
    let root = ["lib.rs", "main.rs"].map(|name| folder.join(name)).into_iter().find(|path| path.is_file()).unwrap();
    let mut texts = BTreeMap::from([(String::new(), fs::read_to_string(root).unwrap())]);
    read(folder, "", &mut texts);
    linked(texts)
}

fn read(folder: &Path, within: &str, texts: &mut BTreeMap<String, String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let name = if within.is_empty() { name.to_owned() } else { format!("{within}::{name}") };
        if path.is_dir() {
            read(&path, &name, texts);
        } else if name != "lib" && name != "main" {
            texts.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The modules of a crate from these texts, by name, without those for tests only.
pub fn linked(texts: BTreeMap<String, String>) -> Vec<Module> {
    let mut codes = BTreeMap::new();
    let mut found = vec![String::new()];
    while let Some(name) = found.pop() {
        let Some(text) = texts.get(&name) else { continue };
        let code = plain(text);
        found.extend(children(&code).map(|child| join(&name, child)));
        codes.insert(name, code);
    }
    let names: BTreeSet<String> = codes.keys().cloned().collect();
    let module = |(name, code): (String, String)| {
        let imports = imports(&name, &code, &names);
        Module { name, code, imports }
    };
    codes.into_iter().map(module).collect()
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

/// The names in `mod name;`.
fn children(code: &str) -> impl Iterator<Item = &str> {
    words(code).filter(|(_, word)| *word == "mod").filter_map(|(at, _)| {
        let (name, rest) = name_at(code[at + "mod".len()..].trim_start())?;
        rest.trim_start().starts_with(';').then_some(name)
    })
}

/// The words of a text, each with its place.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let starts = code.char_indices().zip([' '].into_iter().chain(code.chars()));
    starts
        .filter(move |((_, letter), before)| is_part(*letter) && !is_part(*before))
        .filter_map(move |((at, _), _)| Some((at, name_at(&code[at..])?.0)))
}

/// The name at the beginning of a text, and the rest.
fn name_at(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The text without comments and strings, and without the items behind `#[cfg(test)]`.
fn plain(text: &str) -> String {
    let mut code = without_comments_and_strings(text);
    while let Some(at) = code.find("#[cfg(test)]") {
        let item = &code[at..];
        let end = item.char_indices().scan(0_i32, |depth, (place, letter)| {
            *depth += i32::from(letter == '{') - i32::from(letter == '}');
            Some((place, *depth == 0 && matches!(letter, ';' | '}')))
        });
        let end = end.filter(|(_, is_end)| *is_end).map(|(place, _)| place + 1).next().unwrap_or(item.len());
        code.replace_range(at..at + end, "");
    }
    code
}

fn without_comments_and_strings(text: &str) -> String {
    let (mut code, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(letter) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = hashes + 2;
            rest[begin..].find(&end).map_or(rest.len(), |at| begin + at + end.len())
        } else if letter == '"' {
            string_length(rest)
        } else if rest.starts_with("'\"'")
            || rest.starts_with("'{'")
            || rest.starts_with("'}'")
            || rest.starts_with("';'")
        {
            3
        } else {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
            continue;
        };
        rest = &rest[skipped..];
    }
    code
}

/// The number of `#` of a raw string, if the text begins with one.
fn raw_string(text: &str) -> Option<usize> {
    let behind = text.strip_prefix('r')?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    behind[hashes..].starts_with('"').then_some(hashes)
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = true;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' if !is_escaped => return at + 1,
            '\\' if !is_escaped => is_escaped = true,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// The modules that this one names.
fn imports(module: &str, code: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let mut paths = Vec::new();
    let mut in_uses = Vec::new();
    for (at, word) in words(code) {
        if word == "use" {
            let tree = code[at + word.len()..].split(';').next().unwrap_or_default();
            in_uses.push(at..at + word.len() + tree.len());
            flatten(tree, "", &mut paths);
        }
    }
    let is_in_use = |at: &usize| in_uses.iter().any(|range| range.contains(at));
    for (at, word) in words(code) {
        let is_first = !code[..at].trim_end().ends_with("::");
        let leads_on = code[at + word.len()..].starts_with("::");
        if is_first && leads_on && !is_in_use(&at) {
            let end = code[at..].find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':');
            paths.push(code[at..at + end.unwrap_or(code.len() - at)].to_owned());
        }
    }
    let found = paths.iter().filter_map(|path| named(module, path, modules));
    found.filter(|other| other != module).collect()
}

/// The paths of a `use` tree, one for each of its leaves.
fn flatten(tree: &str, before: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((path, list)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        paths.push(format!("{before}{path}").trim_end_matches("::self").to_owned());
        return;
    };
    let (before, mut depth, mut from) = (format!("{before}{}", path.trim()), 0, 0);
    let list = list.trim_end().strip_suffix('}').unwrap_or(list);
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&list[from..at], &before, paths);
                from = at + 1;
            }
            _ => {}
        }
    }
    if !list[from..].trim().is_empty() {
        flatten(&list[from..], &before, paths);
    }
}

/// The module of the crate that a path leads into, if there is one: the longest match.
fn named(module: &str, path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut parts: Vec<&str> = path.split("::").map(str::trim).collect();
    let mut from: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    match *parts.first()? {
        "crate" => from.clear(),
        "self" => {}
        "super" => {
            while parts.first() == Some(&"super") {
                from.pop();
                parts.remove(0);
            }
            parts.insert(0, "super");
        }
        child if modules.contains(&join(module, child)) => parts.insert(0, "self"),
        _ => return None,
    }
    from.extend(parts.iter().skip(1));
    while !from.is_empty() && !modules.contains(&from.join("::")) {
        from.pop();
    }
    Some(from.join("::"))
}
