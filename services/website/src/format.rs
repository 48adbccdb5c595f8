//! Numbers, money, times and durations as each language writes them. Pure; the wall clock is the Belgian one.

use events::{ids::Moment, quantities::Cents};
use time::{Date, Duration, Month, OffsetDateTime};

use crate::texts::Language;

/// Keeps a number and its unit on one line.
const NO_BREAK: char = '\u{a0}';

/// What parts thousands, and what parts whole numbers from decimals.
const fn marks(language: Language) -> (char, char) {
    match language {
        Language::En => (',', '.'),
        Language::Fr => ('\u{202f}', ','),
        Language::Nl | Language::De => ('.', ','),
    }
}

/// `3,412`, `3 412` or `3.412`.
pub fn number(language: Language, n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(marks(language).0);
        }
        text.push(digit);
    }
    text
}

/// `4.8` or `4,8`, from 48 tenths.
pub fn tenths(language: Language, tenths: u64) -> String {
    format!("{}{}{}", number(language, tenths / 10), marks(language).1, tenths % 10)
}

/// `0.76` or `0,76`, from 76 hundredths.
pub fn hundredths(language: Language, hundredths: u64) -> String {
    format!("{}{}{:02}", number(language, hundredths / 100), marks(language).1, hundredths % 100)
}

/// `€ 10.00`, `€ 10,00` or `10,00 €`.
pub fn money(language: Language, cents: Cents) -> String {
    let amount = format!("{}{}{:02}", number(language, cents.0 / 100), marks(language).1, cents.0 % 100);
    match language {
        Language::En | Language::Nl => format!("€{NO_BREAK}{amount}"),
        Language::Fr | Language::De => format!("{amount}{NO_BREAK}€"),
    }
}

/// `8.5 %`, `8,5 %` or `8,5%`, from 85; `9 %` from 90.
pub fn strength(language: Language, abv_tenths: u32) -> String {
    let whole = abv_tenths / 10;
    let amount = match abv_tenths % 10 {
        0 => whole.to_string(),
        tenth => format!("{whole}{}{tenth}", marks(language).1),
    };
    match language {
        Language::Nl => format!("{amount}%"),
        Language::En | Language::Fr | Language::De => format!("{amount}{NO_BREAK}%"),
    }
}

/// `20:41:07.112`, in Belgium.
pub fn clock(at: Moment) -> String {
    let at = in_belgium(at);
    format!("{:02}:{:02}:{:02}.{:03}", at.hour(), at.minute(), at.second(), at.millisecond())
}

/// `20:41:07`, in Belgium.
pub fn clock_seconds(at: Moment) -> String {
    let at = in_belgium(at);
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// `20:41`, in Belgium.
pub fn clock_minutes(at: Moment) -> String {
    let at = in_belgium(at);
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// How much later, as `+ 9 ms`, `+ 3.2 s` or `+ 4 min`. Two services of one machine can differ by a hair: `− 1 ms`.
pub fn later(language: Language, micros: i64) -> String {
    let sign = if micros <= -1000 { '−' } else { '+' };
    format!("{sign}{NO_BREAK}{}", duration(language, micros.unsigned_abs()))
}

/// A length of time: `9 ms`, `3.2 s`, `4 min`, `2 h 05 min`.
pub fn duration(language: Language, micros: u64) -> String {
    let millis = micros / 1000;
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis}{NO_BREAK}ms"),
        1..60 => format!("{}{NO_BREAK}s", tenths(language, millis / 100)),
        60..3600 => format!("{}{NO_BREAK}min", seconds / 60),
        _ => format!("{}{NO_BREAK}h{NO_BREAK}{:02}{NO_BREAK}min", number(language, seconds / 3600), seconds / 60 % 60),
    }
}

/// The wall clock in Belgium: an hour ahead of UTC, two between the last Sundays of March and October at 1:00 UTC.
fn in_belgium(at: Moment) -> OffsetDateTime {
    let utc =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.micros()) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let clocks_turn = |month| Some(last_sunday(utc.year(), month)?.with_hms(1, 0, 0).ok()?.assume_utc());
    let summer =
        clocks_turn(Month::March).zip(clocks_turn(Month::October)).is_some_and(|(from, to)| (from..to).contains(&utc));
    utc.saturating_add(Duration::hours(if summer { 2 } else { 1 }))
}

/// The last Sunday of a month with 31 days.
fn last_sunday(year: i32, month: Month) -> Option<Date> {
    let last_day = Date::from_calendar_date(year, month, 31).ok()?;
    let days_past_sunday = last_day.weekday().number_days_from_sunday();
    last_day.replace_day(31 - days_past_sunday).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_and_money() {
        assert_eq!(number(Language::En, 0), "0");
        assert_eq!(number(Language::En, 3412), "3,412");
        assert_eq!(number(Language::Fr, 1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(money(Language::En, Cents(1000)), "€\u{a0}10.00");
        assert_eq!(money(Language::Fr, Cents(105)), "1,05\u{a0}€");
        assert_eq!(number(Language::De, 1_234_567), "1.234.567");
        assert_eq!(money(Language::Nl, Cents(123_450)), "€\u{a0}1.234,50");
        assert_eq!(money(Language::De, Cents(123_450)), "1.234,50\u{a0}€");
        assert_eq!(strength(Language::Nl, 85), "8,5%");
        assert_eq!(strength(Language::De, 85), "8,5\u{a0}%");
        assert_eq!(strength(Language::En, 85), "8.5\u{a0}%");
        assert_eq!(strength(Language::Fr, 113), "11,3\u{a0}%");
        assert_eq!(strength(Language::Fr, 90), "9\u{a0}%");
    }

    #[test]
    fn the_clock_is_the_belgian_one_in_winter_and_in_summer() {
        assert_eq!(clock(at("2026-11-24T19:41:07.112345Z")), "20:41:07.112");
        assert_eq!(clock_minutes(at("2026-07-01T19:41:07Z")), "21:41");
        assert_eq!(clock_seconds(at("2026-03-29T00:59:59Z")), "01:59:59");
        assert_eq!(clock_seconds(at("2026-03-29T01:00:00Z")), "03:00:00");
        assert_eq!(clock_seconds(at("2026-10-25T00:59:59Z")), "02:59:59");
        assert_eq!(clock_seconds(at("2026-10-25T01:00:00Z")), "02:00:00");
        assert_eq!(clock_seconds(at("2026-12-31T23:00:00Z")), "00:00:00");
    }

    #[test]
    fn durations_grow_their_unit() {
        assert_eq!(later(Language::En, 9_400), "+\u{a0}9\u{a0}ms");
        assert_eq!(later(Language::En, 3_240_000), "+\u{a0}3.2\u{a0}s");
        assert_eq!(later(Language::Fr, 3_240_000), "+\u{a0}3,2\u{a0}s");
        assert_eq!(later(Language::Nl, 3_240_000), "+\u{a0}3,2\u{a0}s");
        assert_eq!(later(Language::Fr, -2_000), "−\u{a0}2\u{a0}ms");
        assert_eq!(duration(Language::En, 240_000_000), "4\u{a0}min");
        assert_eq!(duration(Language::En, 7_500_000_000), "2\u{a0}h\u{a0}05\u{a0}min");
    }
}
