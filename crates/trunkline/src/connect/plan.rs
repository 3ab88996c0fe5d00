//! What `connect` is to do: its flags, checked against each other and against the address. Behind this no flag is
//! looked at again.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use anyhow::{Context, anyhow};
use net::charset::Charset;
use net::client::MAX_DATAGRAM;
use net::frame::Framing;
use net::{Address, HostPort, SocketOption};

use super::speech::Speech;
use crate::cli::ConnectFlags;
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
    /// Checks the flags against each other and against the address.
    pub(crate) fn new(flags: ConnectFlags, ends: Ends) -> Result<Self, Failure> {
        let to = address(&flags.address, flags.port.as_deref()).map_err(Failure::usage)?;
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
        let options = flags.sockopt.iter().map(|text| text.parse::<SocketOption>());
        let options = options.collect::<Result<_, _>>().context("--sockopt").map_err(Failure::usage)?;
        let limit = flags.wait.filter(|wait| !wait.is_zero());
        let task = if flags.probe {
            Task::Probe { wait: flags.wait.unwrap_or(PROBE_WAIT), json: flags.json }
        } else {
            let speech = speech(&flags, datagrams).map_err(Failure::usage)?;
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

fn address(address: &str, port: Option<&str>) -> anyhow::Result<Address> {
    let Some(port) = port else { return Ok(address.parse()?) };
    Ok(Address::Tcp(HostPort::from_parts(address, port)?))
}

fn speech(flags: &ConnectFlags, datagrams: bool) -> anyhow::Result<Speech> {
    let framing = match &flags.frames.frame {
        Some(frame) => Framing::parse(frame, flags.frames.length_field)?,
        None => Framing::Raw,
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
        if speech.datagrams && wire.len() > MAX_DATAGRAM {
            return Err(anyhow!("a datagram holds at most {MAX_DATAGRAM} bytes, this -m has {}", wire.len()));
        }
        Ok(wire)
    });
    wire.collect::<Result<_, _>>().map(Input::Messages).map_err(Failure::usage)
}
