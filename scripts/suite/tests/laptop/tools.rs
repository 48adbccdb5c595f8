//! `scripts/need` where tools are missing.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
};

use super::{Folder, errors, top};

const TOOLS: [&str; 10] =
    ["java", "mvn", "protoc", "curl", "cc", "cargo", "git", "shellcheck", "chromium", "chromedriver"];
/// The script's own tools.
const ITS_OWN: [&str; 7] = ["bash", "sed", "grep", "sort", "paste", "head", "dirname"];
const CARGO: &str = "cargo from https://rustup.rs";

/// The output of `scripts/need` on a machine that has nothing but this package manager.
fn need(manager: Option<&str>, tools: &[&str]) -> String {
    let machine = Folder::new();
    fs::create_dir_all(machine.path("scripts")).unwrap();
    // Tools of this machine that are not in the PATH do not exist either.
    let script = fs::read_to_string(top().join("scripts/need")).unwrap();
    let script = script.replace("/usr/lib/jvm", "/nowhere").replace("/etc/os-release", "/nowhere");
    fs::write(machine.path("scripts/need"), script).unwrap();
    fs::copy(top().join("scripts/arguments"), machine.path("scripts/arguments")).unwrap();
    let path = machine.path("bin");
    fs::create_dir(&path).unwrap();
    for program in ITS_OWN {
        let found = Command::new("which").arg(program).output().unwrap();
        symlink(String::from_utf8(found.stdout).unwrap().trim(), path.join(program)).unwrap();
    }
    // A user who cannot install anything.
    let stubs = [("id", "echo 1000")].into_iter().chain(manager.map(|manager| (manager, "exit 1")));
    for (name, does) in stubs {
        fs::write(path.join(name), format!("#!/bin/sh\n{does}\n")).unwrap();
        fs::set_permissions(path.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut bash = Command::new(path.join("bash"));
    bash.arg(machine.path("scripts/need")).args(tools).env("PATH", &path).env_remove("JAVA_HOME");
    let output = bash.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    errors(&output)
}

#[test]
fn all_that_is_missing_is_told_at_once_with_one_command_to_get_it() {
    let java = "java (17 or later; 17 and 25 were tried)";
    let all = format!("Missing: {java}, {}. Get them with: ", TOOLS[1..].join(", "));
    let apt = "sudo apt-get install build-essential chromium chromium-driver curl default-jre-headless git maven \
               protobuf-compiler shellcheck";
    let dnf = "sudo dnf install ShellCheck chromedriver chromium curl gcc git java-25-openjdk-headless maven \
               protobuf-compiler";
    let pacman = "sudo pacman -S --needed chromium curl gcc git jre21-openjdk-headless maven protobuf shellcheck";
    for (manager, install) in [("apt-get", apt), ("dnf", dnf), ("pacman", pacman)] {
        assert_eq!(need(Some(manager), &TOOLS), format!("{all}{install}; {CARGO}\n"));
    }
    assert_eq!(need(None, &TOOLS), format!("{all}your system's packages; {CARGO}\n"));
    let brew = need(Some("brew"), &TOOLS);
    let install = "brew install curl git google-chrome maven openjdk@21 protobuf shellcheck; xcode-select --install";
    assert!(
        brew.starts_with(&format!("{all}{install}; {CARGO}; chromedriver in the version of your Chrome")),
        "{brew}"
    );
    assert_eq!(brew.lines().count(), 1);
}

#[test]
fn what_comes_from_no_package_needs_no_package_manager() {
    assert_eq!(need(Some("dnf"), &["cargo"]), format!("Missing: cargo. Get them with: {CARGO}\n"));
}
