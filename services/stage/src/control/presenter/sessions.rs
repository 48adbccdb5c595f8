//! The browsers where the presenter has signed in. Pure: the caller passes the time, and nothing is hashed here.

use std::time::Duration;

use events::ids::Moment;
use serde::{Deserialize, Serialize};

/// The most sessions; another one ends the oldest.
pub const SESSIONS_MAX: usize = 20;
/// The lifetime of a session: signing in a few days before the talk is enough.
pub const SESSION_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// All usable sessions. Each is stored as a mark of its id that needs the token, so nobody can sign in with what the
/// file holds.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// The mark of the token they belong to. Another token ends them.
    token: String,
    begun: Vec<Session>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    mark: String,
    at: Moment,
}

impl Session {
    fn is_over(&self, now: Moment) -> bool {
        // A clock set back by less than a session's lifetime ends no session.
        now.micros_since(self.at).unsigned_abs() >= u64::try_from(SESSION_FOR.as_micros()).unwrap_or(u64::MAX)
    }
}

impl Sessions {
    pub fn none(token: String) -> Self {
        Sessions { token, begun: Vec::new() }
    }

    /// These, if they belong to this token; else none.
    pub fn with(self, token: String) -> Self {
        if self.token == token { self } else { Sessions::none(token) }
    }

    pub fn begin(&mut self, mark: String, now: Moment) {
        self.begun.retain(|session| !session.is_over(now));
        if self.begun.len() >= SESSIONS_MAX {
            self.begun.remove(0);
        }
        self.begun.push(Session { mark, at: now });
    }

    pub fn goes_on(&self, mark: &str, now: Moment) -> bool {
        self.begun.iter().any(|session| session.mark == mark && !session.is_over(now))
    }

    /// Ends a session and returns whether there was one.
    pub fn end(&mut self, mark: &str) -> bool {
        let before = self.begun.len();
        self.begun.retain(|session| session.mark != mark);
        self.begun.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(1_795_549_267_112_000 + seconds * 1_000_000)
    }

    #[test]
    fn a_session_goes_on_until_it_ends_or_is_old() {
        let mut sessions = Sessions::none("token".into());
        sessions.begin("a".into(), at(0));
        sessions.begin("b".into(), at(0));
        assert!(sessions.goes_on("a", at(1)) && sessions.goes_on("a", at(-5)) && !sessions.goes_on("c", at(1)));
        assert!(sessions.end("a") && !sessions.end("a") && !sessions.goes_on("a", at(1)));
        let week = i64::try_from(SESSION_FOR.as_secs()).unwrap();
        assert!(sessions.goes_on("b", at(week - 1)) && !sessions.goes_on("b", at(week)));
        assert!(!sessions.goes_on("b", at(-week)), "a clock that was wrong by a week");
    }

    #[test]
    fn when_too_many_have_begun_the_oldest_is_over() {
        let mut sessions = Sessions::none("token".into());
        for n in 0..=SESSIONS_MAX {
            sessions.begin(n.to_string(), at(0));
        }
        assert_eq!(sessions.begun.len(), SESSIONS_MAX);
        assert!(!sessions.goes_on("0", at(0)) && sessions.goes_on("1", at(0)));
    }

    #[test]
    fn another_token_ends_all_and_the_first_one_does_not_bring_them_back() {
        let mut sessions = Sessions::none("token".into());
        sessions.begin("a".into(), at(0));
        let kept = serde_json::to_string(&sessions).unwrap();
        let read = || serde_json::from_str::<Sessions>(&kept).unwrap();
        assert!(read().with("token".into()).goes_on("a", at(1)));
        let other = read().with("other".into());
        assert!(!other.goes_on("a", at(1)) && !other.with("token".into()).goes_on("a", at(1)));
    }
}
