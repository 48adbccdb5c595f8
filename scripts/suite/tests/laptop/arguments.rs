//! What each program answers to `--help`, to `--version`, and to wrong arguments.

use std::{fs, path::PathBuf, process::Command};

use super::{errors, said, top};

/// The scripts that are run, not sourced, and the programs of this package.
fn programs() -> Vec<PathBuf> {
    let scripts = fs::read_dir(top().join("scripts")).unwrap().map(|entry| entry.unwrap().path());
    let is_run = |path: &PathBuf| path.is_file() && fs::read(path).unwrap().starts_with(b"#!");
    let mut programs: Vec<PathBuf> = scripts.filter(is_run).collect();
    assert!(programs.len() > 5, "{programs:?}");
    programs.extend(
        [
            env!("CARGO_BIN_EXE_kills"),
            env!("CARGO_BIN_EXE_measure"),
            env!("CARGO_BIN_EXE_pictures"),
            env!("CARGO_BIN_EXE_rehearse"),
        ]
        .map(PathBuf::from),
    );
    programs
}

#[test]
fn every_program_has_help_and_a_version() {
    for program in programs() {
        let name = program.file_name().unwrap().to_str().unwrap();
        let help = said(Command::new(&program).arg("--help"));
        assert!(help.lines().count() > 2 && help.contains(name), "{name}: {help}");
        assert_eq!(said(Command::new(&program).arg("-h")), help);
        let version = format!("{name} {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(said(Command::new(&program).arg("--version")), version);
    }
}

#[test]
fn wrong_usage_is_one_sentence_and_exit_code_2() {
    for program in programs() {
        let output = Command::new(&program).arg("--nonsense").output().unwrap();
        let said = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{}: {said}", program.display());
        assert_eq!(said.lines().count(), 1, "{}: {said}", program.display());
        assert!(said.trim_end().ends_with("--help") && output.stdout.is_empty(), "{said}");
    }
}
