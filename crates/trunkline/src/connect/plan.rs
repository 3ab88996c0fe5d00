//! What `connect` is to do: its flags, checked against each other and against the address. Behind this no flag is
//! looked at again.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use anyhow::{Context, anyhow};
use net::charset::Charset;
use net::datagram::DATAGRAM_MAX;
use net::frame::Framing;
use net::{Address, HostPort, SocketOption};
use node::book::Book;

use super::speech::Speech;
use crate::cli::{ConnectFlags, socket_option};
use crate::endpoint::Endpoint;
use crate::failure::Failure;

/// How long an answer to `-m`, or to a datagram, is awaited unless told otherwise.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// How long a probe over UDP waits for a refusal unless told otherwise.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// One validated job.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) line: Line,
    pub(super) task: Task,
}

/// How to get there.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) to: Address,
    pub(super) options: Vec<SocketOption>,
    /// For connecting.
    pub(super) limit: Option<Duration>,
    /// Show the connection's life by layer.
    pub(super) trace: bool,
}

/// What to do there.
#[derive(Debug)]
pub(super) enum Task {
    /// Find out whether anybody listens. Over UDP a refusal is awaited for so long.
    Probe { wait: Duration, json: bool },
    /// Bytes or messages both ways, without a person.
    Pipe(Pipe),
    /// A person at a terminal types lines. Where it cannot edit them, it is a pipe.
    Editor(Pipe),
}

impl Task {
    /// How messages are written, where there are any.
    pub(super) fn speech(&self) -> Option<&Speech> {
        match self {
            Self::Probe { .. } => None,
            Self::Pipe(pipe) | Self::Editor(pipe) => Some(&pipe.speech),
        }
    }

    /// Whether what is told is told in JSON.
    pub(super) fn is_json(&self) -> bool {
        match self {
            Self::Probe { json, .. } => *json,
            Self::Pipe(pipe) | Self::Editor(pipe) => pipe.output == Output::Json,
        }
    }
}

/// Bytes or messages both ways.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) input: Input,
    /// The longest silence: of both directions for a stream from standard input, before the first answer for messages
    /// and datagrams.
    pub(super) wait: Option<Duration>,
    pub(super) speech: Speech,
    /// No half-close at the end of input.
    pub(super) keep_open: bool,
    pub(super) output: Output,
}

/// Where that comes from which is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Standard input.
    Stdin,
    /// The texts of `-m`, as they go on the wire.
    Messages(Vec<Vec<u8>>),
}

/// How that is shown which arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Byte for byte, or converted where a charset is given.
    Plain,
    /// As text that cannot steer the terminal.
    Screen,
    /// As JSON lines.
    Json,
}

/// What the process was started with, besides its flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    stdin_is_terminal: bool,
    stdout_is_terminal: bool,
}

impl Ends {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        Self { stdin_is_terminal: io::stdin().is_terminal(), stdout_is_terminal: io::stdout().is_terminal() }
    }
}

impl Plan {
    /// Checks the flags against each other and against the address. The book is read where a name stands for that.
    pub(crate) fn new(
        flags: ConnectFlags,
        ends: Ends,
        book: impl FnOnce() -> Result<Book, Failure>,
    ) -> Result<Self, Failure> {
        let Endpoint { address: to, framing } = match flags.port.as_deref() {
            Some(port) => HostPort::from_parts(&flags.address, port)
                .map_err(Failure::usage)
                .and_then(|at| Endpoint::at(Address::Tcp(at)))?,
            None => Endpoint::find(&flags.address, book)?,
        };
        let datagrams = to.is_datagram();
        let refuse = |flag: &str, reason: &str| Err(Failure::usage(anyhow!("{flag} with {to}: {reason}")));
        if datagrams && flags.frames.frame.is_some() {
            return refuse("--frame", "a datagram is a message, leave the option out");
        }
        if datagrams && flags.keep_open {
            return refuse("--keep-open", "datagrams have no end of input to send, leave the option out");
        }
        let stdin = flags.message.is_empty();
        if flags.wait == Some(Duration::ZERO) && (flags.probe || (stdin && !datagrams)) {
            return refuse("-w 0", "there is nothing that takes no time, write seconds, as in -w 0.5");
        }
        let options = flags.sockopt.iter().map(|text| socket_option(text, &to)).collect::<Result<_, _>>();
        let options = options.context("--sockopt").map_err(Failure::usage)?;
        let limit = flags.wait.filter(|wait| !wait.is_zero());
        let task = if flags.probe {
            Task::Probe { wait: flags.wait.unwrap_or(PROBE_WAIT), json: flags.json }
        } else {
            let speech = speech(&flags, framing, datagrams).map_err(Failure::usage)?;
            let output = match (flags.json, ends.stdout_is_terminal) {
                (true, _) => Output::Json,
                (false, true) => Output::Screen,
                (false, false) => Output::Plain,
            };
            let pipe = Pipe {
                input: if stdin { Input::Stdin } else { messages(flags.message, &speech)? },
                wait: if stdin && !datagrams { flags.wait } else { Some(flags.wait.unwrap_or(ANSWER_WAIT)) },
                speech,
                keep_open: flags.keep_open,
                output,
            };
            if stdin && ends.stdin_is_terminal && output == Output::Screen {
                Task::Editor(pipe)
            } else {
                Task::Pipe(pipe)
            }
        };
        Ok(Self { line: Line { to, options, limit, trace: flags.trace }, task })
    }
}

/// A frame that is asked for wins over that of the book.
fn speech(flags: &ConnectFlags, known: Option<Framing>, datagrams: bool) -> anyhow::Result<Speech> {
    let framing = match &flags.frames.frame {
        Some(frame) => Framing::parse(frame, flags.frames.length_field)?,
        None => known.unwrap_or(Framing::Raw),
    };
    if flags.crlf && !matches!(framing, Framing::Raw | Framing::Line) {
        return Err(anyhow!("-C with --frame {framing}: there no line ends, leave one of the two out"));
    }
    let charset = flags.charset.as_deref().map(Charset::parse).transpose()?;
    Ok(Speech::new(framing, flags.frames.max_frame, charset, flags.crlf, datagrams))
}

fn messages(texts: Vec<OsString>, speech: &Speech) -> Result<Input, Failure> {
    let wire = texts.into_iter().map(|text| {
        let shown = format!("-m '{}'", text.to_string_lossy().escape_debug());
        let wire = speech.message(&text.into_vec()).with_context(|| shown.clone())?;
        if speech.datagrams && wire.len() > DATAGRAM_MAX {
            return Err(anyhow!("a datagram holds at most {DATAGRAM_MAX} bytes, this -m has {}", wire.len()));
        }
        Ok(wire)
    });
    wire.collect::<Result<_, _>>().map(Input::Messages).map_err(Failure::usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Verb};
    use clap::Parser;

    const TERMINAL: Ends = Ends { stdin_is_terminal: true, stdout_is_terminal: true };
    const PIPES: Ends = Ends { stdin_is_terminal: false, stdout_is_terminal: false };

    fn plan_with(ends: Ends, arguments: &[&str]) -> Result<Plan, String> {
        let words = ["trunkline", "connect"].iter().chain(arguments);
        let Verb::Connect(flags) = Cli::try_parse_from(words).map_err(|error| error.to_string())?.verb else {
            panic!("connect is another verb");
        };
        Plan::new(flags, ends, || Ok(Book::default())).map_err(|failure| failure.to_string())
    }

    fn plan(arguments: &[&str]) -> Plan {
        plan_with(PIPES, arguments).unwrap()
    }

    fn pipe(arguments: &[&str]) -> Pipe {
        match plan(arguments).task {
            Task::Pipe(pipe) => pipe,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(arguments: &[&str]) -> String {
        plan_with(PIPES, arguments).unwrap_err()
    }

    #[test]
    fn host_and_port_may_be_two_words_as_nc_takes_them() {
        assert_eq!(plan(&["::1", "22"]).line.to, "[::1]:22".parse().unwrap());
        assert_eq!(plan(&["host", "22"]).line.to, plan(&["host:22"]).line.to);
        assert!(refusal(&["host"]).contains("host:8080"));
        assert!(refusal(&["host", "http"]).contains("is not a port"));
    }

    #[test]
    fn a_person_gets_an_editor_and_everything_else_a_pipe() {
        let task = |ends, arguments: &[&str]| plan_with(ends, arguments).unwrap().task;
        assert!(matches!(task(TERMINAL, &["h:1"]), Task::Editor(_)));
        assert!(matches!(task(PIPES, &["h:1"]), Task::Pipe(Pipe { output: Output::Plain, .. })));
        assert!(matches!(
            task(TERMINAL, &["h:1", "-m", "x"]),
            Task::Pipe(Pipe { output: Output::Screen, .. })
        ));
        assert!(matches!(task(TERMINAL, &["h:1", "--json"]), Task::Pipe(Pipe { output: Output::Json, .. })));
        let into_file = Ends { stdin_is_terminal: true, stdout_is_terminal: false };
        assert!(matches!(task(into_file, &["h:1"]), Task::Pipe(Pipe { output: Output::Plain, .. })));
    }

    #[test]
    fn a_pipe_waits_for_ever_and_a_message_five_seconds_unless_told_otherwise() {
        assert_eq!(pipe(&["h:1"]).wait, None);
        assert_eq!(pipe(&["h:1", "-m", "x"]).wait, Some(ANSWER_WAIT));
        assert_eq!(pipe(&["udp://h:1"]).wait, Some(ANSWER_WAIT));
        assert_eq!(pipe(&["h:1", "-w", "0.5"]).wait, Some(Duration::from_millis(500)));
        assert_eq!(plan(&["h:1", "-w", "0.5"]).line.limit, Some(Duration::from_millis(500)));
        assert_eq!(plan(&["h:1"]).line.limit, None);
    }

    #[test]
    fn no_time_at_all_is_for_what_need_not_be_answered() {
        assert_eq!(pipe(&["udp://h:1", "-w", "0"]).wait, Some(Duration::ZERO));
        assert_eq!(pipe(&["h:1", "-m", "x", "-w", "0"]).wait, Some(Duration::ZERO));
        assert!(refusal(&["h:1", "-w", "0"]).contains("-w 0.5"));
        assert!(refusal(&["h:1", "-z", "-w", "0"]).contains("-w 0.5"));
        assert!(refusal(&["h:1", "-w", "soon"]).contains("soon is not a time"));
    }

    #[test]
    fn messages_are_as_they_go_on_the_wire() {
        let input = |arguments: &[&str]| pipe(arguments).input;
        let messages = |texts: &[&[u8]]| Input::Messages(texts.iter().map(|text| text.to_vec()).collect());
        assert_eq!(input(&["h:1", "-m", "-a", "-m", ""]), messages(&[b"-a", b""]));
        assert_eq!(
            input(&["h:1", "-m", "a", "--frame", "!BIH", "--length-field", "1"]),
            messages(&[b"\0\0\0\0\x01\0\0a"])
        );
        assert_eq!(input(&["h:1", "-m", "a\nb", "-C"]), messages(&[b"a\r\nb"]));
        assert_eq!(input(&["h:1", "-m", "你", "--charset", "gbk"]), messages(&[b"\xc4\xe3"]));
        assert!(refusal(&["h:1", "-m", "a\nb", "--frame", "line"]).contains("-m 'a\\nb': byte 1"));
        assert!(refusal(&["h:1", "-m", "😀", "--charset", "gbk"]).contains("does not exist in GBK"));
    }

    #[test]
    fn port_0_is_no_place_to_connect_to() {
        assert!(refusal(&["127.0.0.1:0"]).contains("port 0"));
    }

    #[test]
    fn a_message_that_no_datagram_holds_is_refused_before_anything_is_sent() {
        assert!(refusal(&["udp://h:1", "-m", &"x".repeat(DATAGRAM_MAX + 1)]).contains("65508"));
        assert!(plan_with(PIPES, &["udp://h:1", "-m", &"x".repeat(DATAGRAM_MAX)]).is_ok());
    }

    #[test]
    fn flags_that_mean_nothing_together_are_refused_with_the_way_out() {
        assert!(refusal(&["udp://h:1", "--frame", "line"]).contains("a datagram is a message"));
        assert!(refusal(&["udp://h:1", "--keep-open"]).contains("leave the option out"));
        assert!(refusal(&["h:1", "-C", "--frame", "!I"]).contains("leave one of the two out"));
        assert!(refusal(&["h:1", "--length-field", "1"]).contains("--frame"));
        assert!(refusal(&["h:1", "-z", "-m", "x"]).contains("cannot be used with"));
        assert!(refusal(&["h:1", "--frame", "!BIH"]).contains("--length-field"));
        assert!(refusal(&["h:1", "--charset", "klingon"]).contains("klingon"));
    }

    #[test]
    fn socket_options_are_checked_against_the_address() {
        assert_eq!(plan(&["h:1", "--sockopt", "nodelay=off"]).line.options, [SocketOption::NoDelay(false)]);
        assert!(refusal(&["udp://h:1", "--sockopt", "nodelay=off"]).contains("it is for tcp"));
        assert!(refusal(&["h:1", "--sockopt", "nodleay=off"]).contains("nodleay is not a socket option"));
    }

    #[test]
    fn the_longest_message_can_be_set() {
        assert_eq!(pipe(&["h:1", "--max-frame", "1k"]).speech.max_frame, 1024);
        assert!(refusal(&["h:1", "--max-frame", "lots"]).contains("lots is not a size"));
    }
}
