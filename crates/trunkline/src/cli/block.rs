//! The flags of `block`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BlockFlags {
    #[command(subcommand)]
    pub(crate) job: Option<BlockJob>,

    /// Print JSON lines, one per person who is blocked
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do; without a word the blocked are listed.
#[derive(Debug, Subcommand)]
pub(crate) enum BlockJob {
    /// Show who is blocked
    List,
    /// Block somebody
    Add {
        /// A name in sight or of the book, or an address
        who: String,
    },
    /// Hear somebody again
    Remove {
        /// As the list has it
        who: String,
    },
}

const EXAMPLES: &str = "\
What somebody who is blocked sends is neither shown, kept nor acknowledged, and he
is not told. It holds over restarts. A node of ours is known again by its number;
another program by its names and address, which are claims: whoever changes them
is somebody else.

Examples:
  trunkline block                  who is blocked
  trunkline block add pest
  trunkline block add 10.0.0.66
  trunkline block remove pest";
