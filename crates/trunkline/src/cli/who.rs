//! The flags of `who`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct WhoFlags {
    /// Stay, and tell who comes, changes and leaves
    #[arg(long)]
    pub(crate) watch: bool,

    /// Print JSON lines: one per person, machine and guest, then one per event
    #[arg(long)]
    pub(crate) json: bool,
}

const EXAMPLES: &str = "\
Examples:
  trunkline who
  trunkline who --watch
See --help for more.";

const DETAILS: &str = "\
People:
  Whoever speaks IP Messenger and was heard, and everybody of the book who has a
  chat line. NAME is the name in the book, where the address stands there, or else
  what somebody calls himself: a claim that nobody has proved, as are his group,
  his host and his program. SEAT is where the book says that he sits, or the
  machine of the book that has his address.
  STATE is empty for whoever is there: away (he says so), told of (another node
  has heard him), not in sight (he is only in the book, or has left), blocked.

Logged in here by SSH, where `up --ssh` runs:
  KEY is the label of the key, or the identity in a certificate, or else the
  fingerprint; RUNS is what runs in the connection. `trunkline allow end NUMBER` puts
  somebody out. With --watch it is told who logs in there, and who is out again.

Without a running node this one enters the network, waits 1.5 seconds for
answers, and goes without a goodbye: that would be taken for yours. With --watch
it says one when it ends.

Exit codes:
  0 shown, also when nobody is in sight
  1 failed: the chat line cannot be opened
  2 wrong usage or configuration
  130 Ctrl-C

Examples:
  Who is there:
    trunkline who
  Who comes and goes:
    trunkline who --watch
  Who is logged in here, and what runs, for a program:
    trunkline who --json | jq -r 'select(.kind == \"guest\") | [.label, .runs[]] | @tsv'
  The addresses of everybody who is there, for a program:
    trunkline who --json | jq -r 'select(.presence == \"here\") | .addresses[0]'";
