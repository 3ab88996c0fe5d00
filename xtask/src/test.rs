//! `cargo xtask test`.

use anyhow::Result;

use crate::{command, peers};

/// Run every test of the workspace
///
/// The programs of others that tests talk with (ncat, socat, python3, ...) are installed first when this runs as
/// root on Debian. Otherwise each missing one is named, and the tests that need it are skipped; with CI=true a
/// missing one is a failure.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask test                              every test
  cargo xtask test -- half_close                tests with this in their name
  cargo xtask test -- --no-fail-fast            every test, even after a failure
  cargo xtask test -- half_close -- --nocapture and what they print")]
pub(crate) struct Options {
    /// What `cargo test` gets besides
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let missing = peers::ensure()?;
    let mut cargo = command::cargo(["test", "--workspace", "--locked"]);
    cargo.args(&options.arguments).env("TRUNKLINE_SKIP", peers::names(&missing));
    command::run(&mut cargo)
}
