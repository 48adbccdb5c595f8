//! The trace of a message, in the format of the W3C header `traceparent`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::EventId;

/// The length of a `traceparent` of version 00, which later versions begin with.
const LENGTH: usize = 55;

/// The trace of one order through all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A position in a trace: whatever follows from it is its child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceContext {
    pub trace_id: TraceId,
    /// The parent span of what follows.
    pub span_id: u64,
    /// Whether the spans of this trace are recorded.
    pub sampled: bool,
}

/// Text that is not a `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a traceparent is written as in 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
pub struct NotATraceparent;

impl TraceContext {
    /// The trace of a message that has none. All readers of the message derive the same one. No span of any process has its
    /// span id.
    pub fn of_event(event_id: &EventId) -> Self {
        // FNV-1a, 128 bits: well distributed, without a dependency; secrecy does not matter.
        const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        let hash = event_id.as_str().bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
        let low_half = u64::try_from(hash & u128::from(u64::MAX)).unwrap_or(1);
        // Ids must not be zero.
        TraceContext { trace_id: TraceId(hash | 1), span_id: low_half | 1, sampled: true }
    }
}

impl FromStr for TraceContext {
    type Err = NotATraceparent;

    fn from_str(text: &str) -> Result<Self, NotATraceparent> {
        let (known, later) = text.split_at_checked(LENGTH).ok_or(NotATraceparent)?;
        let mut parts = known.split('-');
        let mut hex = |digits: usize| {
            let is_hex = |part: &&str| {
                part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            };
            let part = parts.next().filter(is_hex).ok_or(NotATraceparent)?;
            u128::from_str_radix(part, 16).map_err(|_| NotATraceparent)
        };
        let (version, trace_id, span_id, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let span_id = u64::try_from(span_id).map_err(|_| NotATraceparent)?;
        let ends = later.is_empty() || (version != 0 && later.starts_with('-'));
        if version == 0xff || trace_id == 0 || span_id == 0 || !ends {
            return Err(NotATraceparent);
        }
        Ok(TraceContext { trace_id: TraceId(trace_id), span_id, sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TraceContext { trace_id, span_id, sampled } = self;
        write!(f, "00-{trace_id}-{span_id:016x}-{:02x}", u8::from(*sampled))
    }
}

impl TryFrom<String> for TraceContext {
    type Error = NotATraceparent;

    fn try_from(text: String) -> Result<Self, NotATraceparent> {
        text.parse()
    }
}

impl From<TraceContext> for String {
    fn from(context: TraceContext) -> String {
        context.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_traceparent_is_read_as_the_standard_says() {
        for (flags, sampled) in [("01", true), ("00", false), ("03", true), ("02", false)] {
            let context: TraceContext = format!("00-{TRACE}-{SPAN}-{flags}").parse().unwrap();
            assert_eq!((context.trace_id.to_string(), context.sampled), (TRACE.to_owned(), sampled));
            assert_eq!(context.to_string(), format!("00-{TRACE}-{SPAN}-0{}", u8::from(sampled)));
        }
        assert!(format!("01-{TRACE}-{SPAN}-01-what-comes-later").parse::<TraceContext>().is_ok());
        let zeros = |digits: usize| "0".repeat(digits);
        for wrong in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("01-{TRACE}-{SPAN}-01x"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", zeros(32)),
            format!("00-{TRACE}-{}-01", zeros(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-é"),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!("00_{TRACE}_{SPAN}_01"),
        ] {
            assert_eq!(wrong.parse::<TraceContext>(), Err(NotATraceparent), "{wrong}");
        }
    }

    #[test]
    fn the_trace_of_a_message_without_one_depends_on_its_id_only() {
        let of = |id: &str| TraceContext::of_event(&EventId::new(id));
        assert_eq!(of("m-12:7"), of("m-12:7"));
        assert_ne!(of("m-12:7").trace_id, of("m-12:8").trace_id);
        assert_eq!(of("m-12:7").to_string().parse(), Ok(of("m-12:7")));
    }
}
