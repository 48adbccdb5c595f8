//! What the stage is made of beside its settings: commands, questions and answers, and who is there doing what.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Moment, OrderId, Service},
    limits::{self, TEXT_MAX},
    past::{AsOf, PastAnswer, PastQuestion},
    unreadable::Disbelieved,
};

/// What is an event rather than a setting. It is not stored: a service that does not listen misses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCommand {
    /// Which service carries it out.
    pub service: Service,
    pub command: Command,
    /// When it was issued.
    pub issued_at: Moment,
}

/// The commands there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Command {
    /// End at once, without cleaning up: the process, or one courier or worker of it.
    Crash {
        /// The courier or worker; the whole process without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<String>,
    },
    /// Fold the topics again from their first message and compare with the live aggregates.
    Rebuild,
}

/// A question from the website to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageQuery {
    /// Ties the answer to it.
    pub correlation_id: String,
    pub service: Service,
    pub question: Question,
    /// When it was asked.
    pub asked_at: Moment,
}

/// The questions there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Question {
    /// To stock-level: fold the levels afresh from the log, and say when that is done. So one mode's errors are not
    /// counted to the next.
    FoldAfresh,
    /// To inventory-analysis: how was it then?
    AsOf { at: Moment },
    /// To inventory-analysis: something it kept no aggregate for.
    Past { question: PastQuestion },
}

impl Question {
    /// How long an answer is waited for: for some the whole log is read, others take milliseconds. A
    /// question that is older when it is read is not worth an answer any more.
    pub const fn answered_within(&self) -> Duration {
        Duration::from_secs(match self {
            Question::AsOf { .. } => 2,
            Question::FoldAfresh => 10,
            Question::Past { .. } => 60,
        })
    }
}

impl StageQuery {
    /// Whether nobody waits for the answer any more.
    pub fn is_over(&self, now: Moment) -> bool {
        let age = now.micros_since(self.asked_at);
        u128::try_from(age).is_ok_and(|age| age > self.question.answered_within().as_micros())
    }
}

/// An answer to a [`StageQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageAnswer {
    pub correlation_id: String,
    pub service: Service,
    /// What, or why not.
    pub answer: Answer,
}

/// What was found, or why nothing was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Answer {
    Done,
    AsOf(AsOf),
    /// What the log says.
    Past(PastAnswer),
    Failed {
        #[serde(serialize_with = "limits::shorten::<TEXT_MAX, _>")]
        reason: String,
    },
}

/// "I am here": every half second, from every service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub service: Service,
    pub episode: u32,
    /// Which version of the settings it obeys.
    pub settings_version: u64,
    /// What it is doing.
    pub state: ServiceState,
    /// When this process started: a new value is a new process.
    pub started_at: Moment,
    /// When this was said.
    pub at: Moment,
    /// Exactly those it employs.
    #[serde(flatten)]
    pub staff: Staff,
    /// The topics on which messages wait for it although it gets none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing_still: Vec<String>,
    /// What it does not believe, by topic and reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disbelieved: Vec<Disbelieved>,
}

/// Those who do the work of a service, where it is done by several.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Staff {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub couriers: Vec<CourierState>,
    /// Of stock-level, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<String>,
}

/// How often a service says that it is there, in milliseconds.
pub const PRESENCE_EVERY_MS: u64 = 500;
/// After this long without a word a service counts as gone, in milliseconds.
pub const PRESENCE_GONE_AFTER_MS: i64 = 2000;

/// What a service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    Starting,
    Running,
    /// Alive, not consuming, because the settings say so.
    Paused,
}

/// One courier and what is in their hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourierState {
    pub courier: String,
    /// The parcel they carry, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrying: Option<Carrying>,
    /// How many they delivered since they were hired.
    pub delivered: u64,
}

/// A parcel in a courier's hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrying {
    pub order_id: OrderId,
    pub round: u32,
    pub attempt: u32,
    pub since: Moment,
    /// When they will be there.
    pub until: Moment,
}
