//! Completions and manual pages, from the one definition of the command line.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{Exit, Outcome, printed};

/// Prints what a shell needs in order to complete our command line.
pub(crate) fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "trunkline", &mut script);
    printed(io::stdout().write_all(&script))
}

/// Prints the manual page, or writes `trunkline.1` and one `trunkline-VERB.1` per verb into a folder.
pub(crate) fn pages(folder: Option<&Path>) -> Outcome {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).context("making the manual page")?;
        return printed(io::stdout().write_all(&page));
    };
    let doing = || format!("writing manual pages to {}", folder.display());
    fs::create_dir_all(folder).with_context(doing)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(doing)?;
    Ok(Exit::Good)
}
