//! How the program ends: exit codes, and errors that name the cure.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use node::face::Refused;
use node::journal::JournalError;

/// How a verb ended. The README has the same table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The job is done.
    Good,
    /// It could not be done.
    Failed,
    /// The command line or a setting is wrong; clap ends with the same code.
    Usage,
    /// Not everything that was sent has arrived yet.
    Undelivered,
    /// Nothing came within the time allowed.
    TimedOut,
    /// Ctrl-C.
    Interrupted,
    /// What a command on another machine ended with, or ssh's code for why there was none.
    Code(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Undelivered => 3,
            Exit::TimedOut => 124,
            Exit::Interrupted => 130,
            Exit::Code(code) => code,
        })
    }
}

/// What a verb comes back with.
pub(crate) type Outcome = Result<Exit, Failure>;

/// Why a verb could not do its job: what was being done, the reason, the way to mend it, the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// The command line or a setting is wrong.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, ..Self::from(error.into()) }
    }

    /// Says how to mend it, in one line.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Ends with another code than [`Exit::Failed`].
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Tells it on standard error, and gives the exit code.
    pub(crate) fn report(self) -> Exit {
        say(format_args!("{self}"));
        self.exit
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("trunkline")?;
        // One line: "connecting to tcp://[::1]:1: Connection refused". Some errors name their reason themselves.
        let mut said = String::new();
        for reason in self.error.chain().map(ToString::to_string) {
            if !said.ends_with(&reason) {
                write!(f, ": {reason}")?;
                said = reason;
            }
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { error, hint: None, exit: Exit::Failed }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let remedy = error.remedy();
        let failure = Self::from(anyhow::Error::new(error));
        match remedy {
            Some(remedy) => failure.hint(remedy),
            None => failure,
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let Refused { reason, remedy, is_usage } = refused;
        let error = anyhow::Error::msg(reason);
        let failure = if is_usage { Self::usage(error) } else { Self::from(error) };
        remedy.into_iter().fold(failure, Self::hint)
    }
}

/// Writes a line for the person at the terminal, at once, so that it does not mix with those of others. Whoever closed
/// standard error does not want to know.
pub(crate) fn say(line: impl Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Whether there is colour on standard error: not in a pipe, not with NO_COLOR.
pub(crate) fn coloured() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_failure_says_what_was_done_why_it_failed_and_how_to_mend_it() {
        let refused: Result<(), _> = Err(io::Error::other("refused"));
        let failure =
            Failure::from(refused.context("connecting to tcp://[::1]:1").unwrap_err()).hint("start it");
        assert_eq!(failure.to_string(), "trunkline: connecting to tcp://[::1]:1: refused\nhint: start it");
        assert_eq!(failure.exit, Exit::Failed);
    }

    #[test]
    fn a_reason_that_the_error_names_itself_is_not_said_twice() {
        let failure = Failure::from(anyhow::anyhow!("refused").context("listening: refused"));
        assert_eq!(failure.to_string(), "trunkline: listening: refused");
    }

    #[test]
    fn a_wrong_command_line_ends_as_clap_ends_it() {
        assert_eq!(Failure::usage(anyhow::anyhow!("no")).exit, Exit::Usage);
    }
}
