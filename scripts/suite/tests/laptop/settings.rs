//! Settings: all are listed, and all readers of `.env` read the same.

use std::{collections::BTreeSet, fs, process::Command};

use service::dot_env;

use super::{Folder, errors, files, top};

/// Set by the system, by its tools, or by one of our programs for another: not for `.env`.
const NOT_OURS: [&str; 16] = [
    "BROKER_WATCHED", // by scripts/demo and Compose, for the stage
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_CRATE_NAME",
    "CARGO_TARGET_DIR",
    "HOME",
    "JAVA_HOME",
    "LISTENERS",        // by Compose, for its broker
    "MALLOC_ARENA_MAX", // by scripts/demo and Compose, for the C library
    "OF_USE_WITHIN_S",  // by the tests of scripts/watch-broker
    "OUT_DIR",
    "PULSAR_EXTRA_OPTS", // from scripts/pulsar.env
    "PULSAR_SETTINGS",   // by scripts/broker and Compose, for scripts/standalone
    "READY_FILE",        // by Compose, for scripts/watch-broker
    "TMPDIR",
    "XDG_CACHE_HOME",
];

/// The names in the example file.
fn listed() -> BTreeSet<String> {
    let example = fs::read_to_string(top().join(".env.example")).unwrap();
    let setting = |line: &str| Some(line.strip_prefix('#')?.split_once('=')?.0.to_owned());
    example.lines().filter_map(setting).filter(|name| is_name(name)).collect()
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// The names that follow each of these beginnings, up to the first character that no name contains.
fn names_after(text: &str, beginnings: &[&str]) -> BTreeSet<String> {
    let after = |beginning: &&str| text.split(*beginning).skip(1).map(str::to_owned).collect::<Vec<_>>();
    let word = |rest: String| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap().to_owned();
    beginnings.iter().flat_map(after).map(word).filter(|name| is_name(name)).collect()
}

/// What is read from the environment: by Rust with the functions for it, by Compose, and by the scripts with a default
/// or with a check that it is set.
fn read() -> BTreeSet<String> {
    let mut sources = Vec::new();
    for folder in ["shared", "services", "scripts/suite"] {
        files(&top().join(folder), &mut sources);
    }
    sources.retain(|path| path.extension().is_some_and(|kind| kind == "rs") && path.iter().any(|part| part == "src"));
    let mut names = BTreeSet::new();
    let calls =
        ["text(\"", "number(\"", "number_in(&setting, \"", "setting(\"", "set(\"", "or(\"", "var(\"", "var_os(\""];
    for path in sources {
        names.extend(names_after(&fs::read_to_string(path).unwrap(), &calls));
    }
    let compose = fs::read_to_string(top().join("docker-compose.yml")).unwrap();
    names.extend(names_after(&compose.replace("$$", ""), &["${"]));
    for script in fs::read_dir(top().join("scripts")).unwrap() {
        let path = script.unwrap().path();
        if path.is_file() && path.extension().is_none() {
            let script = fs::read_to_string(path).unwrap();
            let optional =
                |name: &String| script.contains(&format!("${{{name}:-")) || script.contains(&format!("${{{name}+"));
            names.extend(names_after(&script, &["${"]).into_iter().filter(optional));
        }
    }
    names
}

#[test]
fn every_setting_is_in_the_example_file_and_nothing_else_is() {
    let not_ours: BTreeSet<String> = NOT_OURS.map(str::to_owned).into();
    let of_libraries = ["TZ", "RUST_LOG", "OTEL_SERVICE_NAME"].map(str::to_owned);
    let mut settings = read();
    assert!(settings.len() > 15, "{settings:?}");
    settings.extend(of_libraries);
    let settings: BTreeSet<String> = settings.difference(&not_ours).cloned().collect();
    assert_eq!(settings, listed());
}

/// The value of `A` that `scripts/settings` reads from this text as `.env`.
fn script_reads(text: &str) -> Result<String, String> {
    let folder = Folder::new();
    fs::write(folder.path(".env"), text).unwrap();
    let script = "die() { echo \"$*\" >&2; exit 1; }; . \"$HERE/settings\"; read_dot_env; printf '%s' \"${A-}\"";
    let mut bash = Command::new("bash");
    let scripts = top().join("scripts");
    bash.args(["-c", script]).env("ROOT", &folder.0).env("HERE", scripts).env_remove("A");
    let output = bash.output().unwrap();
    if output.status.success() { Ok(String::from_utf8(output.stdout).unwrap()) } else { Err(errors(&output)) }
}

/// The value that the programs read.
fn program_reads(text: &str) -> Result<String, String> {
    let folder = Folder::new();
    fs::write(folder.path(".env"), text).unwrap();
    let settings = dot_env::settings(&folder.path(".env")).map_err(|error| error.to_string())?;
    Ok(settings.into_iter().find_map(|(name, value)| (name == "A").then_some(value)).unwrap_or_default())
}

#[test]
fn scripts_and_programs_read_the_same_values() {
    for (line, value) in [
        ("A=", ""),
        ("A=b # c", "b"),
        ("A='' # c", ""),
        ("A= \n", ""),
        ("A=a#b", "a#b"),
        ("A=http://10.0.0.7:8000/a?b=c&d=é", "http://10.0.0.7:8000/a?b=c&d=é"),
        ("A='a$b ${HOME} \"c\" # d'", "a$b ${HOME} \"c\" # d"),
        ("A=\"it's # here\" # c", "it's # here"),
        ("  export A=b", "b"),
        ("A=b\r\n", "b"),
        ("# A=$c\n\nB=x\nA=b", "b"),
    ] {
        assert_eq!(script_reads(line), Ok(value.to_owned()), "{line}");
        assert_eq!(program_reads(line), Ok(value.to_owned()), "{line}");
    }
}

#[test]
fn scripts_and_programs_refuse_what_readers_understand_differently() {
    for line in [
        "A=a$b",
        "A=\"a$b\"",
        "A=a b",
        "A=a\\b",
        "A='a\\'",
        "A=a'b'",
        "A='a",
        "A=#b",
        "A= # b",
        "A=b\t# c",
        "A = b",
        "A: b",
        "A",
        "A=b\nA=c",
    ] {
        let (script, program) = (script_reads(line).unwrap_err(), program_reads(line).unwrap_err());
        assert_eq!(script.lines().count(), 1, "{line}: {script}");
        let (_, script_says) = script.trim_end().split_once(".env").unwrap();
        let (_, program_says) = program.split_once(".env").unwrap();
        assert_eq!(script_says, program_says, "{line}");
    }
}
