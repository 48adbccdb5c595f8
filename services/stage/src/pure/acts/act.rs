//! What an act is: steps, each with words and an effect. An effect says what is to happen; the use cases make it happen.

use events::{ids::Service, past::PastQuestion, settings::Choices};

#[derive(Debug, Clone, Copy)]
pub struct Act {
    /// Its number, from 1; the key it starts with.
    pub number: u8,
    /// What it is called: a key of the texts.
    pub title: &'static str,
    /// What it shows, in a sentence: a key of the texts.
    pub shows: &'static str,
    /// The page the room looks at.
    pub page: &'static str,
    /// What the speaker does, in order.
    pub steps: &'static [Step],
    pub(super) begin: fn(&mut Choices),
}

/// One step of an act: what to say, and what happens when it is done.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// What the speaker does: a key of the texts.
    pub title: &'static str,
    /// What the speaker says: a key of the texts.
    pub words: &'static str,
    pub effect: Effect,
}

/// What a step makes happen. Done twice it does the same again, or nothing.
#[derive(Debug, Clone, Copy)]
pub enum Effect {
    /// Nothing: words are enough.
    Say,
    Set(fn(&mut Choices)),
    /// Five orders of one bottle in a row for each beer but the scarce one.
    Burst,
    /// Somebody dies without any farewell.
    Crash(Target),
    Order,
    /// An order to an address nobody finds.
    OrderNowhere,
    /// The newest of the orders nobody could deliver is tried again, at an address that exists.
    Redrive,
    /// The newest of the orders nobody could deliver is given up; its bottles go back on the shelf.
    ReturnToStock,
    /// Everything is folded again from the first message.
    Rebuild,
    /// The past is asked something.
    Ask(PastQuestion),
    /// The room looks at this page.
    Open(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The process of a service.
    Service(Service),
    /// A courier, if possible one who carries a parcel.
    Courier,
    /// The worker of stock-level that wrote last: with Failover the active one.
    Worker,
    /// The broker, where somebody watches it and starts it again.
    Broker,
}

impl Step {
    /// The page on which the room sees what this step does, if it is another than the act's.
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
    /// What is chosen when the act begins. An act starts from the same state whatever went before, but for `restock` and
    /// `hide_names`: no act speaks of them, so they stay as the speaker has them.
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

    /// The page the room looks at once this step is done: that of the last step with one of its own, else the act's.
    pub fn page_at(&self, step: u8) -> &'static str {
        let done = self.steps.iter().take(step.into());
        done.rev().find_map(Step::page).unwrap_or(self.page)
    }

    /// How many steps it has.
    pub fn length(&self) -> u8 {
        u8::try_from(self.steps.len()).unwrap_or(u8::MAX)
    }

    /// What is chosen once the `n`th step is done, from 1; `None` if there is no such step.
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
