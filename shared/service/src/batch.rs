//! A batch: one transaction for many messages, and what became of each.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
};

use events::{
    ids::{Moment, Service},
    received::{Position, Undecodable},
    topics::TopicSpec,
    unreadable::ReasonCode,
};
use serde::Serialize;
use store::{Store, StoreError, Transaction, disbelieve, quarantine, quarantine_as};

use crate::{Context, clock};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<A> {
    /// It had its effect now.
    Handled(A),
    /// It had part of its effect, and will be submitted again for the rest.
    Begun(A),
    /// It had its effect before.
    Repeated,
    /// It is well formed and untrue: it has no effect, and is counted by reason.
    Untrue(ReasonCode),
    /// It was quarantined, and counted by that.
    Quarantined,
}

impl<A> Outcome<A> {
    /// The outcome as spans name it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Outcome::Handled(_) => "handled",
            Outcome::Begun(_) => "begun",
            Outcome::Repeated => "repeated",
            Outcome::Untrue(_) => "untrue",
            Outcome::Quarantined => "quarantined",
        }
    }

    /// The answer, if the message had an effect now.
    pub fn answer(self) -> Option<A> {
        match self {
            Outcome::Handled(answer) | Outcome::Begun(answer) => Some(answer),
            Outcome::Repeated | Outcome::Untrue(_) | Outcome::Quarantined => None,
        }
    }
}

/// How many messages of a topic had which outcome.
#[derive(Default)]
struct Counts {
    handled: usize,
    repeated: usize,
    quarantined: usize,
    untrue: usize,
}

/// An open transaction. It dereferences to its [`Transaction`].
pub struct Batch {
    /// When it began: the time of all its effects.
    pub now: Moment,
    reader: Service,
    transaction: Transaction,
    counts: BTreeMap<&'static str, Counts>,
}

impl Batch {
    /// Begins a batch of messages that `reader` reads.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn begin(reader: Service, store: &Store) -> Result<Self, StoreError> {
        let transaction = store.begin().await?;
        Ok(Batch { now: clock::now(), reader, transaction, counts: BTreeMap::new() })
    }

    /// Moves a message that cannot be read onto `unreadable`.
    ///
    /// # Errors
    /// If a statement fails.
    pub async fn quarantine(
        &mut self,
        topic: &'static TopicSpec,
        position: Position,
        undecodable: &Undecodable,
    ) -> Result<(), StoreError> {
        self.of(topic).quarantined += 1;
        quarantine(&mut self.transaction, self.reader, topic, position, undecodable, self.now).await
    }

    /// Moves a message onto `unreadable` that can be read but not used.
    ///
    /// # Errors
    /// If a statement fails.
    pub async fn quarantine_as<M: Serialize>(
        &mut self,
        topic: &'static TopicSpec,
        position: Position,
        why: (ReasonCode, String),
        message: &M,
    ) -> Result<(), StoreError> {
        self.of(topic).quarantined += 1;
        quarantine_as(&mut self.transaction, self.reader, topic, position, why, message, self.now).await
    }

    /// Counts a message that is well formed and untrue.
    ///
    /// # Errors
    /// If a statement fails.
    pub async fn disbelieve(
        &mut self,
        topic: &'static TopicSpec,
        position: Position,
        code: ReasonCode,
    ) -> Result<(), StoreError> {
        self.of(topic).untrue += 1;
        disbelieve(&mut self.transaction, topic, position, code).await
    }

    /// Counts the outcome of a message, and returns the answer if it had an effect now.
    ///
    /// # Errors
    /// If a statement fails.
    pub async fn settle<A>(
        &mut self,
        topic: &'static TopicSpec,
        position: Position,
        outcome: Outcome<A>,
    ) -> Result<Option<A>, StoreError> {
        match outcome {
            Outcome::Handled(_) => self.of(topic).handled += 1,
            Outcome::Repeated => self.of(topic).repeated += 1,
            Outcome::Untrue(code) => self.disbelieve(topic, position, code).await?,
            Outcome::Begun(_) | Outcome::Quarantined => {}
        }
        Ok(outcome.answer())
    }

    fn of(&mut self, topic: &'static TopicSpec) -> &mut Counts {
        self.counts.entry(topic.name).or_default()
    }

    /// Commits, and then updates metrics, log and presence. Returns whether there are outgoing messages.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn commit(self, context: &Context, store: &Store) -> anyhow::Result<bool> {
        let publishes = self.transaction.publishes();
        self.transaction.commit().await?;
        for (topic, counts) in &self.counts {
            context.metrics.handled(topic, counts.handled);
            context.metrics.repeated(topic, counts.repeated);
            context.metrics.unreadable(topic, counts.quarantined);
        }
        if self.counts.values().any(|counts| counts.untrue > 0) {
            context.say_what_is_disbelieved(store).await?;
        }
        Ok(publishes)
    }
}

impl Deref for Batch {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

impl DerefMut for Batch {
    fn deref_mut(&mut self) -> &mut Transaction {
        &mut self.transaction
    }
}
