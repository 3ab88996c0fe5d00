//! The flags of `shell`.

use clap::Args;

use super::ssh::SshFlags;
use crate::completion;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct ShellFlags {
    /// A name of the book, or USER@HOST:PORT
    #[arg(value_name = "TARGET", add = completion::machines())]
    pub(crate) target: String,

    /// No terminal over there: lines go there when they are whole, and Ctrl-C leaves
    #[arg(short = 'T', help_heading = "As with ssh")]
    pub(crate) no_terminal: bool,

    #[command(flatten)]
    pub(crate) ssh: SshFlags,
}

const EXAMPLES: &str = "\
Examples:
  trunkline shell gate
  trunkline shell root@192.168.1.7:2222
  trunkline shell gate < script.sh
See --help for more.";

const DETAILS: &str = "\
At a terminal:
  The login shell over there gets a terminal as this one is: its TERM, its modes, its
  size and every later one. All keys are for it, Ctrl-C too, but for these at the
  beginning of a line:
    ~.  leaves, also when the connection is dead
    ~~  sends one ~
    ~?  says what there is

Without one, or with -T:
  The login shell reads standard input as it is, and what it prints passes as it is.

Machines are found, trusted and logged in to as ssh does it: ~/.ssh/config, known_hosts,
the agent, keys. A key of a machine that is not known is asked about at a terminal, and
refused elsewhere, unless -o StrictHostKeyChecking=accept-new. Variables go along by
SendEnv and SetEnv, and -o ServerAliveInterval=30 notices a dead connection.

That there was a terminal, who had it and for how long stands in the journal (`log`),
nothing of what was typed or shown.

Exit codes:
  that of the shell, 128 + n if signal n ended it or this program,
  255 no connection, lost, or left by ~.
  2 wrong usage, 130 Ctrl-C while connecting

Examples:
  A machine of the book:
    trunkline shell gate
  Behind another one, as root:
    trunkline shell -J gate -l root 10.0.0.7
  A script of this machine for the login shell over there:
    trunkline shell gate < script.sh";
