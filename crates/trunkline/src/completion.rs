//! What a shell is told when somebody presses its key for completions. Its script asks this program each time, which
//! alone knows the names of the book.

use anyhow::{Context as _, anyhow};
use clap::CommandFactory as _;
use clap_complete::CompleteEnv;
use clap_complete::env::{Fish, Shells, Zsh};

use crate::cli::Cli;
use crate::failure::{Failure, Outcome};
use crate::stdout;

mod bash;
mod names;

pub(crate) use names::{endpoints, entries, files_here_or_there, groups, machines, targets, targets_or};

/// Tells this program that a script asks, and of which shell it is.
const VARIABLE: &str = "TRUNKLINE_COMPLETE";

/// The name that the scripts complete, and by which they call.
const PROGRAM: &str = "trunkline";

const SHELLS: Shells<'static> = Shells(&[&bash::Bash, &Zsh, &Fish]);

/// Answers a script and ends the process, if that is what it was started for.
pub(crate) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).shells(SHELLS).complete();
}

/// Prints the script of a shell.
pub(crate) fn script(shell: &str) -> Outcome {
    let completer = SHELLS.completer(shell).ok_or_else(|| {
        let known = SHELLS.names().collect::<Vec<_>>().join(", ");
        Failure::usage(anyhow!("'{}' is not a shell known here: write one of {known}", shell.escape_debug()))
    })?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .with_context(|| format!("writing the completions for {shell}"))?;
    stdout::print(script)
}
