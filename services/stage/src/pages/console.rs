//! `/console`: the speaker's page. The acts with what to do and to say, the settings, and who is there.

use askama::Template;
use events::{ids::Service, settings::Choices};
use serde_json::json;
use web::pure::{
    format,
    layout::{Fragment, Frame, Parts, alive},
};

use crate::{
    pages::{controls, view::PageView},
    pure::{
        acts::{self, Act, Effect, Target},
        console::ConsoleView,
    },
};

#[derive(Template)]
#[template(path = "console/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    services: Vec<String>,
}

/// The settings, for the script: it computes from them, never from what it sent.
#[derive(Template)]
#[template(path = "console/position.html")]
struct Position {
    settings: String,
}

#[derive(Template)]
#[template(path = "console/episode.html")]
struct Episode {
    words: String,
}

#[derive(Template)]
#[template(path = "console/acts.html")]
struct Acts {
    acts: Vec<ActRow>,
}

struct ActRow {
    number: u8,
    title: &'static str,
    page: &'static str,
    length: u8,
    is_now: bool,
}

#[derive(Template)]
#[template(path = "console/act.html")]
struct ActHead<'a> {
    frame: Frame<'a>,
    act: Option<ActWords>,
}

struct ActWords {
    title: String,
    shows: &'static str,
}

#[derive(Template)]
#[template(path = "console/steps.html")]
struct Steps<'a> {
    frame: Frame<'a>,
    steps: Vec<StepRow>,
    /// What → does after the last step.
    end: Option<&'static str>,
}

struct StepRow {
    act: u8,
    n: u8,
    place: Place,
    mark: String,
    title: &'static str,
    words: &'static str,
    does: String,
    not_offered: bool,
}

/// Where a step is, relative to the current one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Done,
    Now,
    Next,
    Later,
}

impl Place {
    fn of(n: u8, step: u8) -> Place {
        match n {
            n if n < step => Place::Done,
            n if n == step => Place::Now,
            n if n == step + 1 => Place::Next,
            _ => Place::Later,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Place::Done => "done",
            Place::Now => "now",
            Place::Next => "next",
            Place::Later => "later",
        }
    }

    fn is_now(self) -> bool {
        self == Place::Now
    }

    /// Whether its words are shown: those of the current step and the next.
    fn is_near(self) -> bool {
        matches!(self, Place::Now | Place::Next)
    }

    fn mark(self, n: u8) -> String {
        match self {
            Place::Done => "✓".to_owned(),
            Place::Next => "→".to_owned(),
            Place::Now | Place::Later => n.to_string(),
        }
    }
}

#[derive(Template)]
#[template(path = "console/service.html")]
struct ServiceRow {
    id: String,
    name: &'static str,
    state: State,
    state_words: &'static str,
    /// The label of its button, if it can be paused.
    pause: Option<&'static str>,
    /// What is sent to crash it, if that is offered.
    crash: Option<String>,
    crash_words: &'static str,
}

#[derive(Clone, Copy)]
enum State {
    Running,
    Paused,
    Still,
    Silent,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Paused => "paused",
            State::Still | State::Silent => "silent",
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            State::Running => "●",
            State::Paused => "Ⅱ",
            State::Still => "✗",
            State::Silent => "○",
        }
    }
}

/// A courier or a worker, to crash.
#[derive(Template)]
#[template(path = "console/single.html")]
struct Single<'a> {
    id: &'static str,
    crash: String,
    who: &'a str,
    words: &'static str,
}

impl PageView for ConsoleView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        let services = Service::DEMO.map(service_id).into_iter().chain([BROKER.to_owned()]).collect();
        Page { frame, parts: Parts(self.fragments(frame)?), services }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let settings = &self.settings;
        let choices = &settings.choices;
        let act = Act::now(settings);
        let episode = format::number(frame.language, settings.episode.into());
        let words = frame.with("console.episode", "n", &episode);
        let title = |act: &Act| format!("{} · {}", act.number, frame.t(act.title));
        let head = act.map(|act| ActWords { title: title(act), shows: frame.t(act.shows) });
        let steps = Steps {
            frame,
            steps: act.map(|act| step_rows(act, self, &frame)).unwrap_or_default(),
            end: act.filter(|act| choices.step >= act.length()).map(|act| frame.t(end(act))),
        };
        let mut fragments = vec![
            alive(&frame, &[])?,
            Fragment::new("position", &Position { settings: json!(settings).to_string() })?,
            Fragment::new("episode", &Episode { words })?,
            Fragment::new("acts", &Acts { acts: acts::acts().iter().map(|row| act_row(row, act, &frame)).collect() })?,
            Fragment::new("act", &ActHead { frame, act: head })?,
            Fragment::new("steps", &steps)?,
        ];
        fragments.extend(controls::fragments(choices, &frame)?);
        fragments.extend(singles(self, &frame)?);
        for service in Service::DEMO {
            fragments.push(Fragment::new(service_id(service), &service_row(service, choices, &frame))?);
        }
        fragments.push(Fragment::new(BROKER, &broker_row(self, &frame))?);
        Ok(fragments)
    }
}

fn act_row(act: &Act, now: Option<&Act>, frame: &Frame<'_>) -> ActRow {
    let is_now = now.is_some_and(|now| now.number == act.number);
    ActRow { number: act.number, title: frame.t(act.title), page: act.page, length: act.length(), is_now }
}

fn end(act: &Act) -> &'static str {
    if Act::of_number(act.number + 1).is_some() { "console.end" } else { "console.end_of_all" }
}

fn step_rows(act: &Act, view: &ConsoleView, frame: &Frame<'_>) -> Vec<StepRow> {
    let row = |(step, n): (&acts::Step, u8)| {
        let place = Place::of(n, view.settings.choices.step);
        let stops_broker = matches!(step.effect, Effect::Crash(Target::Broker));
        StepRow {
            act: act.number,
            n,
            place,
            mark: place.mark(n),
            title: frame.t(step.title),
            words: frame.language.of_notes().t(step.words),
            does: acts::does(act, n, frame.language),
            not_offered: stops_broker && !view.offered_broker_stop,
        }
    };
    act.steps.iter().zip(1..).map(row).collect()
}

const BROKER: &str = "service-broker";

fn service_id(service: Service) -> String {
    format!("service-{service}")
}

fn service_row(service: Service, choices: &Choices, frame: &Frame<'_>) -> ServiceRow {
    let is_paused = choices.paused.contains(&service);
    let stands_still = frame.alive.standing_still.iter().any(|(known, _)| *known == service);
    let (state, state_words) = match (frame.alive.services.contains(&service), is_paused) {
        (false, _) => (State::Silent, "console.silent"),
        (true, true) => (State::Paused, "console.paused"),
        (true, false) if stands_still => (State::Still, "console.still"),
        (true, false) => (State::Running, "console.running"),
    };
    let pause = frame.t(if is_paused { "console.resume" } else { "console.pause" });
    ServiceRow {
        id: service_id(service),
        name: service.name(),
        state,
        state_words: frame.t(state_words),
        // The shop never closes.
        pause: service.can_pause().then_some(pause),
        crash: Some(json!({"service": service}).to_string()),
        crash_words: frame.t("console.crash"),
    }
}

fn broker_row(view: &ConsoleView, frame: &Frame<'_>) -> ServiceRow {
    let (state, state_words) =
        if frame.alive.pulsar { (State::Running, "console.connected") } else { (State::Silent, "console.away") };
    ServiceRow {
        id: BROKER.to_owned(),
        name: frame.t("console.broker"),
        state,
        state_words: frame.t(state_words),
        pause: None,
        crash: view.offered_broker_stop.then(|| json!({"service": "broker"}).to_string()),
        crash_words: frame.t("console.stop"),
    }
}

fn singles(view: &ConsoleView, frame: &Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let (courier, worker) = (view.courier.as_deref(), view.worker.as_deref());
    let couriers = Single {
        id: "crash-courier",
        crash: json!({"courier": courier}).to_string(),
        who: courier.unwrap_or_default(),
        words: frame.t("console.crash_courier"),
    };
    let workers = Single {
        id: "crash-worker",
        crash: json!({"worker": worker}).to_string(),
        who: worker.unwrap_or_default(),
        words: frame.t("console.crash_worker"),
    };
    Ok(vec![Fragment::new(couriers.id, &couriers)?, Fragment::new(workers.id, &workers)?])
}
