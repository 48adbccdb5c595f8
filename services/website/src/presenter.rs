//! The presenter's token: who has it may do more than order.

use std::{fs, io::Write as _, path::Path};

use anyhow::Context as _;
use axum::http::{HeaderMap, header};
use service::environment::{self, Unusable};

/// The cookie that holds the token after signing in.
pub const COOKIE: &str = "presenter";
/// Letters of a token that is made here.
const LENGTH: usize = 20;

/// The presenter, by the token.
pub struct Presenter {
    token: String,
}

impl Presenter {
    /// The presenter whose token is `PRESENTER_TOKEN`; else the one in the data folder, made at the first start.
    ///
    /// # Errors
    /// If the token cannot be kept.
    pub fn from_environment(data_dir: &Path) -> anyhow::Result<Self> {
        if let Some(token) = environment::text("PRESENTER_TOKEN") {
            return Ok(Presenter { token: usable(token)? });
        }
        let path = data_dir.join("presenter-token");
        let kept = fs::read_to_string(&path).unwrap_or_default();
        if !kept.trim().is_empty() {
            return Ok(Presenter { token: kept.trim().to_owned() });
        }
        let token = make_token();
        let mut file = private_file(&path).with_context(|| path.display().to_string())?;
        writeln!(file, "{token}").with_context(|| path.display().to_string())?;
        Ok(Presenter { token })
    }

    /// A presenter with this token.
    pub fn with_token(token: &str) -> Self {
        Presenter { token: token.to_owned() }
    }

    /// Whether this is the token. Takes the same time whatever is wrong with it.
    pub fn is_token(&self, offered: &str) -> bool {
        let (known, offered) = (self.token.as_bytes(), offered.as_bytes());
        let differences = known.iter().zip(offered).fold(0, |differences, (a, b)| differences | (a ^ b));
        known.len() == offered.len() && differences == 0
    }

    /// Whether a request carries the token as a bearer.
    pub fn is_bearer(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, token) = value.split_once(' ').unwrap_or_default();
        scheme.eq_ignore_ascii_case("bearer") && self.is_token(token.trim())
    }

    /// Whether a request comes from a browser that has signed in.
    pub fn has_signed_in(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == COOKIE && self.is_token(value))
    }

    /// What a browser is told to keep. Never sent along with a request another site makes.
    pub fn cookie(&self) -> String {
        format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=86400", self.token)
    }
}

/// A token that a cookie can hold as it is: else nobody could sign in.
fn usable(token: String) -> Result<String, Unusable> {
    let trimmed = token.trim();
    if !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte)) {
        return Ok(trimmed.to_owned());
    }
    let expected = "letters, digits and signs without accents, blanks, semicolons, commas, quotes or backslashes";
    Err(Unusable { name: "PRESENTER_TOKEN", value: token, expected: expected.to_owned() })
}

fn make_token() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letter = |_| {
        let index = usize::try_from(rand::random::<u32>() % 32).unwrap_or(0);
        char::from(ALPHABET[index])
    };
    (0..LENGTH).map(letter).collect()
}

fn private_file(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn only_the_token_opens() {
        let presenter = Presenter::with_token("abc123");
        assert!(presenter.is_bearer(&headers(header::AUTHORIZATION, "Bearer abc123")));
        for wrong in ["Bearer abc12", "Bearer abc1234", "Bearer ", "abc123", "Basic abc123", ""] {
            assert!(!presenter.is_bearer(&headers(header::AUTHORIZATION, wrong)), "{wrong}");
        }
        assert!(presenter.has_signed_in(&headers(header::COOKIE, "theme=dark; presenter=abc123")));
        assert!(!presenter.has_signed_in(&headers(header::COOKIE, "presenter=abc124")));
        assert!(!presenter.has_signed_in(&HeaderMap::new()));
    }

    #[test]
    fn a_token_no_cookie_can_hold_is_refused_at_the_start() {
        assert_eq!(usable(" abc-123 ".to_owned()).unwrap(), "abc-123");
        for wrong in ["bière", "a;b", "a b", "a\"b", " "] {
            assert!(usable(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_long_and_new_each_time() {
        assert_eq!(make_token().len(), LENGTH);
        assert_ne!(make_token(), make_token());
    }
}
