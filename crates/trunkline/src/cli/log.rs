//! The flags of `log`.

use clap::Args;

use super::values;
use crate::completion;

/// The target that means the last run.
pub(crate) const LAST_RUN: &str = "last";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct LogFlags {
    /// Only with these: names or @groups of the book, the name that somebody gives himself, an IP address, or an
    /// address as `connect` takes it; or `last`: what the last run printed, again
    #[arg(add = completion::targets_or(LAST_RUN))]
    pub(crate) target: Option<String>,

    /// Only from this time on, such as 2h, 3d, 14:30, yesterday or 2026-11-22
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,

    /// Only with this text: words of a message, part of a command, of a copy's paths or of what its machines were named by,
    /// or anything of a connection
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,

    /// The newest N, or all [default: 50; all with --since]
    #[arg(short = 'n', long, value_name = "N", value_parser = values::number_or_all)]
    pub(crate) number: Option<usize>,

    /// Print JSON lines, one per message, run, copy, shell or connection
    #[arg(long)]
    pub(crate) json: bool,

    /// Show nothing: forget, for good, everything before this time, such as 90d; but no message that waits to be sent
    #[arg(long, value_name = "WHEN", conflicts_with_all = ["target", "since", "search", "number"])]
    pub(crate) forget: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  trunkline log                       the newest 50, the newest last
  trunkline log --since 2h
  trunkline log printer -n all
  trunkline log --search 会议
  trunkline log last                  what the last run printed, folded
See --help for more.";

const DETAILS: &str = "\
Each line is a message, at the time when it came or was written (`from` somebody,
or `to` him), a `run`, a `copy` or a `shell`, at the time when it began, or a
connection to a service, at the time when it was over. The newest stands last, next to the prompt, as with
`tail` and `history`; --json has the same order. Times are shown as the clock here
has them; --json has them in UTC. Lines of a message stand one below the other.

Who is not in the book is shown by the name that he gives himself, which may be
anybody's, and by his address.

The last run:
  `log last` shows what the last run printed, or with --since and --search the last
  one that fits, all of it on standard output: each output once, as `run -b` shows
  it, how much of it was not kept, and who failed. With --json the first line is the
  one of the list, and what follows is as `run --json` prints it, byte for byte.
  Somebody who is called last is meant by his address.

Search:
  In messages, words that follow each other; of the last, two letters are enough.
  Of Chinese and Japanese every piece is found, one character also. Case,
  accents, width and punctuation make no difference. What is sealed is not
  looked at.
  In runs, any part of the command, or of what the machines were named by; in
  copies, of their paths.
  In connections, any text in the service, an address or the ending.

When:
  2h, 90min, 3d, '1w 2d'   so long ago
  14:30, today, yesterday  by the clock here
  2026-11-22, '2026-11-22 14:30', 2026-11-22T06:30:00Z

The journal is the file journal.db in $XDG_STATE_HOME/trunkline (TRUNKLINE_HOME
replaces the folder). It keeps the newest 200000 connections, the newest 10000
runs, copies and shells or 256 MiB of them, with the first 64 KiB that each machine
of a run printed (of a shell nothing), and the newest 1000000 messages or 1 GB of them; one that waits to be delivered always.

Exit codes:
  0 shown, also when there is nothing to show
  1 the journal cannot be read
  2 wrong usage or configuration

Examples:
  Who was here yesterday and today:
    trunkline log --since yesterday
  What went wrong:
    trunkline log --search error -n all
  How the last run of apt ended, and what it printed:
    trunkline log last --search apt
  Everything from one machine, and from a group of the book:
    trunkline log 10.0.0.9
    trunkline log @lab
  Everything at one of our addresses, for a program:
    trunkline log tcp://127.0.0.1:8080 --json
  Forget what is older than three months:
    trunkline log --forget 90d";
