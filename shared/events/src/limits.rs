//! How large a message and its parts may be. The limits apply to reading and writing, so that no
//! service writes what another cannot read.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serializer,
    de::{Error, MapAccess, SeqAccess, Unexpected, Visitor},
};

/// Largest message, in bytes of JSON.
pub const MESSAGE_MAX: usize = 64 * 1024;
/// Longest text in a message, in characters. Most fields have a shorter limit of their own.
pub const TEXT_MAX: usize = 500;
/// Most entries of a list, and most fields of an object.
pub const LIST_MAX: usize = 100;
/// Largest number, and its negative the smallest: what every language reads exactly from JSON.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;
/// Deepest nesting of lists and objects.
pub const DEPTH_MAX: u8 = 12;

/// Why a message is not within the limits, or is not JSON.
pub type BeyondLimits = serde_json::Error;

/// Checks that a message is JSON and within the limits, whatever its type. It allocates almost nothing.
///
/// # Errors
/// The limit that it exceeds, and where.
pub fn check(json: &[u8]) -> Result<(), BeyondLimits> {
    if json.len() > MESSAGE_MAX {
        return Err(BeyondLimits::custom(format_args!("{} bytes, more than {MESSAGE_MAX}", json.len())));
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    reader.deserialize_any(Within(DEPTH_MAX))?;
    reader.end()
}

/// The text, or as much of it as fits, with `…` for the rest.
pub fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Checks one value, in which this many more levels may be nested.
#[derive(Clone, Copy)]
struct Within(u8);

impl<'de> serde::de::DeserializeSeed<'de> for Within {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Within {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let too_deep = || E::custom(format_args!("nested more than {DEPTH_MAX} deep"));
        self.0.checked_sub(1).map(Within).ok_or_else(too_deep)
    }
}

impl<'de> Visitor<'de> for Within {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number up to {NUMBER_MAX}")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        if number <= NUMBER_MAX { Ok(()) } else { Err(E::invalid_value(Unexpected::Unsigned(number), &self)) }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        if number.unsigned_abs() <= NUMBER_MAX {
            Ok(())
        } else {
            Err(E::invalid_value(Unexpected::Signed(number), &self))
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match text.char_indices().nth(TEXT_MAX) {
            None => Ok(()),
            Some(_) => Err(E::custom(format_args!("a text of more than {TEXT_MAX} characters"))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        for _ in 0..LIST_MAX {
            if list.next_element_seed(inside)?.is_none() {
                return Ok(());
            }
        }
        match list.next_element_seed(inside)? {
            None => Ok(()),
            Some(()) => Err(A::Error::custom(format_args!("a list of more than {LIST_MAX}"))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        for _ in 0..=LIST_MAX {
            if object.next_key_seed(inside)?.is_none() {
                return Ok(());
            }
            object.next_value_seed(inside)?;
        }
        Err(A::Error::custom(format_args!("an object of more than {LIST_MAX} fields")))
    }
}

/// For composed text, such as the reason of a failure: it is shortened when it is written.
pub(crate) fn shorten<const MAX: usize, S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shortened(text, MAX))
}

/// For text with its own limit, in characters.
pub(crate) fn text<'de, const MAX: usize, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.char_indices().nth(MAX) {
        None => Ok(text),
        Some(_) => Err(D::Error::custom(format_args!("a text of more than {MAX} characters"))),
    }
}

/// The same for optional text.
pub(crate) fn optional_text<'de, const MAX: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    struct Limited<const MAX: usize>(String);

    impl<'de, const MAX: usize> Deserialize<'de> for Limited<MAX> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            text::<MAX, D>(deserializer).map(Limited)
        }
    }

    Ok(Option::<Limited<MAX>>::deserialize(deserializer)?.map(|Limited(text)| text))
}

/// For a list with its own limit.
pub(crate) fn list<'de, const MAX: usize, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    if list.len() <= MAX { Ok(list) } else { Err(D::Error::custom(format_args!("a list of more than {MAX}"))) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn why(json: &str) -> String {
        check(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_within_the_limits_passes() {
        let text = "é".repeat(TEXT_MAX);
        let list = vec!["1"; LIST_MAX].join(",");
        let object = (0..LIST_MAX).map(|n| format!(r#""{n}":{n}"#)).collect::<Vec<_>>().join(",");
        let (depth, end) = ("[".repeat(DEPTH_MAX.into()), "]".repeat(DEPTH_MAX.into()));
        for good in [
            format!(r#""{text}""#),
            format!("[{list}]"),
            format!("{{{object}}}"),
            format!("{depth}null{end}"),
            format!(r#"{{"a":{NUMBER_MAX},"b":-{NUMBER_MAX},"c":0.5,"d":true}}"#),
        ] {
            assert!(check(good.as_bytes()).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_is_beyond_a_limit_is_named() {
        assert!(why(&format!(r#"{{"a":"{}"}}"#, "é".repeat(TEXT_MAX + 1))).starts_with("a text of more than 500"));
        assert!(why(&format!(r#"{{"{}":1}}"#, "k".repeat(TEXT_MAX + 1))).starts_with("a text of more than 500"));
        assert!(why(&format!("[{}]", vec!["1"; LIST_MAX + 1].join(","))).starts_with("a list of more than 100"));
        let object = (0..=LIST_MAX).map(|n| format!(r#""{n}":{n}"#)).collect::<Vec<_>>().join(",");
        assert!(why(&format!("{{{object}}}")).starts_with("an object of more than 100"));
        assert!(why("[[[[[[[[[[[[[1]]]]]]]]]]]]]").starts_with("nested more than 12"));
        assert!(why("[18446744073709551615]").starts_with("invalid value: integer `18446744073709551615`"));
        assert!(why("-9007199254740992").starts_with("invalid value"));
        assert!(why(&" ".repeat(MESSAGE_MAX + 1)).starts_with("65537 bytes, more than 65536"));
        assert!(why("{} {}").starts_with("trailing characters"));
    }

    #[test]
    fn a_text_is_shortened_at_a_character() {
        assert_eq!(shortened("trois", 5), "trois");
        assert_eq!(shortened("été à Liège", 5), "été …");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_judged_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let is_json = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
            prop_assert!(is_json || check(&bytes).is_err());
        }

        #[test]
        fn a_shortened_text_keeps_to_its_limit(text in ".{0,60}", max in 1..50_usize) {
            prop_assert!(shortened(&text, max).chars().count() <= max);
        }
    }
}
