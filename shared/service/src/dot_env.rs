//! The file `.env` at the top of the clone. The programs, the scripts (`scripts/settings`) and Compose read it, each with
//! its own rules; programs and scripts refuse lines that these rules would read differently.

use std::{
    collections::HashSet,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

/// Why `.env` cannot be used, in a sentence for the person who wrote it.
#[derive(Debug, thiserror::Error)]
pub enum DotEnvError {
    /// It exists and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// A line that is not a setting, or one that its readers would understand differently.
    #[error(
        "line {line} of {} cannot be used: write NAME='value'; a space and any of \" $ # need the quotes, and a \
         value cannot contain ' or \\",
        path.display()
    )]
    Ambiguous {
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// The first of two lines wins for some readers, the second for others.
    #[error("{} sets {name} twice", path.display())]
    Twice { path: PathBuf, name: String },
}

/// Reads the file at `path` into the environment, which wins over it; a missing file is fine. Call it before threads are
/// started.
pub fn read(path: &Path) -> Result<(), DotEnvError> {
    if settings(path)?.is_empty() {
        return Ok(());
    }
    dotenvy::from_path(path).map_err(|error| unreadable(path, error))
}

/// What the file at `path` sets; nothing if it is missing.
pub fn settings(path: &Path) -> Result<Vec<(String, String)>, DotEnvError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(path, error)),
    };
    let mut known = HashSet::new();
    for (line, setting) in (1..).zip(text.lines()) {
        match name_of(setting) {
            Err(Ambiguous) => return Err(DotEnvError::Ambiguous { path: path.to_owned(), line }),
            Ok(Some(name)) if !known.insert(name) => {
                return Err(DotEnvError::Twice { path: path.to_owned(), name: name.to_owned() });
            }
            Ok(_) => {}
        }
    }
    let settings = dotenvy::from_read_iter(text.as_bytes()).collect::<Result<_, _>>();
    settings.map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, cause: impl Error + Send + Sync + 'static) -> DotEnvError {
    DotEnvError::Unreadable { path: path.to_owned(), cause: cause.into() }
}

#[derive(Debug, PartialEq, Eq)]
struct Ambiguous;

/// The name that a line sets; `None` for an empty line or a comment.
fn name_of(line: &str) -> Result<Option<&str>, Ambiguous> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let (name, value) = line.split_once('=').ok_or(Ambiguous)?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let (value, special, behind) = if let Some(value) = value.strip_prefix('\'') {
        let (value, behind) = value.split_once('\'').ok_or(Ambiguous)?;
        (value, &['\\'][..], behind)
    } else if let Some(value) = value.strip_prefix('"') {
        let (value, behind) = value.split_once('"').ok_or(Ambiguous)?;
        (value, &['\\', '$'][..], behind)
    } else {
        let (value, behind) = value.split_at(value.find(char::is_whitespace).unwrap_or(value.len()));
        // Compose takes a comment right behind the = for the value.
        if value.starts_with('#') || (value.is_empty() && !behind.is_empty()) {
            return Err(Ambiguous);
        }
        (value, &['\\', '$', '\'', '"'][..], behind)
    };
    let is_comment = behind.starts_with(' ') && behind.trim_start_matches(' ').starts_with('#');
    if is_name && !value.contains(special) && (behind.is_empty() || is_comment) {
        Ok(Some(name))
    } else {
        Err(Ambiguous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_readers_understand_alike_is_a_setting() {
        for setting in
            ["A=", "A=b", "A=b # c", "A=a#b", "A='a$b'", "A='a b # \"c\"'", "A=\"a b\" # c", "  export A=b", "A=b\r"]
        {
            assert_eq!(name_of(setting), Ok(Some("A")), "{setting}");
        }
        for nothing in ["", "  ", "# A=$b"] {
            assert_eq!(name_of(nothing), Ok(None), "{nothing}");
        }
    }

    #[test]
    fn what_readers_understand_differently_is_refused() {
        for setting in [
            "A=a$b",
            "A=\"a$b\"",
            "A=a b",
            "A=a\\b",
            "A='a\\'",
            "A=\"a\\b\"",
            "A=a'b",
            "A=a\"b",
            "A='a",
            "A=\"a",
            "A='a'b",
            "A=#b",
            "A=b\t# c",
            "A =b",
            "A= b",
            "A= # b",
            "A",
            "1A=b",
            "A-B=c",
            "=b",
        ] {
            assert_eq!(name_of(setting), Err(Ambiguous), "{setting}");
        }
    }

    #[test]
    fn a_missing_file_is_fine_and_a_setting_that_is_there_twice_is_not() {
        let path = std::env::temp_dir().join(format!("beers-dot-env-{:08x}", rand::random::<u32>()));
        assert!(read(&path).is_ok());
        fs::write(&path, "BEERS_A=1\n\nBEERS_A=2\n").unwrap();
        let twice = read(&path).unwrap_err().to_string();
        fs::write(&path, "# Settings\nBEERS_A=a$b\n").unwrap();
        let ambiguous = read(&path).unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert!(twice.ends_with("sets BEERS_A twice"), "{twice}");
        assert!(ambiguous.starts_with("line 2 of ") && ambiguous.contains("NAME='value'"), "{ambiguous}");
    }
}
