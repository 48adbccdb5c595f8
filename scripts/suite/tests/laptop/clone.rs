//! The files as a clone gets them.

use std::{fs, process::Command};

use super::{Folder, said, top};

/// Git for Windows sets `core.autocrlf=true`, which must not put CRLF into what bash and containers read.
#[test]
fn lines_end_with_lf_in_a_clone_that_asks_for_crlf() {
    let folder = Folder::new();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(&folder.0).args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]).args(arguments);
        said(&mut git)
    };
    git(&["init", "--quiet", "origin"]);
    let all =
        [format!("--work-tree={}", top().display()), format!("--git-dir={}", folder.path("origin/.git").display())];
    git(&[&all[0], &all[1], "add", "--all"]);
    git(&[&all[0], &all[1], "commit", "--quiet", "--message", "all files"]);
    git(&["clone", "--quiet", "--config", "core.autocrlf=true", "origin", "clone"]);
    let files = git(&["-C", "clone", "ls-files", "--eol"]);
    assert!(files.lines().count() > 100, "{files}");
    let crlf: Vec<&str> = files.lines().filter(|file| file.contains("w/crlf") || file.contains("w/mixed")).collect();
    assert_eq!(crlf, Vec::<&str>::new());
}

/// SELinux, as on Fedora, keeps a container from files without its label; elsewhere `z` has no effect.
#[test]
fn compose_labels_each_file_that_it_mounts_from_the_clone() {
    let compose = fs::read_to_string(top().join("docker-compose.yml")).unwrap();
    let mounts: Vec<&str> = compose.lines().map(str::trim).filter(|line| line.starts_with("- ./")).collect();
    assert!(!mounts.is_empty());
    for mount in mounts {
        assert!(mount.ends_with(":ro,z"), "{mount}");
    }
}
