//! The flags of `send`.

use std::time::Duration;

use clap::Args;

use super::values;
use crate::completion;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct SendFlags {
    /// Names in sight or of the book, ranges such as 'pc[1-3]', @groups, with commas between; or an address
    #[arg(value_name = "TARGETS", add = completion::targets())]
    pub(crate) targets: String,

    /// The text, its words joined by spaces; `-` alone: all of standard input
    #[arg(value_name = "TEXT", required = true, trailing_var_arg = true)]
    pub(crate) text: Vec<String>,

    /// How long to wait until it has arrived; 0: not at all [default: 5; without a running node 1.5]
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds)]
    pub(crate) wait: Option<Duration>,

    /// Seal it: the other sees the text when he opens it, and you are told
    #[arg(long)]
    pub(crate) sealed: bool,

    /// Print JSON lines, one per receiver
    #[arg(long)]
    pub(crate) json: bool,
}

const EXAMPLES: &str = "\
Examples:
  trunkline send wang -- lunch at 12?
  trunkline send '@lab,pc[1-3]' -- the network goes down at 17:00
  uptime | trunkline send wang -
See --help for more.";

const DETAILS: &str = "\
A line for each receiver says what became of it:
  wang: delivered in 3 ms     his program has it
  wang: queued                nobody answered; the node sends it again in time
  wang: kept; will go when \"trunkline up\" runs
                              the same, where no node runs to do that
  wang: failed: ...           it can never be delivered, and is not kept
Any of these but the last is on disk: it survives a crash and a restart.

Who is meant:
  A name of the book comes before a name in sight, which is a claim. Options stand
  before the text, as with ssh: what follows its first word belongs to it. Quote
  what the shell would take for itself.
  A message has at most 32 KiB. Of standard input the last line end is left out.

Exit codes:
  0 delivered to all, 1 failed for somebody, 2 wrong usage,
  3 not delivered to everybody yet, 130 Ctrl-C

Examples:
  To somebody in sight, or of the book:
    trunkline send wang -- lunch at 12?
  To a group and some seats, without one:
    trunkline send '@lab,pc[1-3],-pc2' -- the network goes down at 17:00
  To an address:
    trunkline send 10.0.0.21 -- who are you?
  What a program printed, as one message:
    uptime | trunkline send wang -
  Not to be read over his shoulder:
    trunkline send --sealed wang -- the keys are in the left drawer
  Leave it to the node:
    trunkline send --wait 0 wang -- whenever you are back";
