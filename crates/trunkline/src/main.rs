//! The trunkline command: parse, call the verb, map its outcome to an exit code.

mod allow;
mod away;
mod block;
mod book;
mod chat;
mod cli;
mod completion;
mod connect;
mod control;
mod copy;
mod descriptors;
mod doctor;
mod endpoint;
mod failure;
mod json;
mod log;
mod manual;
mod mathematics;
mod run;
mod send;
mod serve;
mod shell;
mod sight;
mod ssh;
mod stdout;
mod table;
mod terminal;
mod up;
mod who;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use book::own_book;
use cli::{Cli, Verb};
use failure::{Failure, Outcome};

fn main() -> ExitCode {
    completion::answer();
    let outcome = match Cli::try_parse() {
        Ok(cli) => run(cli.verb),
        // Help, or the version.
        Err(help) if !help.use_stderr() => stdout::written(help.print()),
        Err(wrong) => wrong.exit(),
    };
    outcome.unwrap_or_else(Failure::report).into()
}

/// Decides the shape of the runtime once. Clients are plain threads, which start in no time and read standard input
/// at full speed. Servers are one thread for all connections: that costs least per message and keeps the slowest
/// answers of thousands of connections close to the others (docs/benchmarks.md).
fn run(verb: Verb) -> Outcome {
    match verb {
        Verb::Up(flags) => runtime()?.block_on(up::run(flags)),
        Verb::Serve(flags) => {
            let plan = serve::Plan::new(&flags)?;
            runtime()?.block_on(serve::run(plan))
        }
        Verb::Who(flags) => runtime()?.block_on(who::run(&flags)),
        Verb::Send(flags) => {
            let plan = send::Plan::new(flags)?;
            runtime()?.block_on(send::run(plan))
        }
        Verb::Chat(flags) => {
            let plan = chat::Plan::new(flags)?;
            runtime()?.block_on(chat::run(plan))
        }
        Verb::Away(flags) => runtime()?.block_on(away::run(flags)),
        Verb::Block(flags) => runtime()?.block_on(block::run(flags)),
        Verb::Connect(flags) => {
            connect::run(connect::Plan::new(flags, connect::Ends::of_process(), own_book)?)
        }
        Verb::Run(flags) => {
            let plan = run::Plan::new(*flags)?;
            leaving(run::run(plan))
        }
        Verb::Shell(flags) => {
            let plan = shell::Plan::new(flags)?;
            leaving(shell::run(plan))
        }
        Verb::Copy(flags) => {
            let plan = copy::Plan::new(*flags)?;
            leaving(copy::run(plan))
        }
        Verb::Book(flags) => book::run(flags),
        Verb::Allow(flags) => runtime()?.block_on(allow::run(flags)),
        Verb::Log(flags) => log::run(&flags),
        Verb::Doctor(flags) => runtime()?.block_on(doctor::run(&flags)),
        Verb::Completions { shell } => completion::script(&shell),
        Verb::Man { folder } => manual::pages(folder.as_deref()),
    }
}

/// Does it, and then waits for nothing that goes on behind it: the system may look up a name for half a minute which nobody wants
/// to know any more.
fn leaving(verb: impl Future<Output = Outcome>) -> Outcome {
    let runtime = runtime()?;
    let outcome = runtime.block_on(verb);
    runtime.shutdown_background();
    outcome
}

/// One thread.
fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_all().build().context("starting the runtime")?)
}
