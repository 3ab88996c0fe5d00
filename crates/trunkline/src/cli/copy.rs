//! The flags of `copy`.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::Args;
use node::ssh::fan::AT_ONCE;

use super::ssh::SshFlags;
use crate::completion;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS, mut_arg("port", |port| port.short('P')))]
pub(crate) struct CopyFlags {
    /// What, and last where to; one side is TARGETS:PATH
    #[arg(value_name = "PATHS", num_args = 2.., required = true, add = completion::files_here_or_there())]
    pub(crate) paths: Vec<OsString>,

    /// Directories, too, with all that is in them; links are followed
    #[arg(short = 'r', help_heading = "What is copied")]
    pub(crate) recursive: bool,

    /// Keep modes and times
    #[arg(short = 'p', help_heading = "What is copied")]
    pub(crate) keep: bool,

    /// Leave these out
    #[arg(short = 'x', long, value_name = "TARGETS", add = completion::targets(), help_heading = "Which machines")]
    pub(crate) exclude: Option<String>,

    /// So many machines at once
    #[arg(
        short = 'f',
        long = "fan-out",
        value_name = "NUMBER",
        default_value_t = AT_ONCE,
        help_heading = "Which machines"
    )]
    pub(crate) at_once: NonZeroUsize,

    /// Say only what went wrong
    #[arg(short = 'q', help_heading = "Output")]
    pub(crate) quiet: bool,

    /// Print JSON lines: each file that was not copied, and the end on each machine
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) ssh: SshFlags,
}

const EXAMPLES: &str = "\
Examples:
  trunkline copy motd 'n[01-40]:/etc/'
  trunkline copy -r gate:/etc/chrony .
  trunkline copy 'n[01-40]:/etc/hostname' names/
See --help for more.";

const DETAILS: &str = "\
A path with a colon before any slash is on machines; ./a:b is here. What stands before
the colon is as with run: names of the book, ranges, @groups, USER@HOST. An IPv6
address stands in brackets, and the port behind -P. Over there a relative path begins
at the user's home, and *, ? and [...] match names; quote them.

From one machine files get their own names. From several they get the machine's, too,
behind it: names/hostname.n07.

No file is ever half there under its own name: its bytes go into .NAME.trunkline-*.part
beside it, which takes the name when it is whole and on disk. What is replaced keeps
its mode; what is new has that of the original, less the umask, or exactly with -p.
Of a file that grows meanwhile the length that it had at first is copied; one that
became shorter is an error. Nothing here keeps setuid and setgid.

A file that cannot be copied stops no other one. Ctrl-C takes away what is unfinished.
Who copied what to where, and how much, stands in the journal (`log`).

With --json each line has `machine` and `kind`: `error` with `text` for a file that was not
copied, and `end` with `outcome` (copied, failed, unreachable) and `reason`.

Exit codes:
  0 all was copied, 255 if a machine could not be reached or was lost, else 1 if a
  file was not copied, 2 wrong usage, 130 Ctrl-C

Examples:
  A file to all, as root by way of another machine:
    trunkline copy -l root -J gate chrony.conf '@lab:/etc/chrony/'
  What matches, with modes and times:
    trunkline copy -p 'n07:/var/log/*.gz' logs/
  A folder there and back:
    trunkline copy -r site gate:/srv/www && trunkline copy -r gate:/srv/www/site back";
