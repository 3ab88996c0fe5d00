//! What `shell` is to do, checked.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use node::home::Home;
use node::journal::RunVerb;
use node::ssh::command::Terminal;
use node::ssh::{Command, Here, Machine};
use rustix::stdio::stdin;
use rustix::termios::tcgetattr;

use super::modes::modes;
use super::signals::size;
use crate::cli::ShellFlags;
use crate::failure::Failure;
use crate::ssh::{self, Entry};

/// What `shell` is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What is kept of it in the journal.
    pub(super) entry: Entry,
    pub(super) machine: Machine,
    pub(super) connect_limit: Duration,
    /// A person is at a terminal, and gets one over there.
    pub(super) at_terminal: bool,
}

impl Plan {
    pub(crate) fn new(flags: ShellFlags) -> Result<Self, Failure> {
        let home = Home::of_this_user().map_err(Failure::usage)?;
        let here = Here::of_process();
        let user = here.user.clone();
        let connect_limit = flags.ssh.connect_limit;
        let found = ssh::machines(flags.ssh, here, &flags.target, None)?;
        let number = found.list.len();
        let [machine] = <[Machine; 1]>::try_from(found.list).map_err(|_| {
            Failure::usage(anyhow!("a terminal is for one machine, and these are {number}"))
                .hint(format_args!("trunkline run {} -- COMMAND", flags.target))
        })?;
        let entry = Entry { home, user, verb: RunVerb::Shell, targets: flags.target, command: String::new() };
        Ok(Self {
            entry,
            machine,
            connect_limit,
            at_terminal: !flags.no_terminal && io::stdin().is_terminal(),
        })
    }

    /// The login shell, with a terminal as this one is now.
    pub(super) fn command(&self) -> anyhow::Result<Command> {
        let terminal = self.at_terminal.then(|| self.terminal()).transpose();
        let terminal = terminal.context("looking at the terminal")?;
        Ok(Command { terminal, ..Command::new("") })
    }

    fn terminal(&self) -> io::Result<Terminal> {
        Ok(Terminal { name: self.terminal_name(), size: size()?, modes: modes(&tcgetattr(stdin())?) })
    }

    /// `SetEnv TERM=...` is for a machine that does not know the own one.
    fn terminal_name(&self) -> String {
        let mut set = self.machine.end.settings.env.iter();
        match set.find(|(name, _)| name == "TERM") {
            Some((_, term)) => term.clone(),
            None => std::env::var("TERM").unwrap_or_default(),
        }
    }
}
