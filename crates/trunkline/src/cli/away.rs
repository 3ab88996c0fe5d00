//! The flags of `away`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AwayFlags {
    /// What others are told; without it you are back
    #[arg(value_name = "TEXT", trailing_var_arg = true)]
    pub(crate) text: Vec<String>,
}

const EXAMPLES: &str = "\
Others see that you are away, and whoever writes to you is answered with the text,
at most once in ten minutes. It holds over restarts, until you are back.

Examples:
  trunkline away -- back at 14:00
  trunkline away                   you are back";
