//! Command-line arguments: `--help` and `--version` in every program, and one sentence and exit code 2 for arguments that a
//! program does not have.

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

pub use lexopt::{Arg, Error, Parser, ValueExt};

/// The exit code for wrong arguments.
const WRONG_USAGE: u8 = 2;

/// The name and help text of a program.
pub struct Program {
    pub name: &'static str,
    pub help: String,
}

impl Program {
    /// Has the arguments of this process read by `read`.
    ///
    /// # Errors
    /// If there is nothing left to do, with the exit code: help or version were asked for, or an argument is wrong. It has
    /// been printed then.
    pub fn read<T>(&self, read: impl FnOnce(&mut Parser) -> Result<T, Error>) -> Result<T, ExitCode> {
        // There is nobody left to tell if the output is closed.
        match self.understand(std::env::args_os().skip(1).collect(), read) {
            Understood::Work(work) => Ok(work),
            Understood::Answer(answer) => {
                drop(writeln!(io::stdout(), "{answer}"));
                Err(ExitCode::SUCCESS)
            }
            Understood::Wrong(why) => {
                drop(writeln!(io::stderr(), "{why}"));
                Err(ExitCode::from(WRONG_USAGE))
            }
        }
    }

    fn understand<T>(
        &self,
        arguments: Vec<OsString>,
        read: impl FnOnce(&mut Parser) -> Result<T, Error>,
    ) -> Understood<T> {
        let asks_for = |long: &str, short: &str| {
            let mut options = arguments.iter().take_while(|argument| *argument != "--");
            options.any(|argument| argument == long || argument == short)
        };
        if asks_for("--help", "-h") {
            return Understood::Answer(self.help.trim_end().to_owned());
        }
        if asks_for("--version", "-V") {
            return Understood::Answer(format!("{} {}", self.name, env!("CARGO_PKG_VERSION")));
        }
        match read(&mut Parser::from_args(arguments)) {
            Ok(work) => Understood::Work(work),
            Err(error) => Understood::Wrong(format!("{0}: {error}; see {0} --help", self.name)),
        }
    }
}

/// Returns `asked` if no argument is left.
///
/// # Errors
/// If there is one.
pub fn nothing_more<T>(parser: &mut Parser, asked: T) -> Result<T, Error> {
    match parser.next()? {
        None => Ok(asked),
        Some(more) => Err(more.unexpected()),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Understood<T> {
    Work(T),
    Answer(String),
    Wrong(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understand(arguments: &[&str]) -> Understood<bool> {
        let program = Program { name: "brew", help: "Usage: brew [--strong]\n".to_owned() };
        program.understand(arguments.iter().map(OsString::from).collect(), |parser| {
            let mut strong = false;
            while let Some(argument) = parser.next()? {
                match argument {
                    Arg::Long("strong") => strong = true,
                    other => return Err(other.unexpected()),
                }
            }
            Ok(strong)
        })
    }

    #[test]
    fn help_and_version_are_answered_whatever_else_is_asked() {
        for help in [&["--help"][..], &["-h"], &["nonsense", "--help"]] {
            assert_eq!(understand(help), Understood::Answer("Usage: brew [--strong]".to_owned()), "{help:?}");
        }
        assert_eq!(understand(&["-V"]), Understood::Answer(format!("brew {}", env!("CARGO_PKG_VERSION"))));
    }

    #[test]
    fn what_a_program_does_not_take_is_told_in_a_sentence() {
        assert_eq!(understand(&["--strong"]), Understood::Work(true));
        for (wrong, why) in [
            (&["ale"][..], "brew: unexpected argument \"ale\"; see brew --help"),
            (&["--weak"], "brew: invalid option '--weak'; see brew --help"),
            (&["--", "--help"], "brew: unexpected argument \"--help\"; see brew --help"),
        ] {
            assert_eq!(understand(wrong), Understood::Wrong(why.to_owned()));
        }
    }
}
