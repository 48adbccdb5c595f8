//! The moment something happened.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment, in microseconds since 1970 (UTC); in JSON an RFC 3339 text such as `2026-11-24T20:41:07.112000Z`.
///
/// It is always between [`Moment::MIN`] and [`Moment::MAX`], so that every moment can be written and read without loss.
/// Text beyond them is not a moment; arithmetic stops at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

/// Text that is not a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a moment is a time such as 2026-11-24T20:41:07.112Z, from 1970 to 9999")]
pub struct NotAMoment;

impl Moment {
    /// The first moment: 1970-01-01T00:00:00Z. It stands for "not known" where a moment is required.
    pub const MIN: Moment = Moment(0);
    /// The last moment: 9999-12-31T23:59:59.999999Z.
    pub const MAX: Moment = Moment(253_402_300_799_999_999);

    /// This many microseconds since 1970, or the nearest possible moment.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Moment::MIN.0 {
            Moment::MIN
        } else if micros > Moment::MAX.0 {
            Moment::MAX
        } else {
            Moment(micros)
        }
    }

    /// This many milliseconds since 1970; `None` if that is not a moment.
    pub fn of_millis(millis: i64) -> Option<Self> {
        let micros = millis.checked_mul(1000)?;
        (Moment::MIN.0..=Moment::MAX.0).contains(&micros).then_some(Moment(micros))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Its minute, counted since 1970.
    pub const fn minute(self) -> i64 {
        self.0.div_euclid(60_000_000)
    }

    /// This many milliseconds later, or the nearest possible moment.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Moment::from_micros(self.0.saturating_add(millis.saturating_mul(1000)))
    }

    /// How many microseconds this is after `earlier`; negative if it is before.
    pub const fn micros_since(self, earlier: Moment) -> i64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000).map_err(|_| fmt::Error)?;
        let (date, time) = (at.date(), at.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.microsecond()
        )
    }
}

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| NotAMoment)?;
        let micros = i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).map_err(|_| NotAMoment)?;
        let there_is = (Moment::MIN.0..=Moment::MAX.0).contains(&micros);
        if there_is { Ok(Moment(micros)) } else { Err(NotAMoment) }
    }
}

impl TryFrom<String> for Moment {
    type Error = NotAMoment;

    fn try_from(text: String) -> Result<Self, NotAMoment> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_is_written_and_read_back_to_the_microsecond() {
        let moment = Moment::from_micros(1_795_552_867_112_345);
        assert_eq!(moment.to_string(), "2026-11-24T20:41:07.112345Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!("2026-11-24T21:41:07.112345+01:00".parse(), Ok(moment));
        assert_eq!("yesterday".parse::<Moment>(), Err(NotAMoment));
    }

    #[test]
    fn there_are_moments_from_1970_to_9999_and_no_others() {
        assert_eq!("1970-01-01T00:00:00.000000Z".parse(), Ok(Moment::MIN));
        assert_eq!("9999-12-31T23:59:59.999999Z".parse(), Ok(Moment::MAX));
        for text in [
            "9999-12-31T23:59:59-23:59",
            "1970-01-01T00:00:00+00:01",
            "1969-12-31T23:59:59.9999999Z",
            "0999-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(NotAMoment), "{text}");
        }
        assert_eq!(Moment::of_millis(-1), None);
        assert_eq!(Moment::of_millis(i64::MAX), None);
        assert_eq!(Moment::of_millis(253_402_300_799_999).map(Moment::millis), Some(253_402_300_799_999));
    }

    proptest! {
        #[test]
        fn every_moment_is_written_and_read_back(micros: i64, millis: i64) {
            let moment = Moment::from_micros(micros);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            let later = moment.plus_millis(millis);
            prop_assert_eq!(later.to_string().parse(), Ok(later));
            prop_assert!((Moment::MIN..=Moment::MAX).contains(&later));
            prop_assert_eq!(later.micros_since(moment), -moment.micros_since(later));
        }

        #[test]
        fn every_text_that_is_a_moment_is_written_as_itself(
            year in 0..=9999_u32, month in 1..=12_u32, day in 1..=28_u32, hour in 0..24_u32, minute in 0..60_u32,
            fraction in "(\\.[0-9]{1,9})?", offset in "Z|[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]"
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:59{fraction}{offset}");
            if let Ok(moment) = text.parse::<Moment>() {
                prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            } else {
                prop_assert!(year <= 1970 || year == 9999, "{}", text);
            }
        }
    }
}
