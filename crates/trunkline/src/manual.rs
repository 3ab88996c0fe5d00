//! Manual pages, from the one definition of the command line.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::failure::{Exit, Outcome};
use crate::stdout;

/// Prints the manual page, or writes `trunkline.1` and one `trunkline-VERB.1` per verb into a folder.
pub(crate) fn pages(folder: Option<&Path>) -> Outcome {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).context("making the manual page")?;
        return stdout::print(&page);
    };
    let doing = || format!("writing manual pages to {}", folder.display());
    fs::create_dir_all(folder).with_context(doing)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(doing)?;
    Ok(Exit::Good)
}
