//! The flags of `allow`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct AllowFlags {
    #[command(subcommand)]
    pub(crate) job: Option<AllowJob>,

    /// Print JSON lines, one per key, and one per connection that is ended
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
    /// Let a key in no more, and put out who is in with it
    Remove {
        /// Its label, its SHA256:... fingerprint, or the key or its file
        which: String,
    },
    /// Put out who is in, and end what it has started; the key stays allowed
    End {
        /// The number that `trunkline who` shows, or the label or the SHA256:... fingerprint of the key: all with it
        who: String,
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

    /// Let in whoever has a certificate that this key has signed, in place of the key itself
    #[arg(long)]
    pub(crate) cert_authority: bool,
}

const EXAMPLES: &str = "\
Examples:
  trunkline allow add ann.pub --until 17:00
  trunkline allow add ann.pub --only uptime
  trunkline allow
  trunkline allow end ann               out now; may come again
  trunkline allow remove ann            out now, and for good
See --help for more.";

const DETAILS: &str = "\
Whoever has one of these keys may log in at `up --ssh` as you, and do what you may.
The keys of ~/.ssh/authorized_keys are let in as well. A node that runs reads both
files anew whenever somebody logs in. When a key's time is over, or it is removed
here, who is in with it is put out. `trunkline who` shows who is in.

With --only, nothing else runs and no connection is passed on, whatever is asked for;
the command finds that in $SSH_ORIGINAL_COMMAND.
With --cert-authority, a certificate counts within its time, if your user name is among
its principals, for what it says (force-command, source-address, permit-pty,
permit-port-forwarding).

The file has the format of authorized_keys, so you may edit it, too; your lines stay:
  $XDG_CONFIG_HOME/trunkline/allow (TRUNKLINE_HOME replaces the folder)

Examples:
  A colleague, until five o'clock:
    trunkline allow add 'ssh-ed25519 AAAA... ann' --until 17:00
  The keys of somebody, from his own machine:
    ssh gate cat .ssh/id_ed25519.pub | trunkline allow add - --name li
  Only files, and only one command:
    trunkline allow add backup.pub --only internal-sftp
    trunkline allow add monitor.pub --only 'df -h'
  Everybody whom the lab's authority has given a certificate for this user:
    trunkline allow add lab_ca.pub --cert-authority
    ssh-keygen -s lab_ca -I ann -n $USER -V +8h ann.pub       (over there)
  Who is in, and out with the third:
    trunkline who
    trunkline allow end 3

Exit codes:
  0 done
  1 failed, or nobody is meant
  2 wrong usage or configuration";
