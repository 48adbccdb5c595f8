//! The texts of the pages by language and key, from `web/texts`; templates contain none. Each site has its own folder
//! there, and a third one is for both. Each key is in one of them.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use crate::pure::{format, language::Language};

/// A sentence, or two to choose from by a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Sentence(String),
    Counted { one: String, other: String },
}

type Texts = HashMap<String, Text>;

// If a file cannot be read, its keys appear on the pages. A test reads all files.
fn read(files: [&str; 3]) -> Texts {
    files.iter().flat_map(|file| serde_json::from_str::<Texts>(file).unwrap_or_default()).collect()
}

macro_rules! texts {
    ($language:literal) => {
        LazyLock::new(|| {
            read([
                include_str!(concat!("../../../../web/texts/shared/", $language, ".json")),
                include_str!(concat!("../../../../web/texts/shop/", $language, ".json")),
                include_str!(concat!("../../../../web/texts/stage/", $language, ".json")),
            ])
        })
    };
}

static ENGLISH: LazyLock<Texts> = texts!("en");
static FRENCH: LazyLock<Texts> = texts!("fr");
static DUTCH: LazyLock<Texts> = texts!("nl");
static GERMAN: LazyLock<Texts> = texts!("de");

impl Language {
    fn texts(self) -> &'static Texts {
        match self {
            Language::En => &ENGLISH,
            Language::Fr => &FRENCH,
            Language::Nl => &DUTCH,
            Language::De => &GERMAN,
        }
    }

    /// The text with this key. Without one, the key itself; a test rules that out.
    pub fn t(self, key: &'static str) -> &'static str {
        match self.texts().get(key) {
            Some(Text::Sentence(text) | Text::Counted { other: text, .. }) => text,
            None => key,
        }
    }

    /// The text with this key, with each `{name}` replaced by its value.
    pub fn fill(self, key: &'static str, values: &[(&str, &str)]) -> String {
        fill(self.t(key), values)
    }

    /// The text with this key, singular or plural for `n`; `{n}` becomes that number.
    pub fn count(self, key: &'static str, n: u64) -> String {
        let text = match self.texts().get(key) {
            Some(Text::Counted { one, .. }) if self.is_one(n) => one,
            _ => self.t(key),
        };
        fill(text, &[("n", &format::number(self, n))])
    }
}

/// One pass from left to right: braces within a value are not replaced.
fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        filled.push_str(before);
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => filled.extend(["{", name, "}"]),
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name)).collect()
    }

    fn forms(text: &Text) -> Vec<&str> {
        match text {
            Text::Sentence(text) => vec![text],
            Text::Counted { one, other } => vec![one, other],
        }
    }

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// All files below `folder`, concatenated.
    fn sources(folder: &Path) -> String {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { sources(&path) } else { fs::read_to_string(path).unwrap() }).collect()
    }

    #[test]
    fn every_language_says_the_same_things() {
        assert!(!Language::En.texts().is_empty());
        for language in Language::ALL {
            let has_notes = language.of_notes() == language;
            let expected = Language::En.texts().keys().filter(|key| has_notes || !key.ends_with("_say"));
            let expected: BTreeSet<_> = expected.collect();
            let known: BTreeSet<_> = language.texts().keys().collect();
            assert_eq!(
                expected.difference(&known).collect::<Vec<_>>(),
                Vec::<&&String>::new(),
                "missing in {language:?}"
            );
            assert_eq!(
                known.difference(&expected).collect::<Vec<_>>(),
                Vec::<&&String>::new(),
                "unused in {language:?}"
            );
            for (key, text) in language.texts() {
                let english = &Language::En.texts()[key];
                assert_eq!(forms(english).len(), forms(text).len(), "{key} in {language:?}");
                let named = |text| forms(text).into_iter().flat_map(placeholders).collect::<BTreeSet<_>>();
                assert_eq!(named(english), named(text), "{key} in {language:?}");
                assert!(forms(text).iter().all(|form| !form.trim().is_empty()), "{key} in {language:?}");
            }
        }
    }

    fn keys(folder: &str) -> BTreeSet<String> {
        let file = root().join("web/texts").join(folder).join("en.json");
        serde_json::from_str::<Texts>(&fs::read_to_string(file).unwrap()).unwrap().into_keys().collect()
    }

    /// All quoted strings that may be keys.
    fn words(folders: [&str; 2]) -> BTreeSet<String> {
        let written = folders.map(|folder| sources(&root().join(folder))).concat();
        let pages: BTreeSet<&str> = Language::En.texts().keys().filter_map(|key| key.split('.').next()).collect();
        let is_key =
            |word: &&str| word.split_once('.').is_some_and(|(page, name)| pages.contains(page) && is_name(name));
        written.split('"').filter(is_key).map(str::to_owned).collect()
    }

    #[test]
    fn every_key_is_in_the_folder_of_those_who_use_it_and_none_is_unused() {
        let shared = words(["shared/web/src", "web/templates/shared"]);
        let shop = words(["services/website/src", "web/templates/shop"]);
        let stage = words(["services/stage/src", "web/templates/stage"]);
        let of_both = &shared | &(&shop & &stage);
        for (folder, used) in [("shared", &of_both), ("shop", &(&shop - &of_both)), ("stage", &(&stage - &of_both))] {
            let (known, none) = (keys(folder), Vec::<&String>::new());
            assert_eq!(used.difference(&known).collect::<Vec<_>>(), none, "missing in {folder}");
            assert_eq!(known.difference(used).collect::<Vec<_>>(), none, "not to be in {folder}");
        }
    }

    /// Whether this can be the second half of a key. A file name such as `shop.css` is not one.
    fn is_name(name: &str) -> bool {
        let file = ["html", "css", "js", "rs"].contains(&name);
        !file && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }

    #[test]
    fn a_value_is_put_in_as_it_is() {
        assert_eq!(fill("to {address}, {n}", &[("address", "{n} <b>"), ("n", "3")]), "to {n} <b>, 3");
        assert_eq!(fill("a {unknown} brace {", &[]), "a {unknown} brace {");
    }

    #[test]
    fn each_language_counts_its_own_way() {
        assert_eq!(Language::En.count("shop.bottles", 0), "0 bottles");
        assert_eq!(Language::En.count("shop.bottles", 1), "1 bottle");
        assert_eq!(Language::Fr.count("shop.bottles", 0), "0 bouteille");
        assert_eq!(Language::Fr.count("shop.bottles", 1200), "1\u{202f}200 bouteilles");
        assert_eq!(Language::Nl.count("shop.bottles", 0), "0 flesjes");
        assert_eq!(Language::De.count("shop.bottles", 1), "1 Flasche");
    }

    #[test]
    fn a_browser_gets_the_first_language_we_speak() {
        assert_eq!(Language::of_accept_language("it,nl-BE;q=0.9,fr-BE;q=0.8,en;q=0.5"), Some(Language::Nl));
        assert_eq!(Language::of_accept_language("ja"), None);
        assert_eq!(Language::of_tag("FR"), Some(Language::Fr));
    }
}
