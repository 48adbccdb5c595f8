//! The cookies of this suite. A browser shares cookies among all ports of a host, so their names carry the suite's id: two
//! suites on one laptop do not sign each other out.

use std::{fs, io::Write as _, path::Path, time::Duration};

use anyhow::Context as _;
use axum::http::{HeaderMap, HeaderValue, header};

/// Letters and digits that nobody confuses when they are read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Length of a suite's id.
const ID_LENGTH: usize = 8;

/// The cookies of one suite.
#[derive(Debug, Clone)]
pub struct Cookies {
    suite: String,
}

impl Cookies {
    /// The cookies of the suite that keeps its data in this folder. Its id is made at the first start.
    ///
    /// # Errors
    /// If the id cannot be kept.
    pub fn of_suite(data_dir: &Path) -> anyhow::Result<Self> {
        let suite = kept_or_made(&data_dir.join("suite-id"), ID_LENGTH)?;
        // A cookie's name takes little, and whatever stands in the file must not end up in a header.
        let is_name = suite.len() <= 2 * ID_LENGTH && suite.bytes().all(|byte| byte.is_ascii_alphanumeric());
        anyhow::ensure!(is_name, "{}/suite-id holds something else: delete it", data_dir.display());
        Ok(Cookies { suite })
    }

    /// The cookies of a suite whose id is known.
    pub fn of(suite: &str) -> Self {
        Cookies { suite: suite.to_owned() }
    }

    fn name(&self, of: &str) -> String {
        format!("{of}-{}", self.suite)
    }

    /// The values of this suite's cookie of this name. A browser may send several, one for each path it was set for.
    pub fn read<'a>(&self, headers: &'a HeaderMap, of: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let wanted = self.name(of);
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(move |(name, _)| *name == wanted).map(|(_, value)| value)
    }

    /// What a browser is told to keep. Scripts cannot read it, and another site's requests carry it only when they open
    /// a page; over https it is never sent over anything else. Kept for no time at all it is forgotten.
    pub fn set(&self, of: &str, value: &str, keep_for: Duration, is_https: bool) -> Option<HeaderValue> {
        let (name, secure) = (self.name(of), if is_https { "; Secure" } else { "" });
        let seconds = keep_for.as_secs();
        let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        HeaderValue::from_str(&cookie).ok()
    }
}

/// What stands in a file; if there is nothing, so many random letters, from now on.
///
/// # Errors
/// If they cannot be kept.
pub fn kept_or_made(path: &Path, length: usize) -> anyhow::Result<String> {
    let kept = fs::read_to_string(path).unwrap_or_default();
    if !kept.trim().is_empty() {
        return Ok(kept.trim().to_owned());
    }
    let made = letters(length);
    let mut file = private_file(path).with_context(|| path.display().to_string())?;
    writeln!(file, "{made}").with_context(|| path.display().to_string())?;
    Ok(made)
}

/// So many random letters.
pub fn letters(length: usize) -> String {
    let letter = |_| {
        let index = usize::try_from(rand::random::<u32>() % 32).unwrap_or(0);
        char::from(ALPHABET[index])
    };
    (0..length).map(letter).collect()
}

/// A new file, or an emptied one, that nobody else on this machine can read.
///
/// # Errors
/// If it cannot be opened.
pub fn private_file(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_suites_on_one_host_do_not_read_each_others_cookies() {
        let (here, there) = (Cookies::of("aaaa"), Cookies::of("bbbb"));
        let cookie = |suite: &Cookies, value| suite.set("presenter", value, Duration::from_secs(60), false).unwrap();
        let pair = |cookie: HeaderValue| cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        let both = format!("{}; {}; lang=fr", pair(cookie(&here, "1")), pair(cookie(&there, "2")));
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&both).unwrap())]);
        assert_eq!(here.read(&headers, "presenter").collect::<Vec<_>>(), ["1"]);
        assert_eq!(there.read(&headers, "presenter").collect::<Vec<_>>(), ["2"]);
        assert_eq!(here.read(&headers, "browser").count(), 0);
    }

    #[test]
    fn a_cookie_is_lax_and_over_https_secure() {
        let cookies = Cookies::of("aaaa");
        let set = |is_https| cookies.set("x", "1", Duration::from_secs(60), is_https).unwrap();
        assert_eq!(set(false), "x-aaaa=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
        assert_eq!(set(true), "x-aaaa=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
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
}
