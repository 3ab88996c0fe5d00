//! The flags of `book`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use crate::completion;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct BookFlags {
    #[command(subcommand)]
    pub(crate) job: Option<BookJob>,

    /// Print JSON lines, one per entry, group or change
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do with the book; without a word it is listed.
#[derive(Debug, Subcommand)]
pub(crate) enum BookJob {
    /// Show the book as a table, or the part of it that TARGETS name
    List(ListFlags),
    /// Show everything about some names or groups, and where it is written
    Show(ShowFlags),
    /// Add a name, a further line to a name, or members to a group
    Add(Box<AddFlags>),
    /// Take names or groups out of the book, or members out of a group
    Remove(RemoveFlags),
    /// Take over the machines and groups of another tool's file
    Import(ImportFlags),
}

#[derive(Debug, Default, Args)]
pub(crate) struct ListFlags {
    /// Names, ranges such as 'n[01-40]' and @groups, with commas or spaces between; without them everything
    #[arg(add = completion::targets())]
    pub(crate) targets: Vec<String>,

    /// Leave these out
    #[arg(short = 'x', long, value_name = "TARGETS", add = completion::targets())]
    pub(crate) exclude: Option<String>,

    /// Also the hosts of ~/.ssh/config and /etc/hosts
    #[arg(short, long)]
    pub(crate) all: bool,

    /// Print the names alone, one per line, ranges written out
    #[arg(long, conflicts_with = "json")]
    pub(crate) names: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowFlags {
    /// Names, ranges such as 'n[01-40]' and @groups, with commas or spaces between
    #[arg(required = true, add = completion::targets())]
    pub(crate) targets: Vec<String>,

    /// Leave these out
    #[arg(short = 'x', long, value_name = "TARGETS", add = completion::targets())]
    pub(crate) exclude: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = ADD_EXAMPLES)]
pub(crate) struct AddFlags {
    /// The new name, a range of names such as 'n[01-40]', or @GROUP
    #[arg(add = completion::entries())]
    pub(crate) name: String,

    /// The members, where NAME is a @group
    #[arg(add = completion::targets())]
    pub(crate) members: Vec<String>,

    /// The socket line: an address as `connect` takes it
    #[arg(long, value_name = "ADDRESS", help_heading = "Socket line")]
    pub(crate) socket: Option<String>,

    /// How the socket's stream is cut into messages: line, nul, varint, netstring, or a struct format such as '!I'
    #[arg(long, value_name = "FRAME", requires = "socket", help_heading = "Socket line")]
    pub(crate) frame: Option<String>,

    /// Which field of a struct format is the length, from 0
    #[arg(long, value_name = "N", requires = "frame", help_heading = "Socket line")]
    pub(crate) length_field: Option<usize>,

    /// The ssh line: HOST, USER@HOST or USER@HOST:PORT
    #[arg(long, value_name = "WHERE", help_heading = "Ssh line")]
    pub(crate) ssh: Option<String>,

    /// The machine through which it is reached: a name of the book, or USER@HOST:PORT
    #[arg(long, value_name = "WHERE", requires = "ssh", help_heading = "Ssh line", add = completion::machines())]
    pub(crate) via: Option<String>,

    /// The chat line: HOST or HOST:PORT of an IP Messenger, or udp://HOST:PORT
    #[arg(long, value_name = "ADDRESS", help_heading = "Chat line")]
    pub(crate) chat: Option<String>,

    /// The fingerprint of the person's key, 16 hex digits, as IP Messenger shows it
    #[arg(long, value_name = "KEY", requires = "chat", help_heading = "Chat line")]
    pub(crate) key: Option<String>,

    /// The charset of the chat and ssh lines that are added, such as gbk
    #[arg(long, value_name = "NAME")]
    pub(crate) charset: Option<String>,

    /// The machine at which the person sits
    #[arg(long, value_name = "MACHINE", add = completion::machines())]
    pub(crate) seat: Option<String>,

    /// A remark for whoever reads the book
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,

    /// Put the name into a group as well, a new one if need be; may be given several times
    #[arg(long, value_name = "GROUP", add = completion::groups())]
    pub(crate) group: Vec<String>,

    /// Let the new line take the place of one that is there
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveFlags {
    /// Names, or @groups, as they stand in the book; or one @group and the members that leave it
    #[arg(required = true, value_name = "NAME", add = completion::entries())]
    pub(crate) names: Vec<String>,

    /// Also when groups mention it; seats and ways that need it have to be changed first
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportFlags {
    /// The files; their groups may name each other's
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// What wrote the file; without it the text tells
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<ImportFormat>,

    /// Say what would be added, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The files that `import` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// An inventory in INI form
    Ansible,
    /// groups.d/*.yaml
    Clustershell,
    /// groups.d/local.cfg and /etc/clustershell/groups: GROUP: NODES
    ClustershellText,
    /// /etc/genders
    Genders,
    /// Hosts, one or several on a line, as pdsh and dsh take them; the group has the name of the file
    List,
}

const EXAMPLES: &str = "\
Examples:
  trunkline book add printer --socket tcp://10.0.0.9:9100
  trunkline book add 'n[01-40]' --ssh 'ops@10.1.0.[1-40]' --group lab
  trunkline book show @lab
See --help for more.";

const DETAILS: &str = "\
An entry has a name and some lines: a chat line reaches a person, an ssh line a
machine, a socket line an endpoint. `connect printer` uses the socket line of
printer. The book is a file that you may edit, too; your comments stay:
  $XDG_CONFIG_HOME/trunkline/book.toml (TRUNKLINE_HOME replaces the folder)
The hosts of ~/.ssh/config and /etc/hosts are names, too; they are only read,
the book wins, and `book list --all` shows them.

Targets:
  printer            a name; case and width do not matter where that is clear
  'n[01-40,50]'      a range, quoted because a shell may expand it
  'rack[1-3]-n[1-16]'  several; 'n[0-10/2]' counts in steps
  @lab               the members of a group
  @lab,gate          both; '@lab,-n07' without n07; '@lab&@night' in both;
                     '@lab!@night' in the first only; '@lab^@night' in one only

Examples:
  What is in the book, and what is known of one name:
    trunkline book
    trunkline book show printer
  A printer, and a job for it:
    trunkline book add printer --socket tcp://10.0.0.9:9100
    trunkline connect printer < job.pdf
  Forty machines, and who of them is in the group:
    trunkline book add 'n[01-40]' --ssh 'ops@10.1.0.[1-40]' --group lab
    trunkline book show '@lab,-n07'
  A person and the machine at which he sits:
    trunkline book add pc21 --ssh pc21.lan
    trunkline book add 张三 --chat 10.0.0.21 --charset gb18030 --seat pc21
  The names alone, for a loop of the shell:
    trunkline book list @lab --names
  What another tool knows:
    trunkline book import /etc/ansible/hosts --dry-run";

const ADD_EXAMPLES: &str = "\
Examples:
  trunkline book add printer --socket tcp://10.0.0.9:9100 --note 'second floor'
  trunkline book add scale --socket 10.0.0.17:4001 --frame '!BIH' --length-field 1
  trunkline book add gate --ssh admin@gate.lab:2222
  trunkline book add 'n[01-40]' --ssh 'ops@10.1.0.[1-40]' --via gate --group lab
  trunkline book add 张三 --chat 10.0.0.21 --charset gb18030
  trunkline book add @night '@lab,gate'";
