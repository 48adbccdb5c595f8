//! Messages that a consumer cannot read or does not believe.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{Moment, Service};

/// Most bytes of an undecodable message that are kept.
pub const FIRST_BYTES_MAX: usize = 120;

/// Why a message has no effect. The names are stable: programs and translations use them.
///
/// The first ones are for messages that are malformed or out of range and go to `unreadable`. The others are for messages
/// that are well formed but untrue: they are counted, see [`Disbelieved`], and go to `unreadable` only if they waited for
/// their cause in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Not a message of its topic.
    #[default]
    Undecodable,
    /// A message of its topic with a value outside its range.
    OutOfRange,
    TooLarge,
    /// About an order that its reader does not know.
    UnknownOrder,
    /// About a beer that is not in the catalogue.
    UnknownBeer,
    /// About an order whose decision is not known.
    NotDecided,
    /// A second decision about an order that differs from the first.
    SecondDecision,
    /// The order has its outcome: refused, delivered or returned.
    SecondOutcome,
    /// A return of bottles that are not out: the order was refused, delivered, or is back already.
    NotGivenOut,
    /// A return of other bottles than the order was given.
    OtherBottles,
    /// A step that does not follow: the wrong attempt of a parcel, or a gap in the log of a beer.
    DoesNotFollow,
    /// The level of an event is not the sum of the log up to it.
    NotTheSum,
    /// A dead letter or a request about a parcel that is not stranded.
    NotStranded,
}

impl ReasonCode {
    /// All codes, in the order above.
    pub const ALL: [ReasonCode; 13] = [
        ReasonCode::Undecodable,
        ReasonCode::OutOfRange,
        ReasonCode::TooLarge,
        ReasonCode::UnknownOrder,
        ReasonCode::UnknownBeer,
        ReasonCode::NotDecided,
        ReasonCode::SecondDecision,
        ReasonCode::SecondOutcome,
        ReasonCode::NotGivenOut,
        ReasonCode::OtherBottles,
        ReasonCode::DoesNotFollow,
        ReasonCode::NotTheSum,
        ReasonCode::NotStranded,
    ];

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            ReasonCode::Undecodable => "undecodable",
            ReasonCode::OutOfRange => "out_of_range",
            ReasonCode::TooLarge => "too_large",
            ReasonCode::UnknownOrder => "unknown_order",
            ReasonCode::UnknownBeer => "unknown_beer",
            ReasonCode::NotDecided => "not_decided",
            ReasonCode::SecondDecision => "second_decision",
            ReasonCode::SecondOutcome => "second_outcome",
            ReasonCode::NotGivenOut => "not_given_out",
            ReasonCode::OtherBottles => "other_bottles",
            ReasonCode::DoesNotFollow => "does_not_follow",
            ReasonCode::NotTheSum => "not_the_sum",
            ReasonCode::NotStranded => "not_stranded",
        }
    }

    /// The code with this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many messages of a topic a service does not believe, and why. Each service reports its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Disbelieved {
    /// The topic they were read from.
    pub topic: String,
    /// Why they have no effect.
    pub code: ReasonCode,
    /// How many there are in this episode.
    pub count: u64,
}

/// A message that could not be read, or whose cause did not come in time: quarantined so that others can be handled, and
/// shown among the dead letters. It never counts as an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// The topic it was read from.
    pub topic: String,
    /// Its message id there, as `ledger:entry` or `ledger:entry:index`.
    pub message_id: String,
    /// The service that could not read it.
    pub reader: Service,
    /// Why, for programs; messages from before there were codes could not be decoded.
    #[serde(default)]
    pub code: ReasonCode,
    pub reason: String,
    /// Its first bytes as text, whatever is not printable as `\xNN`.
    pub first_bytes: String,
    /// When it was quarantined.
    pub at: Moment,
}

/// The first [`FIRST_BYTES_MAX`] bytes as text that can be shown anywhere: printable ASCII as it is, the rest escaped.
pub fn first_bytes(payload: &[u8]) -> String {
    let head = payload.get(..FIRST_BYTES_MAX).unwrap_or(payload);
    head.iter().fold(String::with_capacity(head.len()), |mut text, &byte| {
        if byte == b' ' || byte.is_ascii_graphic() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("\\x{byte:02x}"));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_one_name() {
        for code in ReasonCode::ALL {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
            assert_eq!(ReasonCode::find(code.name()), Some(code));
        }
    }

    #[test]
    fn a_message_from_before_there_were_codes_is_read() {
        let old = r#"{"topic":"orders","message_id":"1:2","reader":"warehouse","reason":"undecodable: x",
            "first_bytes":"x","at":"2026-11-24T20:41:07.112345Z"}"#;
        assert_eq!(serde_json::from_str::<Unreadable>(old).unwrap().code, ReasonCode::Undecodable);
    }

    #[test]
    fn first_bytes_can_be_shown_anywhere() {
        assert_eq!(first_bytes(b"{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(first_bytes(b"\x00\xffab\n"), "\\x00\\xffab\\x0a");
        assert_eq!(first_bytes(&[b'a'; 500]).len(), FIRST_BYTES_MAX);
    }
}
