//! The flags of `connect`.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use super::{FrameFlags, values};
use crate::completion;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct ConnectFlags {
    /// tcp://HOST:PORT, udp://HOST:PORT, unix:/path, unix-dgram:/path, HOST:PORT, :PORT on this machine, or a name of the book
    #[arg(value_name = "ADDRESS", add = completion::endpoints())]
    pub(crate) address: String,

    /// The port, when ADDRESS is a host alone, as nc takes them
    pub(crate) port: Option<String>,

    #[command(flatten)]
    pub(crate) frames: FrameFlags,

    /// Send this text as one message, and print what is answered; may be given several times
    #[arg(short, value_name = "TEXT", allow_hyphen_values = true, help_heading = "Messages")]
    pub(crate) message: Vec<OsString>,

    /// The charset of the far side, such as gbk or big5; typed text is sent in it, answers are shown as UTF-8
    #[arg(long, value_name = "NAME", help_heading = "Messages")]
    pub(crate) charset: Option<String>,

    /// Send CR LF where a line ends, as HTTP, SMTP and printers expect
    #[arg(short = 'C', help_heading = "Messages")]
    pub(crate) crlf: bool,

    /// How long to wait: for the connection, then for an answer, such as 5 or 0.2
    ///
    /// In a pipe over a stream: the longest silence of both directions. At a terminal: for the connection only.
    #[arg(short, value_name = "SECONDS", value_parser = values::seconds)]
    pub(crate) wait: Option<Duration>,

    /// Only find out whether something listens there
    #[arg(short = 'z', conflicts_with_all = ["frame", "message", "charset", "crlf", "keep_open"])]
    pub(crate) probe: bool,

    /// Keep our direction open at the end of input, instead of a half-close
    #[arg(long)]
    pub(crate) keep_open: bool,

    /// Set an option of the socket, such as nodelay=off or rcvbuf=4M; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) sockopt: Vec<String>,

    /// Show the connection's life by layer, on standard error
    #[arg(long)]
    pub(crate) trace: bool,

    /// Print JSON lines: opened, received, closed; with -z one object
    #[arg(long)]
    pub(crate) json: bool,
}

const EXAMPLES: &str = "\
Examples:
  trunkline connect 127.0.0.1:8080
  trunkline connect 127.0.0.1 8080 -m hello
  trunkline connect '[::1]:8080' -z
See --help for more.";

const DETAILS: &str = "\
At a terminal:
  Each line you type is sent with LF at its end (CR LF with -C; a datagram
  goes without), and answers appear above the prompt. Empty lines are skipped
  unless -C or a frame is given. Ctrl-D closes our direction, prints what still
  comes, and leaves after a second of silence; ~. leaves at once.

In a pipe:
  Bytes pass as they are, both ways. At the end of input our direction is
  closed (--keep-open: it is not), and what still comes is printed until the
  far side closes, too. Without -w this may take as long as it likes.
  With --frame varint, netstring or a struct format every line of input is one
  message, without its LF, and every message that arrives is printed with one.
  With line and nul the bytes already carry their marks, and pass as they are.
  Datagrams: one read of the input is one datagram, of at most 65507 bytes.
  After the end of input, answers are awaited until 200 ms pass in silence; the
  first one for -w (5 seconds unless told otherwise; 0: not at all).

With -m:
  Each text is sent as it is: no LF is added. What arrives is printed until the
  far side closes, 200 ms pass in silence after the first byte, or -w is over
  (5 seconds unless told otherwise).
  With a frame, and for datagrams, as many answers are awaited as messages were
  sent, and each is printed with LF at its end.

On a terminal, what arrives is shown as text that cannot steer it; into a pipe
or a file it goes byte for byte, or with --charset as UTF-8.

Exit codes:
  0 good, 1 failed, 2 wrong usage, 130 Ctrl-C,
  124 nothing came in time, or fewer answers than asked for

Examples:
  Talk to a server, a line at a time:
    trunkline connect 127.0.0.1:8080
  Ask once, and wait half a second at most:
    trunkline connect udp://127.0.0.1:8080 -m hello -w 0.5
  Send a file to a printer:
    trunkline connect printer.lan 9100 < job.pdf
  The same by a name of the book:
    trunkline book add printer --socket printer.lan:9100
    trunkline connect printer < job.pdf
  Is the port open?
    trunkline connect '[::1]:8080' -z && echo open
  A web server, by hand:
    printf 'GET / HTTP/1.0\\n\\n' | trunkline connect 127.0.0.1:80 -C
  Messages with a length of four bytes ahead, in network order:
    trunkline connect 127.0.0.1:8080 --frame '!I' -m one -m two
  A far side that speaks GBK:
    trunkline connect 127.0.0.1:8080 --charset gbk";
