//! A stream without a person: each direction on a thread of its own, and each ends alone.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use net::bulk::{self, Pump, PumpError};
use net::{Address, Ending};
use rustix::stdio::{stdin, stdout};

use super::incoming::Incoming;
use super::output::Writer;
use super::plan::{Input, Pipe};
use super::speech::Speech;
use super::trouble::Trouble;
use super::wire::Wire;
use crate::failure::{Exit, Failure, Outcome, say};

/// The silence after an answer that ends the wait for more, where nothing says how much more there is.
pub(super) const QUIET: Duration = Duration::from_millis(200);

/// Bytes of standard input that are read at a time where they are looked at on their way.
const CHUNK: usize = 64 * 1024;

/// Sends and receives until both directions have ended, or enough has come.
pub(super) fn run(wire: Wire, address: &Address, pipe: Pipe) -> Outcome {
    let Pipe { input, wait, speech, keep_open, output } = pipe;
    let patience = Patience::new(&input, wait, &speech);
    let mut writer = Writer::new(output, speech.charset);
    let wire = Arc::new(wire);
    let end = writer.opened(&wire, address).and_then(|()| {
        let sender = Sender::start(Arc::clone(&wire), input, speech.clone(), keep_open)?;
        let end = receive(&wire, &patience, &speech, &mut writer)?;
        if end != End::Silence {
            sender.finish(&wire, wait)?;
        }
        Ok(end)
    });
    let ending = match &end {
        Ok(End::Silence) if !patience.is_answered(&wire) => Ending::Timeout,
        Ok(_) => Ending::Eof,
        Err(trouble) => trouble.ending(),
    };
    wire.end();
    let closed = writer.closed(&wire, &ending);
    match end.and_then(|end| closed.map(|()| end)) {
        Ok(end) => patience.judge(end, &wire, address),
        Err(trouble) => trouble.outcome(address),
    }
}

/// Why nothing more is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The far side sends no more.
    Eof,
    /// As many answers came as were asked for.
    Enough,
    /// Nothing moved for as long as was allowed.
    Silence,
}

/// How long it is worth waiting, and for what.
#[derive(Debug)]
struct Patience {
    /// The silence before anything has come.
    first: Option<Duration>,
    /// The silence after that.
    then: Option<Duration>,
    /// How many messages are awaited.
    answers: Option<u64>,
    /// Silence is worth a word even after something has come: more may have been on its way.
    notable: bool,
}

impl Patience {
    fn new(input: &Input, wait: Option<Duration>, speech: &Speech) -> Self {
        match input {
            Input::Stdin => Self { first: wait, then: wait, answers: None, notable: true },
            Input::Messages(_) if wait == Some(Duration::ZERO) => {
                Self { first: wait, then: wait, answers: Some(0), notable: false }
            }
            Input::Messages(texts) if speech.is_framed() => {
                Self { first: wait, then: wait, answers: u64::try_from(texts.len()).ok(), notable: false }
            }
            Input::Messages(_) => Self { first: wait, then: Some(QUIET), answers: None, notable: false },
        }
    }

    /// Waits for the far side; false when it was silent for too long.
    fn wait(&self, wire: &Wire) -> Result<bool, Trouble> {
        let nothing = wire.received.load(Relaxed) == 0;
        match if nothing { self.first } else { self.then } {
            Some(silence) => wire.moves_within(silence).map_err(Trouble::Receive),
            // Reading waits by itself.
            None => Ok(true),
        }
    }

    /// Whether silence is how the answer ends, and not a limit that was reached.
    fn is_answered(&self, wire: &Wire) -> bool {
        self.answers.is_none() && !self.notable && wire.received.load(Relaxed) > 0
    }

    /// What the exit code says of it.
    fn judge(&self, end: End, wire: &Wire, address: &Address) -> Outcome {
        let messages = wire.messages.load(Relaxed);
        let nothing = wire.received.load(Relaxed) == 0;
        let late = |what: String| Err(Failure::from(anyhow!(what)).exit(Exit::TimedOut));
        let seconds = self.first.unwrap_or_default().as_secs_f64();
        match (end, self.answers) {
            (End::Silence, _) if nothing => late(format!("nothing came from {address} within {seconds} s")),
            (End::Silence, Some(asked)) => {
                late(format!("{messages} of {asked} answers came from {address} within {seconds} s"))
            }
            (End::Eof, Some(asked)) if messages < asked => late(format!(
                "{messages} of {asked} answers came from {address} before it closed the connection"
            )),
            (End::Silence, None) if self.notable => {
                say(format_args!("trunkline: nothing moved for {seconds} s, leaving {address}"));
                Ok(Exit::Good)
            }
            _ => Ok(Exit::Good),
        }
    }
}

fn receive(wire: &Wire, patience: &Patience, speech: &Speech, writer: &mut Writer) -> Result<End, Trouble> {
    // In a pipe, marks that the bytes bring along stay on them.
    let cut = speech.has_header() || (patience.answers.is_some() && speech.is_framed());
    if !cut && writer.is_exact() && patience.answers.is_none() && !wire.is_traced() {
        return pump_to_output(wire, patience);
    }
    let mut incoming = Incoming::new(if cut { speech.decoder() } else { speech.raw_decoder() });
    let mut show = |message: &[u8]| {
        wire.note_message();
        if cut { writer.message(message) } else { writer.piece(message) }.map_err(Trouble::Output)
    };
    loop {
        if patience.answers.is_some_and(|asked| wire.messages.load(Relaxed) >= asked) {
            return Ok(End::Enough);
        }
        if !patience.wait(wire)? {
            return Ok(End::Silence);
        }
        let ended = incoming.read(wire).map_err(Trouble::Receive)? == 0;
        while let Some(message) = incoming.next(ended).map_err(Trouble::Frame)? {
            show(message)?;
        }
        if ended {
            return Ok(End::Eof);
        }
    }
}

/// What needs no look goes the short way.
fn pump_to_output(wire: &Wire, patience: &Patience) -> Result<End, Trouble> {
    let mut pump = Pump::new(wire.connection.as_fd(), stdout());
    loop {
        if !patience.wait(wire)? {
            return Ok(End::Silence);
        }
        match pump.step() {
            Ok(0) => return Ok(End::Eof),
            Ok(bytes) => wire.note_received(bytes),
            Err(PumpError::Read(error)) => return Err(Trouble::Receive(error)),
            Err(PumpError::Write(error)) => return Err(Trouble::Output(error)),
        }
    }
}

/// Our direction, on a thread that nobody joins: it may wait for standard input for ever, and ends with the process.
struct Sender(Receiver<Result<(), Trouble>>);

impl Sender {
    fn start(wire: Arc<Wire>, input: Input, speech: Speech, keep_open: bool) -> Result<Self, Trouble> {
        let (done, result) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().spawn(move || {
            let sent = match input {
                Input::Messages(texts) => texts.iter().try_for_each(|text| wire.write(text)),
                Input::Stdin => send_input(&wire, &speech, keep_open),
            };
            if matches!(sent, Err(Trouble::Input(_))) {
                // Nobody would know that the rest is not coming; this also ends the other direction.
                wire.connection.abandon();
            }
            let _ = done.send(sent);
        });
        thread.map(|_| Self(result)).map_err(Trouble::thread)
    }

    /// Waits until all is sent, or for as long a silence as is allowed.
    fn finish(&self, wire: &Wire, wait: Option<Duration>) -> Result<(), Trouble> {
        let wait = wait.filter(|wait| !wait.is_zero()).unwrap_or(Duration::MAX);
        loop {
            let sent = wire.sent.load(Relaxed);
            match self.0.recv_timeout(wait) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) if wire.sent.load(Relaxed) != sent => {}
                Err(_) => return Ok(()),
            }
        }
    }
}

fn send_input(wire: &Wire, speech: &Speech, keep_open: bool) -> Result<(), Trouble> {
    match speech.passes_bytes() {
        true if wire.is_traced() => copy_input(wire),
        true => pump_input(wire),
        false => send_lines(wire, speech),
    }?;
    if keep_open { Ok(()) } else { wire.half_close() }
}

fn pump_input(wire: &Wire) -> Result<(), Trouble> {
    let mut pump = Pump::new(stdin(), wire.connection.as_fd());
    while wire.wait_for_input()? {
        match pump.step() {
            Ok(0) => break,
            Ok(bytes) => wire.note_sent(bytes),
            Err(PumpError::Read(error)) => return Err(Trouble::input(error)),
            Err(PumpError::Write(error)) => return Err(Trouble::Send(error)),
        }
    }
    Ok(())
}

/// Piece by piece, as it is read.
fn copy_input(wire: &Wire) -> Result<(), Trouble> {
    let mut chunk = vec![0; CHUNK];
    while wire.wait_for_input()? {
        match bulk::read(stdin(), &mut chunk).map_err(Trouble::input)? {
            0 => break,
            bytes => wire.write(&chunk[..bytes])?,
        }
    }
    Ok(())
}

/// Line by line, as charsets, line ends and headers want it; all the lines of one read go in one write.
fn send_lines(wire: &Wire, speech: &Speech) -> Result<(), Trouble> {
    let mut chunk = vec![0; CHUNK];
    let mut held = Vec::new();
    let mut out = Vec::new();
    while wire.wait_for_input()? {
        let bytes = bulk::read(stdin(), &mut chunk).map_err(Trouble::input)?;
        let chunk = &chunk[..bytes];
        let last = chunk.iter().rposition(|&byte| byte == b'\n');
        // At the end of input, what is left is a line, too.
        let whole = if bytes == 0 { held.len() } else { last.map_or(0, |at| held.len() + at + 1) };
        held.extend_from_slice(chunk);
        let mut lines = held[..whole].split_inclusive(|&byte| byte == b'\n');
        let piped = lines.try_for_each(|line| speech.piped(line, &mut out));
        // What comes before a line that cannot be sent is sent.
        wire.write(&out)?;
        piped.map_err(Trouble::Input)?;
        out.clear();
        held.drain(..whole);
        if held.len() > speech.max_frame {
            let limit = speech.max_frame;
            return Err(Trouble::Input(anyhow!("a line of the input is longer than --max-frame {limit}")));
        }
        if bytes == 0 {
            break;
        }
    }
    Ok(())
}
