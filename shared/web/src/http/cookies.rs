//! The suite's cookies. Browsers share cookies among all ports of a host, so their names contain the suite's id: two
//! suites on one laptop do not sign each other out.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use axum::{
    http::HeaderMap,
    response::{IntoResponse, Response},
};
pub use axum_extra::extract::cookie::Cookie;
use axum_extra::extract::cookie::{CookieJar, SameSite};

/// Letters and digits that are not confused when read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The length of a suite's id.
const ID_LENGTH: usize = 8;

#[derive(Debug, Clone)]
pub struct Cookies {
    suite: String,
}

impl Cookies {
    /// The cookies of the suite with this data folder, which stores its id from the first start.
    ///
    /// # Errors
    /// If the id cannot be stored, or the file holds something else.
    pub fn of_suite(data_dir: &Path) -> anyhow::Result<Self> {
        let suite = kept_or_made(&data_dir.join("suite-id"), ID_LENGTH)?;
        // The content of the file becomes part of a cookie's name, in a header.
        let is_name = suite.len() <= 2 * ID_LENGTH && suite.bytes().all(|byte| byte.is_ascii_alphanumeric());
        anyhow::ensure!(is_name, "{}/suite-id holds something else: delete it", data_dir.display());
        Ok(Cookies { suite })
    }

    pub fn of(suite: &str) -> Self {
        Cookies { suite: suite.to_owned() }
    }

    fn name(&self, of: &str) -> String {
        format!("{of}-{}", self.suite)
    }

    /// The value of this suite's cookie `of`. If a browser sends several, the last is the one set for `/`.
    pub fn read(&self, headers: &HeaderMap, of: &str) -> Option<String> {
        read(headers, &self.name(of))
    }

    /// A cookie that scripts cannot read. Requests from other sites carry it only when they open a page, and a browser
    /// that got it over https sends it over https only. With `keep_for` zero the browser deletes it.
    pub fn set(&self, of: &str, value: &str, keep_for: Duration, is_https: bool) -> Cookie<'static> {
        let mut cookie = cookie(self.name(of), value, keep_for);
        cookie.set_http_only(true);
        cookie.set_secure(is_https);
        cookie
    }
}

/// The value of a cookie that all suites on this host share.
pub fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(CookieJar::from_headers(headers).get(name)?.value().to_owned())
}

/// A cookie that all suites on this host share and that scripts can read.
pub fn cookie(name: impl Into<String>, value: &str, keep_for: Duration) -> Cookie<'static> {
    let keep_for = keep_for.try_into().unwrap_or(time::Duration::MAX);
    let cookie = Cookie::build((name.into(), value.to_owned()));
    cookie.path("/").same_site(SameSite::Lax).max_age(keep_for).build()
}

pub fn with_cookie(response: impl IntoResponse, cookie: Cookie<'static>) -> Response {
    (CookieJar::new().add(cookie), response).into_response()
}

/// The content of a file. If the file is missing or empty, `length` random letters are written to it first. Several
/// processes may ask for the same file at the same time: all get the same letters.
pub fn kept_or_made(path: &Path, length: usize) -> anyhow::Result<String> {
    let kept = fs::read_to_string(path).unwrap_or_default();
    if !kept.trim().is_empty() {
        return Ok(kept.trim().to_owned());
    }
    make(path, length).with_context(|| path.display().to_string())
}

fn make(path: &Path, length: usize) -> std::io::Result<String> {
    let mut file = private().read(true).open(path)?;
    file.lock()?;
    let mut kept = String::new();
    file.read_to_string(&mut kept)?;
    if !kept.trim().is_empty() {
        return Ok(kept.trim().to_owned());
    }
    let made = letters(length);
    writeln!(file, "{made}")?;
    Ok(made)
}

/// Random letters, 5 bits each.
pub fn letters(length: usize) -> String {
    let letter = |_| {
        let index = usize::try_from(rand::random::<u32>() % 32).unwrap_or(0);
        char::from(ALPHABET[index])
    };
    (0..length).map(letter).collect()
}

/// Creates or empties a file that only its owner can read.
pub fn private_file(path: &Path) -> std::io::Result<fs::File> {
    private().truncate(true).open(path)
}

fn private() -> fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::File::options();
    options.create(true).write(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    #[test]
    fn two_suites_on_one_host_do_not_read_each_others_cookies() {
        let (here, there) = (Cookies::of("aaaa"), Cookies::of("bbbb"));
        let pair = |suite: &Cookies, value| {
            suite.set("presenter", value, Duration::from_secs(60), false).stripped().to_string()
        };
        let both = format!("{}; {}; lang=fr", pair(&here, "1"), pair(&there, "2"));
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&both).unwrap())]);
        assert_eq!(here.read(&headers, "presenter").as_deref(), Some("1"));
        assert_eq!(there.read(&headers, "presenter").as_deref(), Some("2"));
        assert_eq!(here.read(&headers, "browser"), None);
        assert_eq!(read(&headers, "lang").as_deref(), Some("fr"));
    }

    #[test]
    fn a_cookie_is_lax_and_over_https_secure() {
        let cookies = Cookies::of("aaaa");
        let set = |is_https| cookies.set("x", "1", Duration::from_secs(60), is_https).to_string();
        assert_eq!(set(false), "x-aaaa=1; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
        assert_eq!(set(true), "x-aaaa=1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
    }

    #[test]
    fn the_id_of_a_suite_stays_and_that_of_another_differs() {
        let folders = [0, 1].map(|n| std::env::temp_dir().join(format!("suite-{n}-{}", letters(8))));
        let ids = folders.each_ref().map(|folder| {
            fs::create_dir_all(folder).unwrap();
            let made = Cookies::of_suite(folder).unwrap().suite;
            assert_eq!(Cookies::of_suite(folder).unwrap().suite, made);
            made
        });
        assert_ne!(ids[0], ids[1]);
        fs::write(folders[0].join("suite-id"), "a=b; x").unwrap();
        assert!(Cookies::of_suite(&folders[0]).is_err());
        for folder in folders {
            fs::remove_dir_all(folder).unwrap();
        }
    }
    #[test]
    fn all_that_make_a_file_at_the_same_time_get_what_it_holds() {
        let path = std::env::temp_dir().join(format!("made-{}", letters(8)));
        let making: Vec<_> = (0..16)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || kept_or_made(&path, 20).unwrap())
            })
            .collect();
        let made: Vec<String> = making.into_iter().map(|thread| thread.join().unwrap()).collect();
        let kept = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(made.iter().all(|made| made == kept.trim()), "{made:?} {kept}");
    }
}
