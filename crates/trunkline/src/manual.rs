//! Completions and manual pages, from the one definition of the command line.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{Exit, Outcome};

/// Prints what a shell needs in order to complete our command line.
pub(crate) fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "trunkline", &mut script);
    print(&script)
}

/// Prints the manual page, or writes `trunkline.1` and one `trunkline-VERB.1` per verb into a folder.
pub(crate) fn pages(folder: Option<&Path>) -> Outcome {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).context("making the manual page")?;
        return print(&page);
    };
    let doing = || format!("writing manual pages to {}", folder.display());
    fs::create_dir_all(folder).with_context(doing)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(doing)?;
    Ok(Exit::Good)
}

/// To standard output. A reader that leaves early, such as `head`, has read what it wanted.
fn print(bytes: &[u8]) -> Outcome {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("writing to standard output").into())
        }
        _ => Ok(Exit::Good),
    }
}
