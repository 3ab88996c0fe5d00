//! The trunkline command: parse, call the verb, map its outcome to an exit code.

mod cli;
mod connect;
mod failure;
mod manual;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Verb};
use failure::{Failure, Outcome};

fn main() -> ExitCode {
    run(Cli::parse().verb).unwrap_or_else(Failure::report).into()
}

/// Decides the shape of the runtime once: clients are plain threads, which start in no time and read standard
/// input at full speed.
fn run(verb: Verb) -> Outcome {
    match verb {
        Verb::Connect(flags) => connect::run(connect::Plan::new(flags, connect::Ends::of_process())?),
        Verb::Completions { shell } => manual::completions(shell),
        Verb::Man { folder } => manual::pages(folder.as_deref()),
    }
}
