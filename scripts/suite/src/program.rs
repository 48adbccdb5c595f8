//! A program of this package, from its arguments to its exit code.
#![expect(clippy::print_stderr, reason = "a program says what went wrong")]

use std::{future::Future, process::ExitCode};

use anyhow::Result;
use service::{
    arguments::{Error, Parser, Program},
    environment,
};

/// Reads the arguments and `.env`, and runs `work`, which returns whether all is fine.
pub fn run<Asked, Working>(
    program: &Program,
    read: impl FnOnce(&mut Parser) -> Result<Asked, Error>,
    work: impl FnOnce(Asked) -> Working,
) -> ExitCode
where
    Working: Future<Output = Result<bool>>,
{
    let asked = match program.read(read) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    let done = environment::read_dot_env()
        .map_err(anyhow::Error::from)
        .and_then(|()| tokio::runtime::Runtime::new()?.block_on(work(asked)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error:#}", program.name);
            ExitCode::FAILURE
        }
    }
}
