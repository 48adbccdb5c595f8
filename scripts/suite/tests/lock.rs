//! When several demos find the lock of a demo that was killed, one of them gets the folder.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

const ROUNDS: usize = 10;
const DEMOS: usize = 8;

/// The part of `scripts/demo` that takes its folder. It reports that, looks once more when told to, and holds the
/// folder until it is told to end.
const TAKE: &str = r#"
set -euo pipefail
die() { echo "refused"; exit 1; }
stop_all() { :; }
end_leftovers() { :; }
DATA_DIR=$2 RUN=$2
eval "$(sed -n '/^take_data_dir() {/,/^}/p; /^check_lock() {/,/^}/p' "$1")"
take_data_dir
echo took
read -r _
check_lock
echo taken
read -r _ || true
"#;

fn take(folder: &Path) -> Result<Child> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo");
    let mut bash = Command::new("bash");
    // The name by which a demo recognises another one.
    bash.args(["-c", TAKE, "demo"]).arg(demo).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(bash.spawn()?)
}

/// A process that has ended.
fn gone() -> Result<u32> {
    let mut child = Command::new("true").spawn()?;
    child.wait()?;
    Ok(child.id())
}

fn next_word(output: &mut BufReader<ChildStdout>) -> Result<String> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

#[test]
fn one_of_several_demos_takes_over_a_stale_lock() -> Result<()> {
    for round in 0..ROUNDS {
        let folder = std::env::temp_dir().join(format!("beers-lock-{:08x}", rand::random::<u32>()));
        std::fs::create_dir_all(&folder)?;
        std::os::unix::fs::symlink(gone()?.to_string(), folder.join("demo.lock"))?;
        let mut demos = (0..DEMOS).map(|_| take(&folder)).collect::<Result<Vec<_>>>()?;
        let mut outputs = Vec::new();
        for demo in &mut demos {
            outputs.push(BufReader::new(demo.stdout.take().context("no output")?));
        }
        // All have tried before one looks again, and the one that has the folder holds it until all have reported.
        let took = outputs.iter_mut().map(next_word).collect::<Result<Vec<_>>>()?;
        for demo in &mut demos {
            // A refused one has ended.
            drop(demo.stdin.as_mut().context("no input")?.write_all(b"\n"));
        }
        let mut said = Vec::new();
        for (took, output) in took.iter().zip(&mut outputs) {
            said.push(if took == "took" { next_word(output)? } else { took.clone() });
        }
        for mut demo in demos {
            drop(demo.stdin.take());
            demo.wait()?;
        }
        std::fs::remove_dir_all(&folder)?;
        let taken = said.iter().filter(|said| *said == "taken").count();
        ensure!(taken == 1, "round {round}: {said:?}");
    }
    Ok(())
}
