//! What the verbs of the ssh line have in common: which machines are meant, what a person is asked, how it ended.

mod ask;
mod floor;
mod ledger;
mod verdict;

use std::path::PathBuf;

use anyhow::anyhow;
use node::ssh::{Directory, Flags, Here, Machines};

use crate::book::own_book;
use crate::cli::SshFlags;
use crate::failure::{self, Failure};

pub(crate) use ask::Asker;
pub(crate) use floor::{Floor, REDRAW};
pub(crate) use ledger::{Entry, Ledger};
pub(crate) use verdict::{Kind, Verdict, exit_code};

/// The machines that a person means. What ssh would do otherwise is told.
pub(crate) fn machines(
    flags: SshFlags,
    here: Here,
    targets: &str,
    without: Option<&str>,
) -> Result<Machines, Failure> {
    let flags = Flags {
        config: flags.config.map(text).transpose()?,
        user: flags.login,
        port: flags.port,
        identities: flags.identity.into_iter().map(text).collect::<Result<_, _>>()?,
        jumps: flags.jump,
        options: flags.option,
    };
    let (directory, notes) = Directory::new(own_book()?, &flags, here).map_err(Failure::usage)?;
    let found = directory.machines(targets, without).map_err(Failure::usage)?;
    notes.iter().chain(&found.notes).for_each(failure::say);
    Ok(found)
}

fn text(path: PathBuf) -> Result<String, Failure> {
    path.into_os_string().into_string().map_err(|path| {
        let path = path.display();
        Failure::usage(anyhow!("the name of {path} is no UTF-8, and ssh_config(5) has no other"))
    })
}
