//! Who the presenter is: a client that sends the token, or a browser where it was typed.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::HeaderMap;
use ring::hmac;
use service::{
    environment::{self, Unusable},
    now,
};
use subtle::ConstantTimeEq as _;
use web::{
    http::{
        cookies::{Cookie, Cookies, kept_or_made, letters, private_file},
        presenter::bearer,
    },
    pure::arrival::{Arrival, Guesser},
};

use crate::control::presenter::{
    guesses::Guesses,
    sessions::{SESSION_FOR, Sessions},
};

mod guesses;
mod sessions;

/// The cookie with the id of a session.
const COOKIE: &str = "presenter";
/// The length of a generated token, in letters.
const TOKEN_LENGTH: usize = 20;
/// The length of a session id, in letters: 160 bits.
const SESSION_LENGTH: usize = 32;

/// Recognises the presenter, and limits how many tokens can be guessed.
pub struct Authenticator {
    /// Made from the token; signs the session ids.
    key: hmac::Key,
    token: String,
    cookies: Cookies,
    file: Option<PathBuf>,
    sessions: Mutex<Sessions>,
    guesses: Mutex<Guesses>,
}

impl Authenticator {
    /// The presenter with the token of `PRESENTER_TOKEN`, else the one in the data folder, created at the first start;
    /// and with the sessions of that token.
    ///
    /// # Errors
    /// If `PRESENTER_TOKEN` is unusable, or the token cannot be kept.
    pub fn from_environment(data_dir: &Path, cookies: Cookies) -> anyhow::Result<Self> {
        let token = match environment::text("PRESENTER_TOKEN") {
            Some(token) => usable(&token)?,
            None => kept_or_made(&data_dir.join("presenter-token"), TOKEN_LENGTH)?,
        };
        let presenter = Authenticator::with_token(&token, cookies);
        let file = data_dir.join("presenter-sessions.json");
        let kept = fs::read(&file).ok().and_then(|kept| serde_json::from_slice::<Sessions>(&kept).ok());
        let sessions = kept.unwrap_or_default().with(presenter.mark(""));
        Ok(Authenticator { file: Some(file), sessions: Mutex::new(sessions), ..presenter })
    }

    /// A presenter with this token, whose sessions are not kept.
    pub fn with_token(token: &str, cookies: Cookies) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
        let presenter = Authenticator {
            key,
            token: token.to_owned(),
            cookies,
            file: None,
            sessions: Mutex::default(),
            guesses: Mutex::default(),
        };
        *presenter.sessions() = Sessions::none(presenter.mark(""));
        presenter
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guesses(&self) -> MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stored mark of a session id; of an empty one, the mark of the token itself.
    fn mark(&self, id: &str) -> String {
        hmac::sign(&self.key, id.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether this is the token. The time it takes reveals only the token's length.
    fn is_token(&self, offered: &str) -> bool {
        offered.as_bytes().ct_eq(self.token.as_bytes()).into()
    }

    /// Checks a token, unless too many wrong ones came from there.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check_token(&self, offered: &str, guesser: Guesser) -> Result<(), NotTaken> {
        let at = Instant::now();
        if let Some(wait) = self.guesses().wait(guesser, at) {
            return Err(NotTaken::Wait { seconds: wait.as_secs() + 1 });
        }
        if self.is_token(offered) {
            return Ok(());
        }
        self.guesses().count(guesser, at);
        Err(NotTaken::Wrong)
    }

    /// Whether the presenter sent a request with these headers: with the token as a bearer, or from a browser that has
    /// signed in.
    pub fn sent(&self, headers: &HeaderMap) -> bool {
        self.is_bearer(headers) || self.has_signed_in(headers)
    }

    fn is_bearer(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|token| self.is_token(token))
    }

    fn has_signed_in(&self, headers: &HeaderMap) -> bool {
        self.offered(headers).is_some_and(|id| self.sessions().goes_on(&self.mark(&id), now()))
    }

    fn offered(&self, headers: &HeaderMap) -> Option<String> {
        self.cookies.read(headers, COOKIE).filter(|id| id.len() == SESSION_LENGTH)
    }

    /// Begins a session and returns its cookie.
    pub fn sign_in(&self, arrival: &Arrival) -> Cookie<'static> {
        let id = letters(SESSION_LENGTH);
        let mut sessions = self.sessions();
        sessions.begin(self.mark(&id), now());
        self.keep(&sessions);
        self.cookies.set(COOKIE, &id, SESSION_FOR, arrival.is_https)
    }

    /// Ends the session of this browser and returns the cookie that deletes its own.
    pub fn sign_out(&self, headers: &HeaderMap, arrival: &Arrival) -> Cookie<'static> {
        let mut sessions = self.sessions();
        if let Some(id) = self.offered(headers) {
            sessions.end(&self.mark(&id));
        }
        self.keep(&sessions);
        self.cookies.set(COOKIE, "", Duration::ZERO, arrival.is_https)
    }

    /// Keeps the sessions across a crash. Without a file they end with the process.
    fn keep(&self, sessions: &Sessions) {
        let Some(file) = &self.file else { return };
        let beside = file.with_extension("new");
        let write = || {
            let mut new = private_file(&beside)?;
            new.write_all(&serde_json::to_vec(sessions)?)?;
            fs::rename(&beside, file)
        };
        if let Err(error) = write() {
            tracing::warn!(%error, file = %file.display(), "the presenter's sessions cannot be stored");
        }
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    Wrong,
    /// Not checked: there were too many wrong ones.
    Wait {
        /// In how many seconds the next one is checked.
        seconds: u64,
    },
}

/// A token that fits into a header unchanged: otherwise no program could use it.
fn usable(token: &str) -> Result<String, Unusable> {
    let trimmed = token.trim();
    if !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte)) {
        return Ok(trimmed.to_owned());
    }
    let expected =
        "it must have ASCII letters, digits and signs only, and no space, semicolon, comma, quote or backslash";
    // Logs do not show the token.
    Err(Unusable { name: "PRESENTER_TOKEN", value: "…".to_owned(), expected: expected.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use axum::http::{HeaderValue, header};

    use super::*;

    const GUESSER: Guesser = Guesser { address: IpAddr::V4(Ipv4Addr::LOCALHOST), is_forwarded: false };

    fn presenter(token: &str) -> Authenticator {
        Authenticator::with_token(token, Cookies::of("aaaa"))
    }

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn with_cookie(cookie: &Cookie<'_>) -> HeaderMap {
        headers(header::COOKIE, &cookie.stripped().to_string())
    }

    #[test]
    fn only_the_token_opens() {
        let presenter = presenter("abc123");
        assert!(presenter.is_bearer(&headers(header::AUTHORIZATION, "Bearer abc123")));
        for wrong in ["Bearer abc12", "Bearer abc1234", "Bearer ", "abc123", "Basic abc123", ""] {
            assert!(!presenter.is_bearer(&headers(header::AUTHORIZATION, wrong)), "{wrong}");
        }
        assert_eq!(presenter.check_token("abc123", GUESSER), Ok(()));
        assert_eq!(presenter.check_token("abc12", GUESSER), Err(NotTaken::Wrong));
    }

    #[test]
    fn after_many_wrong_tokens_the_right_one_has_to_wait_too() {
        let presenter = presenter("abc123");
        let mut refused = presenter.check_token("wrong", GUESSER);
        for _ in 0..guesses::GUESSES_MAX {
            assert!(refused.is_err());
            refused = presenter.check_token("wrong", GUESSER);
        }
        assert!(matches!(refused, Err(NotTaken::Wait { seconds: 1..=60 })), "{refused:?}");
        assert!(matches!(presenter.check_token("abc123", GUESSER), Err(NotTaken::Wait { .. })));
    }

    #[test]
    fn a_session_is_not_the_token_and_ends_when_one_signs_out() {
        let (presenter, arrival) = (presenter("abc123"), Arrival::default());
        let cookie = presenter.sign_in(&arrival);
        assert!(!cookie.to_string().contains("abc123"));
        assert!(presenter.has_signed_in(&with_cookie(&cookie)));
        for none in ["presenter-aaaa=abc123", "presenter-aaaa=", "presenter=abc123", "lang=fr"] {
            assert!(!presenter.has_signed_in(&headers(header::COOKIE, none)), "{none}");
        }
        let other = presenter.sign_in(&arrival);
        let forgotten = presenter.sign_out(&with_cookie(&cookie), &arrival);
        assert!(forgotten.to_string().contains("Max-Age=0"));
        assert!(!presenter.has_signed_in(&with_cookie(&cookie)) && presenter.has_signed_in(&with_cookie(&other)));
    }

    #[test]
    fn sessions_outlive_the_process_but_not_the_token() {
        let folder = std::env::temp_dir().join(format!("presenter-{}", letters(8)));
        fs::create_dir_all(&folder).unwrap();
        let open = || Authenticator::from_environment(&folder, Cookies::of("aaaa")).unwrap();
        let cookie = open().sign_in(&Arrival::default());
        assert!(open().has_signed_in(&with_cookie(&cookie)));
        let token = fs::read_to_string(folder.join("presenter-token")).unwrap();
        let kept = fs::read_to_string(folder.join("presenter-sessions.json")).unwrap();
        assert!(!kept.contains(cookie.value()) && !kept.contains(token.trim()), "{kept}");
        fs::write(folder.join("presenter-token"), "another").unwrap();
        assert!(!open().has_signed_in(&with_cookie(&cookie)));
        fs::write(folder.join("presenter-sessions.json"), "{").unwrap();
        assert!(!open().has_signed_in(&with_cookie(&cookie)), "a file that was cut off");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_token_no_header_can_hold_is_refused_at_the_start() {
        assert_eq!(usable(" abc-123 ").unwrap(), "abc-123");
        for wrong in ["bière", "a;b", "a b", "a\"b", " "] {
            let refused = usable(wrong).unwrap_err().to_string();
            assert!(refused.starts_with("PRESENTER_TOKEN=… cannot be used"), "{refused}");
        }
    }

    #[test]
    fn a_token_is_long_and_new_each_time() {
        assert_eq!(letters(TOKEN_LENGTH).len(), TOKEN_LENGTH);
        assert_ne!(letters(TOKEN_LENGTH), letters(TOKEN_LENGTH));
    }
}
