//! A person at a terminal: a line editor below, answers above it as they come.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use net::charset::Charset;
use net::client::Connection;
use net::untrusted;
use net::{Address, Endpoint};
use rustyline::error::ReadlineError;

use super::history;
use super::incoming::Incoming;
use super::plan::Pipe;
use super::speech::Speech;
use super::trouble::Trouble;
use super::wire::{Route, Wire};
use crate::failure::{Exit, Outcome, say};
use crate::terminal::{Above, LineEditor, Modes, Screen};

/// Typed alone on a line, it leaves, as with ssh.
const LEAVE: &str = "~.";

/// After Ctrl-D, the silence that ends the wait for the rest.
const REST: Duration = Duration::from_secs(1);

/// How long the rest of a line is awaited before the beginning is shown alone.
const LINE_REST: Duration = Duration::from_millis(30);

/// How long the first datagram waits for a refusal, where its name has another address.
const REFUSAL: Duration = Duration::from_millis(20);

/// A line editor on this terminal.
pub(super) struct Editor {
    lines: LineEditor,
    above: Option<Above>,
    modes: Modes,
}

impl Editor {
    /// None where the terminal cannot edit lines.
    pub(super) fn open() -> Option<Self> {
        let (lines, above, modes) = LineEditor::open(history::file())?;
        Some(Self { lines, above: Some(above), modes })
    }

    /// Another voice above the line that is being typed.
    pub(super) fn screen(&mut self) -> Option<Screen> {
        self.lines.another_voice().map(Screen::from)
    }

    /// Sends what is typed and shows what comes, until one of the two sides leaves.
    pub(super) fn run(mut self, route: Route<'_>, wire: Wire, address: &Address, pipe: &Pipe) -> Outcome {
        say(greeting(&wire, address));
        let above = self.above.take();
        let mut talk = Talk { route, wire: Arc::new(wire), address, pipe, above, far_end: None };
        let outcome = self.converse(&mut talk);
        talk.wire.end();
        outcome
    }

    fn converse(&mut self, talk: &mut Talk<'_>) -> Outcome {
        let speech = &talk.pipe.speech;
        self.modes.hold_keys();
        if !speech.datagrams
            && let Err(trouble) = talk.listen()
        {
            return trouble.outcome(talk.address);
        }
        loop {
            let line = match self.lines.read_line() {
                Ok(line) => line,
                Err(error) => {
                    self.modes.restore();
                    return talk.leave(&error);
                }
            };
            if line == LEAVE {
                return Ok(Exit::Good);
            }
            if line.is_empty() && !speech.sends_empty_lines() {
                continue;
            }
            self.lines.remember(&line);
            match talk.send(&line, &self.modes) {
                Ok(()) => {}
                // The next line may be one that can be sent.
                Err(Trouble::Input(error)) => say(format_args!("trunkline: not sent: {error:#}")),
                Err(trouble) => return talk.broken(trouble),
            }
        }
    }
}

/// One conversation.
struct Talk<'a> {
    route: Route<'a>,
    wire: Arc<Wire>,
    address: &'a Address,
    pipe: &'a Pipe,
    /// Until somebody listens.
    above: Option<Above>,
    /// Says how the far side's direction ended.
    far_end: Option<Receiver<Result<(), Trouble>>>,
}

impl Talk<'_> {
    /// Shows what comes, on a thread of its own.
    fn listen(&mut self) -> Result<(), Trouble> {
        let Some(mut above) = self.above.take() else { return Ok(()) };
        let (ended, far_end) = mpsc::sync_channel(1);
        let (wire, speech) = (Arc::clone(&self.wire), self.pipe.speech.clone());
        let listener = thread::Builder::new().spawn(move || {
            let _ = ended.send(show(&wire, &speech, &mut above));
            above.end_editor();
        });
        listener.map_err(Trouble::thread)?;
        self.far_end = Some(far_end);
        Ok(())
    }

    fn send(&mut self, line: &str, modes: &Modes) -> Result<(), Trouble> {
        let message = self.pipe.speech.typed(line).map_err(Trouble::Input)?;
        if !self.pipe.speech.datagrams {
            let taken = self.wire.write_now(&message)?;
            if taken < message.len() {
                // This may take for ever, if the far side does not read.
                modes.restore();
                self.wire.write(&message[taken..])?;
                modes.hold_keys();
            }
            return Ok(());
        }
        self.wire.send(&message)?;
        if self.far_end.is_none() {
            self.settle(&message)?;
            self.listen()?;
        }
        Ok(())
    }

    /// Goes on to the next address of the name as long as the first datagram is refused.
    fn settle(&mut self, first: &[u8]) -> Result<(), Trouble> {
        while self.route.has_more() {
            let connection = &self.wire.connection;
            if !connection.readable_within(Some(REFUSAL)).map_err(Trouble::Receive)? {
                break;
            }
            let Some(error) = connection.take_error().map_err(Trouble::Receive)? else { break };
            self.wire = Arc::new(self.route.refused(&self.wire, error).map_err(Trouble::Connect)?);
            self.wire.send(first)?;
        }
        Ok(())
    }

    /// No more lines: the far side is gone, or the person leaves.
    fn leave(&self, why: &ReadlineError) -> Outcome {
        let far_end = self.far_end.as_ref();
        match far_end.and_then(|far_end| far_end.try_recv().ok()) {
            Some(Ok(())) => {
                say(format_args!("connection closed by {} (eof)", bare(&self.wire.connection.peer)));
                return Ok(Exit::Good);
            }
            Some(Err(trouble)) => return trouble.outcome(self.address),
            None => {}
        }
        match (why, far_end) {
            (ReadlineError::Interrupted, _) => Ok(Exit::Interrupted),
            (ReadlineError::Eof, Some(far_end)) if !self.pipe.speech.datagrams => {
                let closed = if self.pipe.keep_open { Ok(()) } else { self.wire.half_close() };
                let rest = closed.and_then(|()| self.rest(far_end));
                rest.map_or_else(|trouble| trouble.outcome(self.address), |()| Ok(Exit::Good))
            }
            (ReadlineError::Eof, _) => Ok(Exit::Good),
            (error, _) => Err(anyhow!("reading from the terminal: {error}").into()),
        }
    }

    /// Waits for what still comes, until the far side ends or is silent.
    fn rest(&self, far_end: &Receiver<Result<(), Trouble>>) -> Result<(), Trouble> {
        loop {
            let received = self.wire.received.load(Relaxed);
            match far_end.recv_timeout(REST) {
                Ok(end) => return end,
                Err(RecvTimeoutError::Timeout) if self.wire.received.load(Relaxed) != received => {}
                Err(_) => return Ok(()),
            }
        }
    }

    /// Sending failed. What the other direction says of it is nearer to the cause.
    fn broken(&self, trouble: Trouble) -> Outcome {
        let far_end = self.far_end.as_ref().and_then(|far_end| far_end.recv_timeout(REFUSAL).ok());
        match far_end {
            Some(Err(nearer)) => nearer.outcome(self.address),
            _ => trouble.outcome(self.address),
        }
    }
}

/// Shows what comes above the line that is being typed.
fn show(wire: &Wire, speech: &Speech, above: &mut Above) -> Result<(), Trouble> {
    let charset = speech.charset.unwrap_or(Charset::UTF_8);
    let marked = speech.is_framed() || speech.datagrams;
    let mut incoming = Incoming::new(speech.decoder());
    let mut screen = untrusted::Screen::new(charset);
    loop {
        let bytes = incoming.read(wire).map_err(Trouble::Receive)?;
        let ended = bytes == 0 && !speech.datagrams;
        if bytes == 0 && speech.datagrams {
            above.add_line("");
        }
        while let Some(message) = incoming.next(ended).map_err(Trouble::Frame)? {
            wire.note_message();
            if marked {
                let mut screen = untrusted::Screen::new(charset);
                above.add_line(&(screen.show(message) + &screen.finish()));
            } else {
                above.add(&screen.show(message));
            }
        }
        if ended {
            above.add(&screen.finish());
            return Ok(());
        }
        // A line that comes in pieces is shown in one, unless its rest is late.
        let rest = above.awaits_rest()
            && wire.connection.readable_within(Some(LINE_REST)).map_err(Trouble::Receive)?;
        if !rest {
            above.print();
        }
    }
}

fn greeting(wire: &Wire, address: &Address) -> String {
    let Connection { local, peer, .. } = &wire.connection;
    let ends = match (local, peer) {
        (Endpoint::Unnamed, _) => String::new(),
        (local, peer) => format!(" ({} -> {})", bare(local), bare(peer)),
    };
    let verb = if address.is_datagram() { "sending datagrams to" } else { "connected to" };
    format!("{verb} {address}{ends}; Ctrl-D or {LEAVE} leaves")
}

/// Without its scheme, where the address before has it.
fn bare(end: &Endpoint) -> String {
    end.socket_addr().map_or_else(|| end.to_string(), |address| address.to_string())
}
