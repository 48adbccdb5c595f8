//! The languages of the pages, and the choice of the reader's.

/// A language of the pages. Another one needs a file of texts and a line in each `match` here, in `texts` and `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English, also for readers of all other languages.
    #[default]
    En,
    Fr,
    Nl,
    De,
}

impl Language {
    /// All languages, in the order of the menu.
    pub const ALL: [Language; 4] = [Language::En, Language::Fr, Language::Nl, Language::De];

    /// The tag, as in `lang="fr"`.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Fr => "fr",
            Language::Nl => "nl",
            Language::De => "de",
        }
    }

    /// The language's name for itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Language::En => "English",
            Language::Fr => "Français",
            Language::Nl => "Nederlands",
            Language::De => "Deutsch",
        }
    }

    /// The language of a tag such as `fr` or `fr-BE`, if it is one of ours.
    pub fn of_tag(tag: &str) -> Option<Language> {
        let primary = tag.trim().split('-').next().unwrap_or_default();
        Language::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The first language of an `Accept-Language` header that is one of ours. Browsers write it in order of preference,
    /// so the weights are not read.
    pub fn of_accept_language(header: &str) -> Option<Language> {
        header.split(',').find_map(|entry| Language::of_tag(entry.split(';').next().unwrap_or_default()))
    }

    /// The language of the speaker's notes, the keys that end in `_say`. Only the speaker reads them, so they exist in
    /// English and French only.
    pub const fn of_notes(self) -> Language {
        match self {
            Language::Fr => Language::Fr,
            Language::En | Language::Nl | Language::De => Language::En,
        }
    }

    /// French uses the singular for 0 as well.
    pub fn is_one(self, n: u64) -> bool {
        match self {
            Language::En | Language::Nl | Language::De => n == 1,
            Language::Fr => n <= 1,
        }
    }
}
