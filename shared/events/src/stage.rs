//! The control plane besides the settings: commands, questions and answers, and presence.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Moment, OrderId, Service},
    limits::{self, TEXT_MAX},
    past::{AsOf, PastAnswer, PastQuestion},
    unreadable::Disbelieved,
};

/// A command to a service. It is not stored: a service that is not running misses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCommand {
    /// The service that carries it out.
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
        /// The courier or worker; `None` for the whole process.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<String>,
    },
    /// Fold the topics again from their first message and compare with the live aggregates.
    Rebuild,
}

/// A question from the website to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageQuery {
    /// Links the answer to the question.
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
    /// To stock-level: fold the levels afresh from the log, and answer when that is done, so that the errors of one mode
    /// are not blamed on the next.
    FoldAfresh,
    /// To inventory-analysis: what was the state at this moment?
    AsOf { at: Moment },
    /// To inventory-analysis: an ad hoc question.
    Past { question: PastQuestion },
}

impl Question {
    /// How long the asker waits: some questions read the whole log, others take milliseconds. A
    /// question that is older when it is read is not answered.
    pub const fn answered_within(&self) -> Duration {
        Duration::from_secs(match self {
            Question::AsOf { .. } => 2,
            Question::FoldAfresh => 10,
            Question::Past { .. } => 60,
        })
    }
}

impl StageQuery {
    /// Whether the asker has given up.
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
    /// The answer, or why there is none.
    pub answer: Answer,
}

/// An answer, or the reason why there is none.
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
    /// The version of the settings it follows.
    pub settings_version: u64,
    pub state: ServiceState,
    /// When this process started: a new value is a new process.
    pub started_at: Moment,
    /// When this was sent.
    pub at: Moment,
    /// Its couriers or workers, all of them.
    #[serde(flatten)]
    pub staff: Staff,
    /// Topics on which messages wait for it although it receives none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing_still: Vec<String>,
    /// What it does not believe, by topic and reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disbelieved: Vec<Disbelieved>,
}

/// The couriers or workers of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Staff {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub couriers: Vec<CourierState>,
    /// Of stock-level, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<String>,
}

/// How often a service announces its presence, in milliseconds.
pub const PRESENCE_EVERY_MS: u64 = 500;
/// A service that was silent for this long counts as gone, in milliseconds.
pub const PRESENCE_GONE_AFTER_MS: i64 = 2000;

/// The state of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    Starting,
    Running,
    /// Alive, not consuming, because the settings say so.
    Paused,
}

/// One courier and the parcel it carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourierState {
    pub courier: String,
    /// The parcel it carries, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrying: Option<Carrying>,
    /// How many it has delivered since it was hired.
    pub delivered: u64,
}

/// A parcel that a courier carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrying {
    pub order_id: OrderId,
    pub round: u32,
    pub attempt: u32,
    pub since: Moment,
    /// When the courier arrives.
    pub until: Moment,
}
