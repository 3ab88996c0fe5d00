//! The flags of `allow`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct AllowFlags {
    #[command(subcommand)]
    pub(crate) job: Option<AllowJob>,

    /// Print JSON lines, one per key
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do; without a word the keys are listed.
#[derive(Debug, Subcommand)]
pub(crate) enum AllowJob {
    /// Show which keys are let in
    List,
    /// Let a key in
    Add(AllowAddFlags),
    /// Let a key in no more; who is in already stays
    Remove {
        /// Its label, its SHA256:... fingerprint, or the key or its file
        which: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AllowAddFlags {
    /// A public key in quotes, a file of one such as id_ed25519.pub, or - for standard input
    pub(crate) key: String,

    /// Until then: 17:00, 2h, 2026-11-30 (to its end) or '2026-11-30 17:00' [default: for ever]
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,

    /// This command, in place of whatever is asked for; internal-sftp is files only [default: everything]
    #[arg(long, value_name = "CMD")]
    pub(crate) only: Option<String>,

    /// Whose it is [default: the comment behind the key]
    #[arg(long, value_name = "LABEL")]
    pub(crate) name: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  trunkline allow add ann.pub --until 17:00
  trunkline allow add ann.pub --only uptime
  trunkline allow
  trunkline allow remove ann
See --help for more.";

const DETAILS: &str = "\
Whoever has one of these keys may log in at `up --ssh` as you, and do what you may.
The keys of ~/.ssh/authorized_keys are let in as well. A node that runs reads both
files anew whenever somebody logs in. When a key's time is over, who is in with it is
put out.

The file has the format of authorized_keys, so you may edit it, too; your lines stay:
  $XDG_CONFIG_HOME/trunkline/allow (TRUNKLINE_HOME replaces the folder)

Examples:
  A colleague, until five o'clock:
    trunkline allow add 'ssh-ed25519 AAAA... ann' --until 17:00
  The keys of somebody, from his own machine:
    ssh gate cat .ssh/id_ed25519.pub | trunkline allow add - --name li
  Only files, and only one command:
    trunkline allow add backup.pub --only internal-sftp
    trunkline allow add monitor.pub --only 'df -h'";
