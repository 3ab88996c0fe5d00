//! The flags of `run`.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use node::ssh::fan::AT_ONCE;

use super::ssh::SshFlags;
use super::values;
use crate::completion;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct RunFlags {
    /// Names of the book, ranges such as 'n[01-40]', @groups, with commas between; or USER@HOST:PORT
    #[arg(value_name = "TARGETS", add = completion::targets())]
    pub(crate) targets: String,

    /// The command, its words joined by spaces for the shell over there; with --script the script's arguments
    #[arg(
        value_name = "COMMAND",
        required_unless_present = "script",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<OsString>,

    /// Leave these out
    #[arg(short = 'x', long, value_name = "TARGETS", add = completion::targets(), help_heading = "Which machines")]
    pub(crate) exclude: Option<String>,

    /// Only those on which the last run failed
    #[arg(long, help_heading = "Which machines")]
    pub(crate) failed: bool,

    /// So many machines at once
    #[arg(
        short = 'f',
        long = "fan-out",
        value_name = "NUMBER",
        default_value_t = AT_ONCE,
        help_heading = "Which machines"
    )]
    pub(crate) at_once: NonZeroUsize,

    /// Run this script of this machine there; nothing of it stays there
    #[arg(long, value_name = "FILE", help_heading = "What runs")]
    pub(crate) script: Option<PathBuf>,

    /// As root, by sudo; its password is asked for once
    #[arg(long, help_heading = "What runs")]
    pub(crate) sudo: bool,

    /// Do not read standard input
    #[arg(short = 'n', help_heading = "What runs")]
    pub(crate) no_input: bool,

    /// How long the command may run; then it is ended [default: as long as it likes]
    #[arg(short = 'u', long = "command-limit", value_name = "SECONDS", value_parser = values::some_seconds, help_heading = "Limits")]
    pub(crate) command_limit: Option<Duration>,

    /// Stop at the first failure: what runs elsewhere is ended, too
    #[arg(short = 'k', help_heading = "Limits")]
    pub(crate) stop_at_first_failure: bool,

    /// Fold equal output: once, under the names of all machines that have it
    #[arg(short = 'b', long, conflicts_with_all = ["out", "json"], help_heading = "Output")]
    pub(crate) fold: bool,

    /// Write what each machine prints into a file of its name, standard error into NAME.err
    #[arg(long, value_name = "FOLDER", conflicts_with = "json", help_heading = "Output")]
    pub(crate) out: Option<PathBuf>,

    /// Print JSON lines, one per event
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,

    /// The charset of what is no UTF-8, such as gbk; by default the one in the book
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    pub(crate) charset: Option<String>,

    /// End with the largest exit code of the machines
    #[arg(short = 'S', help_heading = "Output")]
    pub(crate) largest_code: bool,

    /// Only say what would be done
    #[arg(long, help_heading = "Output")]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) ssh: SshFlags,
}

const EXAMPLES: &str = "\
Examples:
  trunkline run gate uptime
  trunkline run 'n[01-40]' -b -- uname -r
  trunkline run @lab --script install.sh
See --help for more.";

const DETAILS: &str = "\
On one machine:
  Its bytes pass as they are, standard error apart, and so does its exit code.
  Standard input is passed on.

On many:
  Each line appears when it is whole, behind the name of its machine: `NAME: ` on
  standard output, `NAME! ` on standard error. What goes on from the line before,
  because that was longer than 256 KiB, stands behind `NAME+ `. Standard input is
  copied to all, unless it is a terminal.
  With -b nothing appears before the end, and then each output once:
    --- n[01-06,08-40] (39)
    6.1.0-18-amd64
    --- n07 (1)
    ~ 6.1.0-13-amd64
  A `~` stands before lines that the most common output does not have; at a
  terminal the words that differ are reversed.
  At the end standard error says how many failed, and who for which reason.

On a terminal, output is shown as text that cannot steer it; into a pipe or a file
it goes byte for byte. A line that is no UTF-8 is read in the charset that --charset
or the book names, if one does.

Options stand before the command, as with ssh: what follows its first word belongs
to it. Machines are found, trusted and logged in to as ssh does it: ~/.ssh/config,
known_hosts, the agent, keys. A key of a machine that is not known is asked about at
a terminal (`all` is a yes for every new machine of the run), and refused elsewhere,
unless -o StrictHostKeyChecking=accept-new.

Ctrl-C ends the commands over there, as -u and -k do; a second one leaves at once.
OpenSSH's sshd passes no signals on to what root runs, nor what sudo runs: such a
command goes on until it prints something, which nobody reads. Where it must not,
let the machine keep the time: `-- timeout 60 COMMAND`.

While a question is asked at the terminal, -t stands still.

A script is taken into a folder that only the user over there can enter, run by the
interpreter that its first line names, and removed. With --sudo the password is asked
for once, here, and sent to a machine only when its sudo asks.

With --json each line has `machine` and `kind`: `started`, `out` and `err` with `text`,
or with `base64` where it is no UTF-8, and `end` with `outcome`: exit (`exit`), signal
(`signal`), unreachable, lost (`reason`), timeout (`limit`) or cancelled.

Exit codes:
  one machine: that of the command, 128 + n if signal n ended it,
  255 no connection, 124 our -u ended it
  many: 255 if one could not be reached, else 124 if -u ended one, else 1 if one
  failed, else 0; with -S the largest
  2 wrong usage, 130 Ctrl-C

Examples:
  What runs everywhere, and where something else does:
    trunkline run 'n[01-40]' -b -- uname -r
  A script with an argument; its standard input is a file:
    trunkline run @lab --script install.sh --now < data
  As root, and given up after a minute:
    trunkline run @lab,-n07 -u 60 --sudo -- systemctl restart chrony
  Again where it failed:
    trunkline run @lab --failed --sudo -- systemctl restart chrony
  A file from each:
    trunkline run @lab --out logs -- cat /var/log/syslog
  For a program:
    trunkline run @lab --json -- df -P / | jq -r 'select(.kind == \"out\") | .text'";
