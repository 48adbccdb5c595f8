//! The frame of every page, and the fragments of which pages are made.
//!
//! A page is composed of [`Fragment`]s, elements with their own id. It holds exactly the fragments that its stream
//! sends for the same view, so the stream can send the changed ones alone.
//!
//! Rendering is pure: no clock, no database. A fragment depends on its view and the language only. If it depended on
//! the time of rendering it would always change, so the browser draws countdowns.

use askama::Template;
use events::{
    ids::{Moment, Service},
    quantities::Cents,
};

use crate::pure::{assets, format, language::Language};

/// An element of a page that can be replaced alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    pub id: String,
    pub html: String,
}

impl Fragment {
    /// Renders a template whose outermost element has this id.
    pub fn new(id: impl Into<String>, template: &impl Template) -> askama::Result<Fragment> {
        Ok(Fragment { id: id.into(), html: template.render()? })
    }
}

/// The colours of a page. A browser remembers its own choice; this is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Dark,
    /// Ink on cream, for projectors.
    Projector,
}

impl Theme {
    pub const ALL: [Theme; 2] = [Theme::Dark, Theme::Projector];

    /// The name, as in `?theme=projector`.
    pub const fn name(self) -> &'static str {
        match self {
            Theme::Dark => "dark",
            Theme::Projector => "projector",
        }
    }

    pub fn of_name(name: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.name() == name)
    }
}

/// What every page needs in addition to its view.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    pub language: Language,
    /// The theme in the link.
    pub theme: Theme,
    pub alive: &'a Alive,
    pub now: Moment,
    pub presenter: bool,
    pub follow: bool,
    /// The path of the page, for links to the same page in another language.
    pub path: &'a str,
}

impl Frame<'_> {
    pub fn t(&self, key: &'static str) -> &'static str {
        self.language.t(key)
    }

    /// The line below a list that shows `listed` of `total`: how many more there are, if any.
    pub fn more(&self, total: u64, listed: usize) -> Option<String> {
        let rest = total.saturating_sub(u64::try_from(listed).unwrap_or(u64::MAX));
        (rest > 0).then(|| self.language.count("delivery.more", rest))
    }

    /// The text with this key, with `{name}` replaced by the value.
    pub fn with(&self, key: &'static str, name: &str, value: &str) -> String {
        self.language.fill(key, &[(name, value)])
    }

    /// The address of a file that every site serves: see [`assets::address`].
    pub fn asset(&self, name: &str) -> String {
        assets::address(&[], name)
    }

    /// All languages, with `true` for the page's own.
    pub fn languages(&self) -> Vec<(Language, bool)> {
        Language::ALL.map(|language| (language, language == self.language)).to_vec()
    }

    /// How a page without a stream states its age.
    pub fn as_of(&self) -> String {
        self.with("frame.as_of", "time", &format::clock_seconds(self.now))
    }

    /// The format of a sum for scripts: `€ 1,000.00`, with its digits to be replaced.
    pub fn money_pattern(&self) -> String {
        format::money(self.language, Cents(100_000))
    }

    /// The server's clock, for countdowns before the first heartbeat.
    pub fn now_micros(&self) -> i64 {
        self.now.micros()
    }

    pub fn is_here(&self, path: &str) -> bool {
        self.path == path
    }

    pub fn is_below(&self, path: &str) -> bool {
        self.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// What is connected or running, as far as this process knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alive {
    pub pulsar: bool,
    /// The services from which a message came in the last two seconds.
    pub services: Vec<Service>,
    /// Those of them that get none of the messages that wait for them, with the topic.
    pub standing_still: Vec<(Service, &'static str)>,
}

/// Names what is missing; an empty element if nothing is.
#[derive(Template)]
#[template(path = "alive.html")]
struct AliveTemplate {
    sentences: Vec<String>,
}

/// The fragment `alive`: names those of `needed` that are missing, and those that get none of their waiting messages.
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
    /// The fragment with this id; empty if the page has none.
    pub fn get(&self, id: &str) -> &str {
        self.0.iter().find(|fragment| fragment.id == id).map_or("", |fragment| &fragment.html)
    }
}
