//! The command line as people type it. What is read here is raw; each verb turns its flags into one validated
//! plan and looks at no flag again.

mod allow;
mod away;
mod block;
mod book;
mod chat;
mod connect;
mod copy;
mod doctor;
mod log;
mod run;
mod send;
mod serve;
mod shell;
mod ssh;
mod up;
mod values;
mod who;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use allow::{AllowAddFlags, AllowFlags, AllowJob};
pub(crate) use away::AwayFlags;
pub(crate) use block::{BlockFlags, BlockJob};
pub(crate) use book::{
    AddFlags, BookFlags, BookJob, ImportFlags, ImportFormat, ListFlags, RemoveFlags, ShowFlags,
};
pub(crate) use chat::ChatFlags;
pub(crate) use connect::ConnectFlags;
pub(crate) use copy::CopyFlags;
pub(crate) use doctor::DoctorFlags;
pub(crate) use log::{LAST_RUN, LogFlags};
pub(crate) use run::RunFlags;
pub(crate) use send::SendFlags;
pub(crate) use serve::{ServeFlags, ServiceName};
pub(crate) use shell::ShellFlags;
pub(crate) use ssh::SshFlags;
pub(crate) use up::{ChatAt, UpFlags};
pub(crate) use values::socket_option;
pub(crate) use who::WhoFlags;

/// The phone book of a closed network: keep names, open a line, connect to one.
#[derive(Debug, Parser)]
#[command(name = "trunkline", version, disable_help_subcommand = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// One job each. The flags of a verb are put together when it is the one that was typed: those of all verbs would be a third of
/// the start of `connect`.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Verb {
    /// Run this machine's node: be in sight, and take messages
    Up(UpFlags),
    /// Open a line: listen on an address and answer with a service
    Serve(ServeFlags),
    /// Connect to an address: a person gets a line editor, a pipe gets a pipe
    Connect(ConnectFlags),
    /// Run a command on one machine or many at once, over SSH
    Run(Box<RunFlags>),
    /// Open a terminal on a machine, over SSH
    Shell(ShellFlags),
    /// Copy files to or from one machine or many at once, over SFTP
    Copy(Box<CopyFlags>),
    /// Everybody in sight, the machines of the book, and who is logged in here
    Who(WhoFlags),
    /// Send a text to people, and say whether it has arrived
    Send(SendFlags),
    /// Talk with somebody, line by line
    Chat(ChatFlags),
    /// Say why you are away, or that you are back
    Away(AwayFlags),
    /// Drop what somebody sends, without a word
    Block(BlockFlags),
    /// The address book: the names of people, machines and sockets
    Book(BookFlags),
    /// Say whose keys `up --ssh` lets in, and put out who is in
    Allow(AllowFlags),
    /// The call log: messages, what was run and copied elsewhere, and the connections that `serve --log` has kept
    Log(LogFlags),
    /// What is wrong with this machine's network set-up, and the command that mends it
    Doctor(DoctorFlags),
    /// Print the completions of a shell
    #[command(hide = true)]
    Completions {
        /// bash, zsh or fish
        shell: String,
    },
    /// Print the manual page, or write one page per verb into a folder
    #[command(hide = true)]
    Man {
        /// Where the pages go; without it the first page is printed
        folder: Option<PathBuf>,
    },
}

const EXAMPLES: &str = "\
Examples:
  trunkline serve :8080 upper                   a message server for everybody
  trunkline serve unix:/tmp/sh.sock shell       commands, for yourself
  trunkline connect 127.0.0.1:8080              type a line, read the answer
  trunkline connect udp://127.0.0.1:8080 -m hi  send one datagram, print its answer
  trunkline connect HOST 9100 < job.pdf         send a file, byte for byte
  trunkline book add printer --socket HOST:9100 give it a name
  trunkline connect printer < job.pdf           and use the name
  trunkline run 'n[01-40]' -b -- uname -r       a command on forty machines, equal output once
  trunkline shell gate                          a terminal on a machine, as with ssh
  trunkline who                                 everybody in sight
  trunkline send wang -- lunch at 12?           a text for somebody, and its receipt

Addresses: tcp://HOST:PORT, udp://HOST:PORT, unix:/path, unix-dgram:/path, HOST:PORT, or a name of the book.
An IPv6 address stands in brackets, quoted because a shell may expand them: '[::1]:8080'.

`trunkline VERB --help` explains a verb and shows examples.";

/// How a stream is cut into messages.
#[derive(Debug, Args)]
pub(crate) struct FrameFlags {
    /// Cut the stream into messages: raw, line, nul, varint, netstring, or a struct format
    ///
    /// raw: what one read brings; no boundary is promised. line, nul: up to the next LF or NUL. varint, netstring: a length goes
    /// ahead. A format of Python's struct, such as 'i', '!I' or '<H', is a length header of that shape; quote the `!` and the `<`,
    /// which shells take for themselves.
    #[arg(long, value_name = "FRAME", help_heading = "Messages")]
    pub(crate) frame: Option<String>,

    /// Which field of a struct format is the length, from 0; as in --frame '!BIH' --length-field 1
    #[arg(long, value_name = "N", requires = "frame", help_heading = "Messages")]
    pub(crate) length_field: Option<usize>,

    /// The longest message taken, such as 64k, 16M or 1G
    #[arg(
        long,
        value_name = "BYTES",
        value_parser = values::size,
        default_value = "16M",
        help_heading = "Messages"
    )]
    pub(crate) max_frame: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use net::limits::MAX_FRAME;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_longest_message_is_the_librarys_unless_told_otherwise() {
        assert_eq!(values::size("16M"), Ok(MAX_FRAME));
    }
}
