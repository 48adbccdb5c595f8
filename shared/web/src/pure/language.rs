//! The languages the pages speak, and which of them a reader wants.

/// A language of the pages. One more needs a file of texts, and a line in each `match` here, in `texts.rs` and in `format.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English, also for readers of any other language.
    #[default]
    En,
    Fr,
    Nl,
    De,
}

impl Language {
    /// All of them, in the order they are offered.
    pub const ALL: [Language; 4] = [Language::En, Language::Fr, Language::Nl, Language::De];

    /// Its tag, as in `lang="fr"`.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Fr => "fr",
            Language::Nl => "nl",
            Language::De => "de",
        }
    }

    /// Its name in itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Language::En => "English",
            Language::Fr => "Français",
            Language::Nl => "Nederlands",
            Language::De => "Deutsch",
        }
    }

    /// The language of a tag such as `fr` or `fr-BE`, if we speak it.
    pub fn of_tag(tag: &str) -> Option<Language> {
        let primary = tag.trim().split('-').next().unwrap_or_default();
        Language::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The first language of an `Accept-Language` header that we speak. Browsers write it in order of preference, so
    /// that the weights need not be read.
    pub fn of_accept_language(header: &str) -> Option<Language> {
        header.split(',').find_map(|entry| Language::of_tag(entry.split(';').next().unwrap_or_default()))
    }

    /// The language of the speaker's notes, which are in English and French only. Nobody but the speaker reads them: the
    /// keys that end in `_say`.
    pub const fn of_notes(self) -> Language {
        match self {
            Language::Fr => Language::Fr,
            Language::En | Language::Nl | Language::De => Language::En,
        }
    }

    /// French counts none as one.
    pub fn is_one(self, n: u64) -> bool {
        match self {
            Language::En | Language::Nl | Language::De => n == 1,
            Language::Fr => n <= 1,
        }
    }
}
