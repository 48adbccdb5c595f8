//! `pictures`: takes the pictures of the documents from a suite that runs; see `scripts/pictures`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use service::{
    arguments::{Arg, Program, nothing_more},
    environment,
};
use suite::rehearsal::{Place, pictures};

const HELP: &str = "\
pictures takes the pictures of the documents from the suite that runs; scripts/pictures builds and runs it.

Usage: pictures FOLDER

Settings come from the environment and from the file .env; .env.example lists them.";

fn main() -> ExitCode {
    let program = Program { name: "pictures", help: HELP.to_owned() };
    let folder = program.read(|parser| match parser.next()? {
        Some(Arg::Value(folder)) => nothing_more(parser, PathBuf::from(folder)),
        Some(other) => Err(other.unexpected()),
        None => Err("a folder is needed".into()),
    });
    let folder = match folder {
        Ok(folder) => folder,
        Err(code) => return code,
    };
    let taken = environment::read_dot_env()
        .map_err(anyhow::Error::from)
        .and_then(|()| tokio::runtime::Runtime::new()?.block_on(take(folder)));
    match taken {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn take(folder: PathBuf) -> Result<()> {
    let place = Place::of(|name| std::env::var(name).ok())?;
    pictures::take(&place, &folder, |name| println!("{name}")).await
}
