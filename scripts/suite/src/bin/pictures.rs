//! `pictures`: takes the pictures of the documents from a running suite; see `scripts/pictures`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use service::arguments::{Arg, Parser, Program, nothing_more};
use suite::{
    program,
    rehearsal::{Place, pictures},
};

const HELP: &str = "\
pictures takes the pictures for the documents from the running suite; scripts/pictures builds and runs it.

Usage: pictures FOLDER

Settings come from the environment and from the file .env; .env.example lists them.";

fn main() -> ExitCode {
    let program = Program { name: "pictures", help: HELP.to_owned() };
    let folder = |parser: &mut Parser| match parser.next()? {
        Some(Arg::Value(folder)) => nothing_more(parser, PathBuf::from(folder)),
        Some(other) => Err(other.unexpected()),
        None => Err("a folder is needed".into()),
    };
    program::run(&program, folder, take)
}

async fn take(folder: PathBuf) -> Result<bool> {
    let place = Place::of(|name| std::env::var(name).ok())?;
    pictures::take(&place, &folder, |name| println!("{name}")).await?;
    Ok(true)
}
