//! The flags of `serve`.

use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{FrameFlags, values};
use crate::completion;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct ServeFlags {
    /// tcp://HOST:PORT, udp://HOST:PORT, unix:/path, unix-dgram:/path, HOST:PORT, or :PORT for every address; port 0 picks one
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,

    /// What answers
    #[arg(value_name = "SERVICE")]
    pub(crate) service: ServiceName,

    /// Where `forward` connects to: an address, or a name of the book
    #[arg(value_name = "TO", add = completion::endpoints())]
    pub(crate) to: Option<String>,

    /// The program of `exec` and its arguments, after --
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,

    #[command(flatten)]
    pub(crate) frames: FrameFlags,

    /// Connections at one time [default: 10000]; a further one is closed at once
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_connections: Option<NonZeroUsize>,

    /// Connections at one time from one IP address; without it only --max-connections counts
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) per_ip: Option<NonZeroUsize>,

    /// End a connection on which nothing moves for so long; without it a silent client may stay
    #[arg(long, value_name = "SECONDS", value_parser = values::some_seconds, help_heading = "Limits")]
    pub(crate) idle: Option<Duration>,

    /// Let only these addresses or networks in, such as 192.168.1.0/24 or fd00::/8
    #[arg(long, value_name = "CIDR", value_delimiter = ',', help_heading = "Limits")]
    pub(crate) allow: Vec<String>,

    /// Keep these addresses or networks out, even when --allow has them
    #[arg(long, value_name = "CIDR", value_delimiter = ',', help_heading = "Limits")]
    pub(crate) deny: Vec<String>,

    /// Connections that may wait to be accepted [default: 4096]; the kernel caps it at net.core.somaxconn
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) backlog: Option<u32>,

    /// Set an option of the socket, such as keepalive=60 or rcvbuf=8M; may be given several times
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Socket")]
    pub(crate) sockopt: Vec<String>,

    /// The permissions of a socket file, in octal [default: 0600]
    #[arg(long, value_name = "MODE", value_parser = values::mode, help_heading = "Socket")]
    pub(crate) mode: Option<u32>,

    /// Let shell and exec run programs for others than the user who started this. Whoever reaches the address can
    /// then do whatever this user can
    #[arg(long, help_heading = "Socket")]
    pub(crate) insecure_remote_exec: bool,

    /// Print each message with its sender
    #[arg(short, long, help_heading = "Log")]
    pub(crate) verbose: bool,

    /// Show each connection's life by layer
    #[arg(long, help_heading = "Log")]
    pub(crate) trace: bool,

    /// Write the log as JSON lines
    #[arg(long, help_heading = "Log")]
    pub(crate) json: bool,

    /// Keep each connection's end in the journal, which `trunkline log` shows
    #[arg(long, help_heading = "Log")]
    pub(crate) log: bool,
}

/// The services, as they are named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServiceName {
    /// Answers each message in upper case (ASCII letters)
    Upper,
    /// Answers each message with itself
    Echo,
    /// Answers nothing
    Discard,
    /// Sends characters without end (RFC 864)
    Chargen,
    /// A person at this terminal answers
    Talk,
    /// What one client says, all others hear
    Room,
    /// Joins each connection with another address
    Forward,
    /// Runs each message as a command and answers what it printed
    Shell,
    /// Gives each connection to a process of its own
    Exec,
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

const EXAMPLES: &str = "\
Examples:
  trunkline serve :8080 upper
  trunkline serve udp://127.0.0.1:8080 talk
  trunkline serve unix:/tmp/sh.sock shell
See --help for more.";

const DETAILS: &str = "\
Messages:
  A stream has no messages of its own: in raw, the default, one read is one
  message, and no boundary is promised. --frame line, nul, varint, netstring or
  a struct format such as '!I' makes boundaries that hold; room and talk use
  line unless told otherwise. A datagram is a message already.

The log, on standard error:
  listening on ...       once, when clients can connect
  #N opened, #N closed   for each connection: both ends, what went over it, how
                         long it stood, and how it ended: eof (both sides were
                         done), reset (the client broke it off), timeout
                         (--idle), limit, or error
  With --log the journal keeps the same of each connection that is over. When
  the disk does not keep up, connections are left out of it; the log says so.

Talk:
  Each line you type answers the message that has waited longest. Ctrl-D leaves.

Programs:
  shell and exec run programs as the user who started this. A socket file of
  mode 0600 lets only that user in; a port of this machine (127.0.0.1, [::1])
  too, and refuses what a web page could send. Anything wider, UDP included,
  needs --insecure-remote-exec.
  What a connection started is ended when the connection is over or breaks,
  unless it made a session of its own. A client that only stops sending may be
  waiting for its answer, so that alone ends nothing.
  exec passes both addresses in the environment: PROTO, TCPLOCALIP,
  TCPLOCALPORT, TCPREMOTEIP, TCPREMOTEPORT, as tcpserver does.

Ending:
  SIGTERM lets nobody in any more and waits until those inside are done; a
  second one ends at once, as Ctrl-C does.

Exit codes:
  0 ended by SIGTERM, everybody was done
  1 failed, or ended with clients inside
  2 wrong usage or configuration
  130 Ctrl-C

Examples:
  A message server for everybody, each message shown:
    trunkline serve :8080 upper -v
  Messages with a length of four bytes ahead, in network order:
    trunkline serve 127.0.0.1:8080 upper --frame '!I'
  Answer by hand:
    trunkline serve udp://127.0.0.1:8080 talk
  Commands from this user only:
    trunkline serve unix:/tmp/sh.sock shell
  A network printer behind a UDP port:
    trunkline serve udp://:9100 forward tcp://printer.lan:9100
  A process per connection, at most 10, from one network:
    trunkline serve :7000 exec --insecure-remote-exec --max-connections 10 \\
        --allow 192.168.1.0/24 -- date";
