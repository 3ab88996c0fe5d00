//! The project's own chores: test, bench, fuzz, soak.

mod bench;
mod command;
mod fuzz;
mod load;
mod peers;
mod server;
mod soak;
mod test;
mod yardsticks;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// The project's own chores. Each says what it needs and installs it when run as root.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
enum Chore {
    Test(test::Options),
    Bench(bench::Options),
    Fuzz(fuzz::Options),
    Soak(soak::Options),
}

fn main() -> ExitCode {
    match run(&Chore::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: &Chore) -> Result<()> {
    match chore {
        Chore::Test(options) => test::run(options),
        Chore::Bench(options) => bench::run(options),
        Chore::Fuzz(options) => fuzz::run(options),
        Chore::Soak(options) => soak::run(options),
    }
}
