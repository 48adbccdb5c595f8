//! Everything that the speaker can change, in one document that every service follows.

use std::{collections::BTreeSet, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Moment, Service},
    topics::SubscriptionType,
};

/// Most couriers; each has a name.
pub const COURIERS_MAX: u32 = 20;
/// Slowest pace of a courier, in milliseconds per parcel.
pub const COURIER_PACE_MAX_MS: u32 = 10_000;
/// Most simulated orders per second.
pub const CROWD_MAX: u32 = 500;
/// Most workers of stock-level.
pub const WORKERS_MAX: u32 = 10;
/// Longest work on one stock event, in milliseconds.
pub const WORK_MAX_MS: u32 = 1_000;
/// The number of acts in the talk.
pub const ACTS: u8 = 8;
/// Most steps an act may have.
pub const STEPS_MAX: u8 = 20;
/// The highest version: the largest whole number that every reader of JSON keeps exactly.
pub const VERSION_MAX: u64 = (1 << 53) - 1;
/// The highest number of an episode.
pub const EPISODE_MAX: u32 = 999_999;
/// The longest id of an episode. It becomes part of a file's name.
pub const EPISODE_ID_MAX: usize = 40;

/// The settings: the last valid document on their compacted topic. A document with a value out of range cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct StageSettings {
    /// Counts the changes of this document, from 1 to [`VERSION_MAX`].
    pub version: u64,
    /// The running episode, from 1 to [`EPISODE_MAX`].
    pub episode: u32,
    /// Distinguishes this episode from one with the same number on another broker: a database records it and is set aside when
    /// it belongs to another. Empty until the broker is known.
    pub episode_id: String,
    /// When the episode began.
    pub began_at: Moment,
    #[serde(flatten)]
    pub choices: Choices,
}

/// A document as received, before its values are checked.
#[derive(Deserialize)]
struct Written {
    version: u64,
    episode: u32,
    /// Earlier versions called it `seal`.
    #[serde(alias = "seal")]
    episode_id: String,
    began_at: Moment,
    #[serde(flatten)]
    choices: Choices,
}

/// A setting that is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is out of range")]
pub struct OutOfRange(pub &'static str);

impl TryFrom<Written> for StageSettings {
    type Error = OutOfRange;

    fn try_from(written: Written) -> Result<Self, OutOfRange> {
        let Written { version, episode, episode_id, began_at, choices } = written;
        let is_plain = |episode_id: &str| episode_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let in_range = [
            ("version", (1..=VERSION_MAX).contains(&version)),
            ("episode", (1..=EPISODE_MAX).contains(&episode)),
            ("episode_id", (1..=EPISODE_ID_MAX).contains(&episode_id.len()) && is_plain(&episode_id)),
        ];
        first_out_of_range(&in_range)?;
        choices.check()?;
        Ok(StageSettings { version, episode, episode_id, began_at, choices })
    }
}

fn first_out_of_range(in_range: &[(&'static str, bool)]) -> Result<(), OutOfRange> {
    in_range.iter().find(|(_, holds)| !holds).map_or(Ok(()), |(name, _)| Err(OutOfRange(name)))
}

impl StageSettings {
    /// Whether both are of the same episode.
    pub fn are_of_episode(&self, other: &StageSettings) -> bool {
        (self.episode, &self.episode_id) == (other.episode, &other.episode_id)
    }

    /// Whether these are a later change of the same episode.
    pub fn follow(&self, known: &StageSettings) -> bool {
        self.are_of_episode(known) && self.version > known.version
    }
}

/// The version after this one. After the highest comes the first: a version counts, it does not rank.
pub const fn version_after(version: u64) -> u64 {
    if version >= VERSION_MAX { 1 } else { version + 1 }
}

/// The number of the next episode; after the highest comes the first.
pub const fn episode_after(episode: u32) -> u32 {
    if episode >= EPISODE_MAX { 1 } else { episode + 1 }
}

/// What the speaker can change while everything runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// How many couriers there are, at most [`COURIERS_MAX`].
    pub couriers: u32,
    /// How long a courier takes to deliver a parcel, in milliseconds.
    pub courier_pace_ms: u32,
    pub crowd: Crowd,
    pub stock_level: Folding,
    /// Services that do not consume for now. Not all can be paused: see [`Service::can_pause`].
    pub paused: BTreeSet<Service>,
    /// Whether fraud watch reads `orders`.
    pub fraud_watch: bool,
    /// Whether a beer that falls below its reorder point is restocked.
    pub restock: bool,
    /// Whether customers' names and addresses are shortened on every screen.
    pub hide_names: bool,
    /// The current act, 1 to [`ACTS`].
    pub act: Option<u8>,
    /// The current step of the act; 0 before the first one.
    pub step: u8,
}

impl Choices {
    /// The choices at a first start and after a reset: the defaults, with the numbers of `COURIERS`,
    /// `COURIER_PACE_MS` and `STOCK_WORKERS`. `number` reads such a variable, given its default and its limits.
    ///
    /// # Errors
    /// The first error of `number`.
    pub fn starting_from<E>(
        number: impl Fn(&'static str, u32, RangeInclusive<u32>) -> Result<u32, E>,
    ) -> Result<Self, E> {
        let usual = Choices::default();
        let workers = number("STOCK_WORKERS", usual.stock_level.workers, 1..=WORKERS_MAX)?;
        Ok(Choices {
            couriers: number("COURIERS", usual.couriers, 0..=COURIERS_MAX)?,
            courier_pace_ms: number("COURIER_PACE_MS", usual.courier_pace_ms, 0..=COURIER_PACE_MAX_MS)?,
            stock_level: Folding { workers, ..usual.stock_level },
            ..usual
        })
    }

    /// Checks that everything is within its limits.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let [work_from, work_to] = self.stock_level.work_ms;
        first_out_of_range(&[
            ("couriers", self.couriers <= COURIERS_MAX),
            ("courier_pace_ms", self.courier_pace_ms <= COURIER_PACE_MAX_MS),
            ("crowd.orders_per_second", self.crowd.orders_per_second <= CROWD_MAX),
            ("stock_level.workers", (1..=WORKERS_MAX).contains(&self.stock_level.workers)),
            ("stock_level.work_ms", work_from <= work_to && work_to <= WORK_MAX_MS),
            ("paused", self.paused.iter().all(|service| service.can_pause())),
            ("act", self.act.is_none_or(|act| (1..=ACTS).contains(&act))),
            ("step", self.step <= STEPS_MAX),
        ])
    }
}

impl Default for Choices {
    fn default() -> Self {
        Choices {
            couriers: 3,
            courier_pace_ms: 2_000,
            crowd: Crowd::default(),
            stock_level: Folding::default(),
            paused: BTreeSet::new(),
            fraud_watch: false,
            restock: true,
            hide_names: false,
            act: None,
            step: 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Crowd {
    /// Orders per second, at most [`CROWD_MAX`].
    pub orders_per_second: u32,
    /// The share of orders that look like fraud.
    pub suspicious: Share,
    /// The share of orders to an address that cannot be found.
    pub undeliverable: Share,
}

/// A share, from 0 to 1, to the ten-thousandth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(u16);

/// A number that is not a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a share is a number from 0 to 1")]
pub struct NotAShare;

impl Share {
    const WHOLE: u16 = 10_000;

    /// In tenths of a percent, rounded down: 25 of 2.5 %.
    pub fn tenths_of_percent(self) -> u64 {
        u64::from(self.0) / 10
    }

    /// Whether the `n`th of many belongs to it: evenly spread, without chance.
    pub fn takes(self, n: u64) -> bool {
        let share = u64::from(self.0);
        let whole = u64::from(Self::WHOLE);
        (n % whole + 1) * share / whole > (n % whole) * share / whole
    }
}

impl TryFrom<f64> for Share {
    type Error = NotAShare;

    fn try_from(share: f64) -> Result<Self, NotAShare> {
        if !(0.0..=1.0).contains(&share) {
            return Err(NotAShare);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10,000, see above")]
        Ok(Share((share * f64::from(Self::WHOLE)).round() as u16))
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> f64 {
        f64::from(share.0) / f64::from(Share::WHOLE)
    }
}

/// How stock-level folds the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Folding {
    /// The type of its subscription.
    pub subscription: SubscriptionType,
    /// How many workers there are, at least one.
    pub workers: u32,
    /// How events become levels.
    pub fold: Fold,
    /// How long an event takes to handle, from and to, in milliseconds; drawn from the event itself.
    pub work_ms: [u32; 2],
}

impl Default for Folding {
    fn default() -> Self {
        Folding { subscription: SubscriptionType::Failover, workers: 2, fold: Fold::Versioned, work_ms: [0, 0] }
    }
}

/// How events become levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// Last write wins, regardless of the sequence: as most people write it, and right only if events are handled
    /// in order.
    Naive,
    /// Older sequences are ignored: right for any order of events.
    Versioned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_takes_as_many_as_it_says() {
        for share in [0.0, 0.05, 0.333, 1.0] {
            let taken = (0..10_000).filter(|n| Share::try_from(share).unwrap().takes(*n)).count();
            assert_eq!(taken as f64 / 10_000.0, share);
        }
        assert_eq!(Share::try_from(1.01), Err(NotAShare));
        assert_eq!(Share::try_from(f64::NAN), Err(NotAShare));
        assert_eq!(f64::from(Share::try_from(0.05).unwrap()), 0.05);
    }

    #[test]
    fn a_document_without_choices_has_the_usual_ones() {
        let old = r#"{"version":1,"episode":1,"seal":"5f3a9c","began_at":"2026-11-24T20:41:07Z"}"#;
        let settings: StageSettings = serde_json::from_str(old).unwrap();
        assert_eq!(settings.choices, Choices::default());
        assert_eq!(settings.episode_id, "5f3a9c", "as earlier versions wrote it");
    }

    fn document(field: &str, value: &str) -> Result<StageSettings, String> {
        let mut document = serde_json::to_value(StageSettings {
            version: 7,
            episode: 3,
            episode_id: "5f3a9c".into(),
            began_at: Moment::from_micros(1_795_549_267_112_345),
            choices: Choices { act: Some(2), ..Choices::default() },
        })
        .unwrap();
        let changed = document.pointer_mut(&format!("/{}", field.replace('.', "/"))).unwrap();
        *changed = serde_json::from_str(value).unwrap();
        serde_json::from_str(&document.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_document_with_any_value_out_of_range_cannot_be_read() {
        for (field, value) in [
            ("version", "0"),
            ("version", "9007199254740992"),
            ("version", "18446744073709551615"),
            ("episode", "0"),
            ("episode", "1000000"),
            ("episode", "4294967295"),
            ("episode_id", "\"\""),
            ("episode_id", "\"../../etc\""),
            ("episode_id", "\"0123456789-0123456789-0123456789-01234567\""),
            ("couriers", "21"),
            ("couriers", "4294967295"),
            ("courier_pace_ms", "10001"),
            ("crowd.orders_per_second", "501"),
            ("stock_level.workers", "0"),
            ("stock_level.workers", "11"),
            ("stock_level.work_ms", "[60, 5]"),
            ("stock_level.work_ms", "[0, 1001]"),
            ("paused", "[\"website\"]"),
            ("act", "0"),
            ("act", "9"),
            ("step", "21"),
        ] {
            let refused = document(field, value).unwrap_err();
            assert_eq!(refused, format!("{field} is out of range"), "{value}");
        }
        for (field, value) in [
            ("version", "9007199254740991"),
            ("episode", "999999"),
            ("episode_id", "\"test-0a1B\""),
            ("couriers", "20"),
            ("stock_level.work_ms", "[1000, 1000]"),
            ("paused", "[\"delivery\"]"),
            ("act", "null"),
            ("step", "20"),
        ] {
            assert!(document(field, value).is_ok(), "{field}: {value}");
        }
    }

    #[test]
    fn counting_never_leaves_the_range() {
        assert_eq!((version_after(7), version_after(VERSION_MAX)), (8, 1));
        assert_eq!((episode_after(3), episode_after(EPISODE_MAX)), (4, 1));
    }

    #[test]
    fn only_a_later_change_of_the_same_episode_follows() {
        let known = StageSettings { version: 9, episode: 2, episode_id: "a".into(), ..StageSettings::default() };
        assert!(StageSettings { version: 10, ..known.clone() }.follow(&known));
        assert!(!known.follow(&known));
        assert!(!StageSettings { version: 10, episode_id: "b".into(), ..known.clone() }.follow(&known));
        assert!(!StageSettings { version: 10, episode: 3, ..known.clone() }.follow(&known));
    }
}
