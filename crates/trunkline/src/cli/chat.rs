//! The flags of `chat`.

use clap::Args;

use crate::completion;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct ChatFlags {
    /// With whom: a name in sight or of the book, an @group, an address; without it you are asked
    #[arg(value_name = "TARGET", add = completion::targets())]
    pub(crate) target: Option<String>,

    /// Line by line: needed, since there is no screen yet
    #[arg(long)]
    pub(crate) plain: bool,
}

const EXAMPLES: &str = "\
Examples:
  trunkline chat --plain
  trunkline chat --plain wang
See --help for more.";

const DETAILS: &str = "\
Choose somebody by name, then type: each line is a message, empty ones are
skipped. `quit` goes back to the choice, and leaves from there; Ctrl-D leaves.
What comes is shown above the line that you type, as `from [ADDRESS]: TEXT`, with
the name before the address where it is not from whom you talk with.

Over the chat line (IP Messenger) each message is on disk before it is sent, is
sent again until it is acknowledged, and its receipt is shown. Somebody of the
book whose chat line is udp://HOST:PORT is reached by bare datagrams: nothing is
acknowledged, nothing is kept, and a lost one is lost.

Without a running node this one is there for as long as you are, and says goodbye
when you leave. Bare datagrams need none.

In a pipe each line of the input is taken as if it were typed. At its end receipts
and answers are awaited until a second passes in silence.

Exit codes:
  0 you have left, 1 failed, 2 wrong usage, 130 Ctrl-C

Examples:
  Choose among all who are there:
    trunkline chat --plain
  Talk with one, or with a group at once:
    trunkline chat --plain wang
    trunkline chat --plain @lab
  Talk by bare datagrams with `trunkline serve udp://:8080 talk` at another machine:
    trunkline book add ann --chat udp://10.0.0.9:8080
    trunkline chat --plain ann";
