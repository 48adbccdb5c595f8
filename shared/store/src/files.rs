//! The files of a service's databases: one per episode, `{service}-{episode}.sqlite`. If an episode on another broker has the
//! same number, its file is kept as `….sqlite.{episode_id}`, and brought back when that episode runs again.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// How many earlier episodes keep their files: their orders still have a page.
const EPISODES_KEPT: usize = 5;
/// How many files of episodes on other brokers are kept, the newest first.
const ELSEWHERE_KEPT: usize = 20;
/// Endings of the files that SQLite adds while a database is open.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// The file of an episode.
pub(crate) fn of_episode(folder: &Path, service: &str, episode: u32) -> PathBuf {
    folder.join(format!("{service}-{episode}.sqlite"))
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Where the file is kept while another episode with its number runs. Ids that an earlier version of the suite accepted may
/// contain anything.
fn aside(file: &Path, episode_id: &str) -> PathBuf {
    let plain: String = episode_id.chars().filter(|char| char.is_ascii_alphanumeric() || *char == '-').collect();
    beside(file, &format!(".{plain}"))
}

/// Renames a closed database, so that another one can take its name.
///
/// # Errors
/// If the file cannot be renamed, or another program has it open, as its last changes are then in a second file.
pub(crate) fn set_aside(file: &Path, episode_id: &str) -> io::Result<()> {
    if beside(file, "-wal").exists() {
        let name = file.file_name().unwrap_or_default().display();
        return Err(io::Error::other(format!("another program has {name} open")));
    }
    fs::rename(file, aside(file, episode_id))
}

/// Brings the database of this episode back, if it was set aside and its place is free.
///
/// # Errors
/// If the file cannot be renamed.
pub(crate) fn bring_back(file: &Path, episode_id: &str) -> io::Result<()> {
    let aside = aside(file, episode_id);
    if file.exists() || !aside.exists() { Ok(()) } else { fs::rename(aside, file) }
}

/// Deletes the files of old episodes. Files that cannot be deleted are left.
pub(crate) fn forget_old(folder: &Path, service: &str, episode: u32) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let (mut before, mut elsewhere) = (Vec::new(), Vec::new());
    for entry in entries.filter_map(Result::ok) {
        let Some(number) = number(&entry.file_name(), service) else { continue };
        let is_aside = entry.path().extension() != Some(OsStr::new("sqlite"));
        let changed = entry.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        if is_aside || number > episode {
            elsewhere.push((changed, entry.path()));
        } else if number < episode {
            before.push((number, entry.path()));
        }
    }
    before.sort();
    elsewhere.sort();
    let before = before.iter().rev().skip(EPISODES_KEPT).map(|(_, path)| path);
    let elsewhere = elsewhere.iter().rev().skip(ELSEWHERE_KEPT).map(|(_, path)| path);
    for file in before.chain(elsewhere) {
        drop(fs::remove_file(file));
        for companion in COMPANIONS {
            drop(fs::remove_file(beside(file, companion)));
        }
    }
}

/// The episode in the name of a database of this service, in its place or set aside.
fn number(name: &OsStr, service: &str) -> Option<u32> {
    let rest = name.to_str()?.strip_prefix(service)?.strip_prefix('-')?;
    let (number, ending) = rest.split_once(".sqlite")?;
    let is_database = ending.is_empty() || ending.starts_with('.');
    if is_database { number.parse().ok() } else { None }
}
