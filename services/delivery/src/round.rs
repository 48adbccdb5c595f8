//! The pure core: what an attempt to deliver leads to, and a request about a stranded parcel.
//!
//! A round is a series of attempts with growing delays; a redrive begins a new round. There is no clock, no database and no
//! messages: a delay is a number here, and the handler turns it into a time.

use events::{
    delivery::{DeadLetter, DeliveryOrder, DeliveryRequest, FailureReason, cannot_be_found},
    orders::{ADDRESS_MAX, Problem, text_problem},
    unreadable::ReasonCode,
};

/// How many attempts a round has, and how far apart they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    pub attempts: u32,
    /// Delay before the second attempt; each later delay is twice the one before.
    pub first_delay_ms: u32,
}

impl RetryPolicy {
    /// The delay after this failed attempt.
    pub fn delay_ms(self, attempt: u32) -> i64 {
        // No round is this long, but a forged attempt must not overflow.
        const DOUBLINGS_MAX: u32 = 20;
        i64::from(self.first_delay_ms) << attempt.saturating_sub(1).min(DOUBLINGS_MAX)
    }
}

/// What the database holds about a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// How far it has come.
    pub state: State,
    pub round: u32,
    /// How many attempts of this round have an outcome.
    pub attempts: u32,
}

/// How far a parcel has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// In the queue, or with a courier.
    UnderWay {
        /// The task that was queued for it; `None` if an earlier version wrote the row.
        next: Option<DeliveryOrder>,
    },
    Delivered,
    /// Undeliverable; a person decides.
    Stranded {
        /// The task that failed last.
        task: DeliveryOrder,
    },
    /// Its bottles went back. Final.
    Returned,
}

/// What an attempt leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// It is tried again.
    Failed {
        reason: FailureReason,
        next: DeliveryOrder,
        /// Delay before the next attempt.
        delay_ms: i64,
    },
    /// It was the last attempt of the round.
    Stranded {
        reason: FailureReason,
    },
}

/// Why a task is not the next one for its parcel: nothing is left to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotItsTurn {
    /// A repeat, or a forgery.
    #[error("the customer has it already")]
    Delivered,
    /// A person decides about it.
    #[error("it is stranded")]
    Stranded,
    /// Its bottles went back.
    #[error("it was returned")]
    Returned,
    /// This attempt has an outcome already, or is not due.
    #[error("round {round}, attempt {attempt} comes next")]
    AnotherComesNext {
        /// The round it is in.
        round: u32,
        /// The attempt that comes next.
        attempt: u32,
    },
    /// It is the next attempt, but differs from the task that was queued for it.
    #[error("another task was queued for this attempt")]
    NotQueued,
}

impl NotItsTurn {
    /// Why such a task is untrue; `None` if it is a repeat.
    pub fn untrue(self, parcel: Option<&Parcel>, task: &DeliveryOrder) -> Option<ReasonCode> {
        let is_again = |parcel: &Parcel| (task.round, task.attempt) <= (parcel.round, parcel.attempts);
        match self {
            _ if parcel.is_some_and(is_again) => None,
            NotItsTurn::Delivered | NotItsTurn::Returned => Some(ReasonCode::SecondOutcome),
            NotItsTurn::Stranded | NotItsTurn::AnotherComesNext { .. } | NotItsTurn::NotQueued => {
                Some(ReasonCode::DoesNotFollow)
            }
        }
    }
}

/// A request that changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// The database does not have it: no such order was ever given to the couriers.
    #[error("the order is not known here")]
    Unknown,
    /// There is nothing to decide about.
    #[error("the order is not stranded")]
    NotStranded,
    /// The corrected address breaks the rules for addresses.
    #[error("the corrected address {0}")]
    Address(Problem),
}

/// Whether this is the task that the parcel waits for: exactly the next attempt of its round, so that no attempt has two
/// outcomes, and from the second attempt on exactly the task that was queued.
///
/// Whether the order was accepted cannot be told here: the first attempt of an unknown parcel is taken as it
/// is.
///
/// # Errors
/// If it is not.
pub fn is_its_turn(parcel: Option<&Parcel>, task: &DeliveryOrder) -> Result<(), NotItsTurn> {
    let Some(Parcel { state, round, attempts }) = parcel else {
        let is_first = (task.round, task.attempt) == (1, 1);
        return if is_first { Ok(()) } else { Err(NotItsTurn::AnotherComesNext { round: 1, attempt: 1 }) };
    };
    match state {
        State::Delivered => Err(NotItsTurn::Delivered),
        State::Stranded { .. } => Err(NotItsTurn::Stranded),
        State::Returned => Err(NotItsTurn::Returned),
        State::UnderWay { next: queued } => {
            let next = attempts.saturating_add(1);
            if (task.round, task.attempt) != (*round, next) {
                return Err(NotItsTurn::AnotherComesNext { round: *round, attempt: next });
            }
            let is_queued = queued.as_ref().is_none_or(|queued| queued == task);
            if is_queued { Ok(()) } else { Err(NotItsTurn::NotQueued) }
        }
    }
}

/// What this attempt leads to.
///
/// # Errors
/// If it is not its turn.
pub fn decide(parcel: Option<&Parcel>, task: &DeliveryOrder, retry_policy: RetryPolicy) -> Result<Outcome, NotItsTurn> {
    is_its_turn(parcel, task)?;
    if !cannot_be_found(&task.address) {
        return Ok(Outcome::Delivered);
    }
    let reason = FailureReason::AddressNotFound;
    if task.attempt >= retry_policy.attempts {
        return Ok(Outcome::Stranded { reason });
    }
    let next = DeliveryOrder { attempt: task.attempt.saturating_add(1), ..task.clone() };
    Ok(Outcome::Failed { reason, next, delay_ms: retry_policy.delay_ms(task.attempt) })
}

/// The parcel after this outcome.
pub fn after(outcome: &Outcome, task: &DeliveryOrder) -> Parcel {
    let state = match outcome {
        Outcome::Delivered => State::Delivered,
        Outcome::Failed { next, .. } => State::UnderWay { next: Some(next.clone()) },
        Outcome::Stranded { .. } => State::Stranded { task: task.clone() },
    };
    Parcel { state, round: task.round, attempts: task.attempt }
}

/// Whether a dead letter agrees with the database. A letter is written with the outcome that stranded its parcel, so the
/// database always knows first.
///
/// # Errors
/// Why it is not believed.
pub fn judge_letter(parcel: Option<&Parcel>, letter: &DeadLetter) -> Result<(), ReasonCode> {
    let Parcel { state, round, attempts } = parcel.ok_or(ReasonCode::UnknownOrder)?;
    let DeadLetter { order_id, attempts: tried, payload, .. } = letter;
    if *order_id != payload.order_id || *tried != payload.attempt {
        return Err(ReasonCode::DoesNotFollow);
    }
    if payload.round < *round {
        // It has been redriven since: the database no longer has that round.
        return Ok(());
    }
    let is_this = (payload.round, payload.attempt) == (*round, *attempts);
    match state {
        State::Stranded { task } if task == payload => Ok(()),
        State::Returned if is_this => Ok(()),
        State::Delivered | State::Returned => Err(ReasonCode::SecondOutcome),
        State::Stranded { .. } | State::UnderWay { .. } => Err(ReasonCode::NotStranded),
    }
}

/// A person's decision about a stranded parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A new round begins with this task.
    Redriven { task: DeliveryOrder },
    /// The bottles of this task go back.
    Returned {
        /// The task that failed last.
        task: DeliveryOrder,
    },
}

impl Decision {
    /// The parcel after it.
    pub fn parcel(&self) -> Parcel {
        match self {
            Decision::Redriven { task } => {
                Parcel { state: State::UnderWay { next: Some(task.clone()) }, round: task.round, attempts: 0 }
            }
            Decision::Returned { task } => Parcel { state: State::Returned, round: task.round, attempts: task.attempt },
        }
    }
}

/// What a request does to this parcel.
///
/// # Errors
/// Why it is ignored.
pub fn answer(parcel: Option<&Parcel>, request: &DeliveryRequest) -> Result<Decision, Ignored> {
    let parcel = parcel.ok_or(Ignored::Unknown)?;
    let Parcel { state: State::Stranded { task }, round, .. } = parcel else {
        return Err(Ignored::NotStranded);
    };
    match request {
        DeliveryRequest::ReturnToStock { .. } => Ok(Decision::Returned { task: task.clone() }),
        DeliveryRequest::Redrive { address, .. } => {
            let address = address.as_ref().unwrap_or(&task.address).clone();
            if let Some(problem) = text_problem(&address, ADDRESS_MAX) {
                return Err(Ignored::Address(problem));
            }
            let task = DeliveryOrder { round: round.saturating_add(1), attempt: 1, address, ..task.clone() };
            Ok(Decision::Redriven { task })
        }
    }
}

#[cfg(test)]
mod tests;
