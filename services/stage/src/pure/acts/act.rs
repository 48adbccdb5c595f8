//! An act: steps, each with words and an effect. An effect says what should happen; the use cases make it happen.

use events::{ids::Service, past::PastQuestion, settings::Choices};

#[derive(Debug, Clone, Copy)]
pub struct Act {
    /// From 1; also the key that starts it.
    pub number: u8,
    /// A key of the texts.
    pub title: &'static str,
    /// What it shows, in a sentence: a key of the texts.
    pub shows: &'static str,
    /// The page for the room.
    pub page: &'static str,
    /// In order.
    pub steps: &'static [Step],
    pub(super) begin: fn(&mut Choices),
}

/// A step of an act: what to say, and what happens.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// What the speaker does: a key of the texts.
    pub title: &'static str,
    /// What the speaker says: a key of the texts.
    pub words: &'static str,
    pub effect: Effect,
}

/// What a step makes happen. A repeat does the same again, or nothing.
#[derive(Debug, Clone, Copy)]
pub enum Effect {
    /// Nothing: the words are enough.
    Say,
    Set(fn(&mut Choices)),
    /// Five orders of one bottle in a row for each beer but the scarce one.
    Burst,
    /// Somebody crashes, without a farewell.
    Crash(Target),
    Order,
    /// An order to an address that nobody finds.
    OrderNowhere,
    /// Redrives the newest stranded order to an address that exists.
    Redrive,
    /// Gives the newest stranded order up; its bottles go back on the shelf.
    ReturnToStock,
    /// Folds everything again from the first message.
    Rebuild,
    /// Asks the past a question.
    Ask(PastQuestion),
    /// Shows the room this page.
    Open(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Service(Service),
    /// A courier, if possible one with a parcel.
    Courier,
    /// The worker of stock-level that wrote last: with Failover the active one.
    Worker,
    /// The broker, if it is supervised.
    Broker,
}

impl Step {
    /// The page on which the room sees this step's effect, if not the act's.
    pub const fn page(&self) -> Option<&'static str> {
        match self.effect {
            Effect::Open(page) => Some(page),
            Effect::Rebuild => Some("/rebuild"),
            Effect::Ask(_) => Some("/questions"),
            _ => None,
        }
    }
}

impl Act {
    /// The choices at the beginning of the act, the same whatever went before. Only `restock` and `hide_names` stay as
    /// the speaker has them: no act uses them.
    pub fn start(&self, known: &Choices) -> Choices {
        let Choices { restock, hide_names, .. } = *known;
        let mut choices = Choices { restock, hide_names, act: Some(self.number), step: 0, ..Choices::default() };
        (self.begin)(&mut choices);
        choices
    }

    /// The `n`th step, from 1.
    pub fn step(&self, n: u8) -> Option<&'static Step> {
        self.steps.get(usize::from(n).checked_sub(1)?)
    }

    /// The page for the room after this step: that of the last step with its own page, else the act's.
    pub fn page_at(&self, step: u8) -> &'static str {
        let done = self.steps.iter().take(step.into());
        done.rev().find_map(Step::page).unwrap_or(self.page)
    }

    /// The number of steps.
    pub fn length(&self) -> u8 {
        u8::try_from(self.steps.len()).unwrap_or(u8::MAX)
    }

    /// The choices after the `n`th step, from 1; `None` if there is no such step.
    pub fn after(&self, n: u8, known: &Choices) -> Option<Choices> {
        let step = self.step(n)?;
        let mut choices = known.clone();
        if let Effect::Set(set) = step.effect {
            set(&mut choices);
        }
        choices.act = Some(self.number);
        choices.step = n;
        Some(choices)
    }
}
