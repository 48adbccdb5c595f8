//! Numbers, money, times and durations as each language writes them. Pure, except for the room's time zone, which is
//! set once.

use std::sync::OnceLock;

use events::{ids::Moment, quantities::Cents};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

use crate::pure::language::Language;

/// The room's time zone.
static ZONE: OnceLock<TimeZone> = OnceLock::new();

/// Keeps a number and its unit on one line.
const NO_BREAK: char = '\u{a0}';

/// The thousands separator and the decimal separator.
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

/// Makes all clocks show this zone. Only the first call counts; without one they show Belgian time.
pub fn show_times_in(zone: TimeZone) {
    drop(ZONE.set(zone));
}

/// `20:41:07.112`.
pub fn clock(at: Moment) -> String {
    let at = on_the_wall(at, zone());
    format!("{:02}:{:02}:{:02}.{:03}", at.hour(), at.minute(), at.second(), at.millisecond())
}

/// `20:41:07`.
pub fn clock_seconds(at: Moment) -> String {
    let at = on_the_wall(at, zone());
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// `20:41`.
pub fn clock_minutes(at: Moment) -> String {
    let at = on_the_wall(at, zone());
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// A delay: `+ 9 ms`, `+ 3.2 s` or `+ 4 min`. The clocks of two services on one machine can differ slightly: `− 1 ms`.
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

/// The offsets of local time between two minutes since 1970, for a script: `60,29882100,120` adds 60 minutes before the
/// minute 29882100, when the clocks change, and 120 from then on.
pub fn offsets(first: i64, last: i64) -> String {
    offsets_in(zone(), first, last)
}

fn zone() -> &'static TimeZone {
    ZONE.get_or_init(|| TimeZone::get("Europe/Brussels").unwrap_or(TimeZone::UTC))
}

fn on_the_wall(at: Moment, zone: &TimeZone) -> civil::DateTime {
    zone.to_datetime(Timestamp::from_microsecond(at.micros()).unwrap_or_default())
}

fn offsets_in(zone: &TimeZone, first: i64, last: i64) -> String {
    let (first, last) = [first, last].map(of_minute).into();
    let minutes = |at| zone.to_offset(at).seconds() / 60;
    let changed = zone.following(first).next().map(|change| change.timestamp()).filter(|at| *at <= last);
    let changed = changed.unwrap_or(first);
    format!("{},{},{}", minutes(first), changed.as_second().div_euclid(60), minutes(last))
}

fn of_minute(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_secs(minute.saturating_mul(60))).unwrap_or_default()
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

    fn wall(zone: &str, moment: &str) -> String {
        on_the_wall(at(moment), &TimeZone::get(zone).unwrap()).to_string()
    }

    #[test]
    fn without_a_zone_the_clock_is_the_belgian_one_in_winter_and_in_summer() {
        assert_eq!(clock(at("2026-11-24T19:41:07.112345Z")), "20:41:07.112");
        assert_eq!(clock_minutes(at("2026-07-01T19:41:07Z")), "21:41");
        assert_eq!(clock_seconds(at("2026-03-29T00:59:59Z")), "01:59:59");
        assert_eq!(clock_seconds(at("2026-03-29T01:00:00Z")), "03:00:00");
        assert_eq!(clock_seconds(at("2026-10-25T00:59:59Z")), "02:59:59");
        assert_eq!(clock_seconds(at("2026-10-25T01:00:00Z")), "02:00:00");
        assert_eq!(clock_seconds(at("2026-12-31T23:00:00Z")), "00:00:00");
    }

    #[test]
    fn the_clock_is_that_of_the_room() {
        assert_eq!(wall("UTC", "2026-11-24T19:41:07Z"), "2026-11-24T19:41:07");
        // Zones that are half an hour and three quarters of an hour off.
        assert_eq!(wall("Asia/Kolkata", "2026-11-24T19:41:07Z"), "2026-11-25T01:11:07");
        assert_eq!(wall("Asia/Kathmandu", "2026-11-24T19:41:07Z"), "2026-11-25T01:26:07");
        assert_eq!(wall("America/St_Johns", "2026-07-01T00:00:00Z"), "2026-06-30T21:30:00");
        // New York and Sydney change their clocks on other days, and Sydney the other way round.
        assert_eq!(wall("America/New_York", "2026-03-08T06:59:59Z"), "2026-03-08T01:59:59");
        assert_eq!(wall("America/New_York", "2026-03-08T07:00:00Z"), "2026-03-08T03:00:00");
        assert_eq!(wall("Australia/Sydney", "2026-04-04T15:59:59Z"), "2026-04-05T02:59:59");
        assert_eq!(wall("Australia/Sydney", "2026-04-04T16:00:00Z"), "2026-04-05T02:00:00");
    }

    #[test]
    fn a_script_is_told_when_the_clocks_are_changed() {
        let offsets = |zone: &str, from: &str, to: &str| {
            offsets_in(&TimeZone::get(zone).unwrap(), at(from).minute(), at(to).minute())
        };
        let change = at("2026-03-29T01:00:00Z").minute();
        let around = offsets("Europe/Brussels", "2026-03-29T00:30:00Z", "2026-03-29T01:29:00Z");
        assert_eq!(around, format!("60,{change},120"));
        let before = at("2026-03-29T00:00:00Z").minute();
        let none = offsets("Europe/Brussels", "2026-03-29T00:00:00Z", "2026-03-29T00:59:00Z");
        assert_eq!(none, format!("60,{before},60"));
        let kolkata = offsets("Asia/Kolkata", "2026-03-29T00:00:00Z", "2026-03-29T00:59:00Z");
        assert_eq!(kolkata, format!("330,{before},330"));
        assert!(offsets("America/St_Johns", "2026-07-01T00:00:00Z", "2026-07-01T00:59:00Z").starts_with("-150,"));
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
