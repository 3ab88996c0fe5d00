//! A person at a terminal: a line editor below, answers above it as they come.

mod listen;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use net::bulk::write_all;
use net::client::Connection;
use net::{Address, Endpoint};
use rustix::stdio::stdout;
use rustyline::error::ReadlineError;

use super::history;
use super::plan::Pipe;
use super::trouble::Trouble;
use super::wire::{Route, Wire};
use crate::failure::{Exit, Outcome, say};
use crate::terminal::{Around, LineEditor, PROMPT, Voice};
use listen::listen;

/// Once nothing more is sent.
const NO_PROMPT: (&str, &str) = ("", "");

/// Typed alone on a line, it leaves, as with ssh.
const LEAVE: &str = "~.";

/// After Ctrl-D, the silence that ends the wait for the rest.
const REST: Duration = Duration::from_secs(1);

/// How long the first datagram waits for a refusal, where its name has another address; and a failure to send for the
/// other direction, which knows more of the cause.
const REFUSAL: Duration = Duration::from_millis(20);

/// A line editor on this terminal.
pub(super) struct Editor {
    lines: LineEditor,
    around: Around,
}

impl Editor {
    /// None where the terminal cannot edit lines.
    pub(super) fn open() -> Option<Self> {
        LineEditor::open(history::file()).map(|(lines, around)| Self { lines, around })
    }

    /// What others say above the line that is being typed is said with this.
    pub(super) fn voice(&self) -> Voice {
        self.around.voice.clone()
    }

    /// Sends what is typed and shows what comes, until one of the two sides leaves.
    pub(super) fn run(mut self, route: Route<'_>, wire: Wire, address: &Address, pipe: &Pipe) -> Outcome {
        say(greeting(&wire, address));
        let voice = self.around.voice.clone();
        let mut talk = Talk { route, wire: Arc::new(wire), pipe, voice, far_end: None };
        self.around.keys.hold_keys();
        let left = self.converse(&mut talk);
        let Self { lines, around: Around { keys, voice, voice_ended } } = self;
        keys.restore();
        // A voice that waits for the editor waits no longer.
        drop(lines);
        if let Ok(Left::FarSide) = left {
            say(format_args!("connection closed by {} (eof)", bare(&talk.wire.connection.peer)));
        }
        talk.wire.end();
        voice.end();
        voice_ended.wait();
        match left {
            Ok(Left::Interrupted) => Ok(Exit::Interrupted),
            Ok(Left::Person | Left::FarSide) => Ok(Exit::Good),
            Err(trouble) => trouble.outcome(address),
        }
    }

    fn converse(&mut self, talk: &mut Talk<'_>) -> Result<Left, Trouble> {
        if !talk.pipe.speech.datagrams {
            talk.listen()?;
        }
        loop {
            let line = match self.lines.read_line(&PROMPT) {
                Ok(line) => line,
                Err(error) => match (talk.far_end(), error) {
                    (Some(end), _) => return end.map(|()| Left::FarSide),
                    (None, ReadlineError::Interrupted) => return Ok(Left::Interrupted),
                    (None, ReadlineError::Eof) if talk.pipe.speech.datagrams => return Ok(Left::Person),
                    (None, ReadlineError::Eof) => return self.rest(talk),
                    (None, error) => {
                        return Err(Trouble::Input(anyhow!("reading from the terminal: {error}")));
                    }
                },
            };
            if line == LEAVE {
                return Ok(Left::Person);
            }
            if line.is_empty() && !talk.pipe.speech.sends_empty_lines() {
                continue;
            }
            self.lines.remember(&line);
            match self.send(talk, &line) {
                Ok(()) => {}
                // The next line may be one that can be sent.
                Err(Trouble::Input(error)) => say(format_args!("trunkline: not sent: {error:#}")),
                Err(trouble) => return Err(talk.nearer(trouble)),
            }
        }
    }

    fn send(&self, talk: &mut Talk<'_>, line: &str) -> Result<(), Trouble> {
        let message = talk.pipe.speech.typed(line).map_err(Trouble::Input)?;
        if talk.pipe.speech.datagrams {
            return talk.send(&message);
        }
        let taken = talk.wire.write_now(&message)?;
        if taken < message.len() {
            // This may take for ever, if the far side does not read. Meanwhile what it sends is shown, and Ctrl-C ends
            // the program.
            self.around.keys.restore();
            self.lines.away();
            talk.wire.write(&message[taken..])?;
            self.around.keys.hold_keys();
        }
        Ok(())
    }

    /// Our direction has ended: what still comes is shown, until the far side ends too or is silent. Ctrl-C and a
    /// second Ctrl-D leave at once.
    fn rest(&mut self, talk: &Talk<'_>) -> Result<Left, Trouble> {
        if !talk.pipe.keep_open {
            talk.wire.half_close()?;
        }
        self.around.voice.leaving(REST);
        let why = loop {
            if let Err(error) = self.lines.read_line(&NO_PROMPT) {
                break error;
            }
        };
        if let ReadlineError::Eof | ReadlineError::Interrupted = why {
            // The editor has ended its line, which is empty.
            let _ = write_all(stdout(), b"\x1b[A");
        }
        match (talk.far_end(), why) {
            (Some(Err(trouble)), _) => Err(trouble),
            (None, ReadlineError::Interrupted) => Ok(Left::Interrupted),
            _ => Ok(Left::Person),
        }
    }
}

/// Who ended it.
enum Left {
    Person,
    FarSide,
    /// Ctrl-C.
    Interrupted,
}

/// One conversation.
struct Talk<'a> {
    route: Route<'a>,
    wire: Arc<Wire>,
    pipe: &'a Pipe,
    voice: Voice,
    /// Says how the far side's direction ended, once somebody listens.
    far_end: Option<Receiver<Result<(), Trouble>>>,
}

impl Talk<'_> {
    /// Shows what comes, on a thread of its own. Its end is the end of the editor's wait for a line.
    fn listen(&mut self) -> Result<(), Trouble> {
        let (ended, far_end) = mpsc::sync_channel(1);
        let (wire, speech, voice) = (Arc::clone(&self.wire), self.pipe.speech.clone(), self.voice.clone());
        let listener = thread::Builder::new().spawn(move || {
            let _ = ended.send(listen(&wire, &speech, &voice));
            voice.end_editor();
        });
        listener.map_err(Trouble::thread)?;
        self.far_end = Some(far_end);
        Ok(())
    }

    /// How the far side's direction has ended, if it has.
    fn far_end(&self) -> Option<Result<(), Trouble>> {
        self.far_end.as_ref()?.try_recv().ok()
    }

    /// Sends a datagram. The first goes to the first address of the name that does not refuse it.
    fn send(&mut self, datagram: &[u8]) -> Result<(), Trouble> {
        self.wire.send(datagram)?;
        if self.far_end.is_some() {
            return Ok(());
        }
        while self.route.has_more() {
            let connection = &self.wire.connection;
            if !connection.readable_within(Some(REFUSAL)).map_err(Trouble::Receive)? {
                break;
            }
            let Some(error) = connection.take_error().map_err(Trouble::Receive)? else { break };
            self.wire = Arc::new(self.route.refused(&self.wire, error).map_err(Trouble::Connect)?);
            self.wire.send(datagram)?;
        }
        self.listen()
    }

    /// Sending failed. What the other direction says of it is nearer to the cause.
    fn nearer(&self, trouble: Trouble) -> Trouble {
        let far_end = self.far_end.as_ref().and_then(|far_end| far_end.recv_timeout(REFUSAL).ok());
        far_end.and_then(Result::err).unwrap_or(trouble)
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
