//! The frame of every page, and the fragments that pages are made of.
//!
//! A page is composed of [`Fragment`]s, elements with an id of their own. The page holds exactly
//! the fragments that its stream sends for the same view, so that a browser can be sent the changed ones alone.
//!
//! Rendering is pure: no clock, no database. A fragment depends on its view and the language only, never on the time
//! of rendering, since it would otherwise change all the time: countdowns are drawn by the browser.

use askama::Template;
use events::{
    ids::{Moment, Service},
    quantities::Cents,
};

use crate::pure::{assets, format, language::Language};

/// An element of a page that can be replaced on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The id of the element.
    pub id: String,
    pub html: String,
}

impl Fragment {
    /// Renders a template whose outermost element has this id.
    ///
    /// # Errors
    /// If the template cannot be rendered.
    pub fn new(id: impl Into<String>, template: &impl Template) -> askama::Result<Fragment> {
        Ok(Fragment { id: id.into(), html: template.render()? })
    }
}

/// How a page is coloured. A browser remembers its own choice; this is what it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Dark,
    /// Ink on cream, for projectors.
    Projector,
}

impl Theme {
    pub const ALL: [Theme; 2] = [Theme::Dark, Theme::Projector];

    /// Its name, as in `?theme=projector`.
    pub const fn name(self) -> &'static str {
        match self {
            Theme::Dark => "dark",
            Theme::Projector => "projector",
        }
    }

    /// The theme with this name.
    pub fn of_name(name: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.name() == name)
    }
}

/// What every page needs beside its own view.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The language to speak.
    pub language: Language,
    /// The theme asked for by the link.
    pub theme: Theme,
    pub alive: &'a Alive,
    /// When the page is made.
    pub now: Moment,
    /// Whether the presenter is signed in.
    pub presenter: bool,
    /// Whether this window follows the speaker.
    pub follow: bool,
    /// The path of the page, for links to itself in another language.
    pub path: &'a str,
}

impl Frame<'_> {
    /// The text with this key in the reader's language.
    pub fn t(&self, key: &'static str) -> &'static str {
        self.language.t(key)
    }

    /// What stands below a list that names `listed` of so many: how many more there are, if any.
    pub fn more(&self, total: u64, listed: usize) -> Option<String> {
        let rest = total.saturating_sub(u64::try_from(listed).unwrap_or(u64::MAX));
        (rest > 0).then(|| self.language.count("delivery.more", rest))
    }

    /// The same, with `{name}` replaced by the value.
    pub fn with(&self, key: &'static str, name: &str, value: &str) -> String {
        self.language.fill(key, &[(name, value)])
    }

    /// The address of a file that every site serves, with its hash: see [`assets::address`].
    pub fn asset(&self, name: &str) -> String {
        assets::address(&[], name)
    }

    /// Languages with whether they are spoken now.
    pub fn languages(&self) -> Vec<(Language, bool)> {
        Language::ALL.map(|language| (language, language == self.language)).to_vec()
    }

    /// What a page without a stream says of its age.
    pub fn as_of(&self) -> String {
        self.with("frame.as_of", "time", &format::clock_seconds(self.now))
    }

    /// How a script writes a sum: `€ 1,000.00`, its digits to be replaced.
    pub fn money_pattern(&self) -> String {
        format::money(self.language, Cents(100_000))
    }

    /// The server's clock, for countdowns until the first heartbeat comes.
    pub fn now_micros(&self) -> i64 {
        self.now.micros()
    }

    /// Whether this is the page at that path.
    pub fn is_here(&self, path: &str) -> bool {
        self.path == path
    }

    /// Whether this is the page at that path, or one below it.
    pub fn is_below(&self, path: &str) -> bool {
        self.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Who is there, as far as this process knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alive {
    /// Whether Pulsar is connected.
    pub pulsar: bool,
    /// The services that said something in the last two seconds.
    pub services: Vec<Service>,
    /// Those among them that get nothing of what waits for them, and on which topic.
    pub standing_still: Vec<(Service, &'static str)>,
}

/// Who is missing, in words; an empty element if nobody is.
#[derive(Template)]
#[template(path = "alive.html")]
struct AliveTemplate {
    sentences: Vec<String>,
}

/// The fragment `alive`: says which of `needed` is missing, and who gets nothing of what waits.
///
/// # Errors
/// If the template cannot be rendered.
pub fn alive(frame: &Frame<'_>, needed: &[Service]) -> askama::Result<Fragment> {
    let silent = needed.iter().filter(|service| !frame.alive.services.contains(service));
    let sentences = if frame.alive.pulsar {
        let silent = silent.map(|service| frame.with("frame.silent", "service", service.name()));
        let still = frame.alive.standing_still.iter().map(|(service, topic)| {
            frame.language.fill("frame.still", &[("service", service.name()), ("topic", topic)])
        });
        silent.chain(still).collect()
    } else {
        vec![frame.t("frame.no_pulsar").to_owned()]
    };
    Fragment::new("alive", &AliveTemplate { sentences })
}

/// The fragments of a page, for its template to place.
pub struct Parts(pub Vec<Fragment>);

impl Parts {
    /// The fragment with this id; nothing if the page has none.
    pub fn get(&self, id: &str) -> &str {
        self.0.iter().find(|fragment| fragment.id == id).map_or("", |fragment| &fragment.html)
    }
}
