//! The log of a server: one line for each thing that happened, for people or as JSON.

use std::fmt::{self, Display};
use std::io::{self, Write as _};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use jiff::Timestamp;
use net::frame::{Frame, Framing};
use net::report::Event;
use net::trace::{self, ConnectionTrace, Direction, Tracer};
use net::{Bound, Ending, Observer, Peer, Reporter, Untrusted};
use node::journal::{self, Journal, JournalError, Writer};
use serde_json::{Value, json};

use super::ledger::Ledger;
use crate::cli::ServiceName;
use crate::json;
use crate::terminal::Voice;

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) json: bool,
    pub(crate) verbose: bool,
    pub(crate) trace: bool,
    /// The service passes bytes on, and may know of no messages.
    pub(crate) without_messages: bool,
}

/// Characters of a message that its line shows.
const SHOWN: usize = 1000;

/// Writes the log.
pub(crate) struct Log {
    pen: Pen,
    style: Style,
    tracer: Option<Tracer>,
    ledger: Option<Ledger>,
}

impl Log {
    /// A log of this style, on standard error or above the line that a person types. A trace follows streams as
    /// messages of `framing`, of at most `max_frame` bytes.
    pub(crate) fn new(style: Style, voice: Option<Voice>, framing: &Framing, max_frame: usize) -> Self {
        let pen = Pen { json: style.json, voice };
        let tracing = pen.clone();
        let show = move |line: &trace::Line| tracing.write(|| json!(line), format_args!("{line}"));
        let tracer = style.trace.then(|| Tracer::new(Arc::new(framing.clone()), max_frame, show));
        Self { pen, style, tracer, ledger: None }
    }

    /// The same log, which also keeps connections in the journal.
    pub(crate) fn keeping(mut self, journal: Journal, service: ServiceName) -> Result<Self, JournalError> {
        let pen = self.pen.clone();
        let tell = move |trouble: &journal::Trouble| pen.trouble("keeping the journal", trouble);
        self.ledger = Some(Ledger::new(service, Writer::start(journal, tell)?));
        Ok(self)
    }

    /// Waits until the journal has everything, and tells what it lacks.
    pub(crate) async fn finish(&self) {
        let Some(ledger) = &self.ledger else { return };
        let lost = ledger.finish().await;
        if lost > 0 {
            self.pen.write(
                || json!({"event": "lost", "connections": lost}),
                format_args!("lost: {} not in the journal", Count(lost, "connection")),
            );
        }
    }

    /// The lines that tell that clients can connect.
    pub(crate) fn listening(&self, bound: &Bound, service: ServiceName) {
        for (at, note) in bound.places() {
            let (colon, note) = note.map_or(("", ""), |note| (": ", note));
            self.pen.write(
                || json!({"event": "listening", "address": at, "service": service.to_string()}),
                format_args!("listening on {at} ({service}){colon}{note}"),
            );
        }
    }

    /// The line that tells that connections were cut off.
    pub(crate) fn cut(&self, connections: usize) {
        self.pen.write(
            || json!({"event": "cut", "connections": connections}),
            format_args!("cut: {} still open", Count(connections as u64, "connection")),
        );
    }
}

/// Writes lines, one write for each: lines of several processes in one file do not mix.
#[derive(Clone)]
struct Pen {
    json: bool,
    voice: Option<Voice>,
}

impl Pen {
    fn write(&self, json: impl FnOnce() -> Value, text: fmt::Arguments<'_>) {
        if !self.json {
            return self.line(&text);
        }
        let mut line = json();
        line["time"] = Value::from(Timestamp::now().to_string());
        // What is a value already can be written.
        if let Ok(line) = json::line(&line) {
            self.line(&line);
        }
    }

    fn trouble(&self, doing: &str, error: &impl Display) {
        self.write(
            || json!({"event": "trouble", "doing": doing, "error": error.to_string()}),
            format_args!("trouble: {doing}: {error}"),
        );
    }

    fn line(&self, line: &impl Display) {
        match &self.voice {
            Some(voice) => voice.line(line),
            // Nobody can be told when it fails.
            None => drop(io::stderr().write_all(format!("{line}\n").as_bytes())),
        }
    }
}

impl Reporter for Log {
    fn report(&self, event: Event<'_>) {
        match event {
            Event::Opened { peer: Peer { id, local, remote } } => self.pen.write(
                || json!({"event": "opened", "connection": id, "remote": remote, "local": local}),
                format_args!("#{id} opened: {remote} -> {local}"),
            ),
            Event::Closed { peer: peer @ Peer { id, local, remote }, tally, lasted, ending } => {
                if let Some(ledger) = &self.ledger {
                    ledger.closed(peer, tally, lasted, ending);
                }
                let (received, messages, sent) = (tally.received(), tally.messages(), tally.sent());
                let seconds = lasted.as_secs_f64();
                self.pen.write(
                    || {
                        let mut line = json!({
                            "event": "closed", "connection": id, "remote": remote, "local": local,
                            "received": received, "messages": messages, "sent": sent, "seconds": seconds,
                        });
                        if let (Value::Object(line), Value::Object(ending)) = (&mut line, json!(ending)) {
                            line.extend(ending);
                        }
                        line
                    },
                    format_args!(
                        "#{id} closed: {remote} -> {local}: {ending}; received {}{}, sent {}; {seconds:.3} s",
                        Count(received, "byte"),
                        if messages == 0 && self.style.without_messages {
                            String::new()
                        } else {
                            format!(" in {}", Count(messages, "message"))
                        },
                        Count(sent, "byte"),
                    ),
                );
            }
            Event::Refused { local, remote, refusal } => self.pen.write(
                || json!({"event": "refused", "remote": remote, "local": local, "reason": refusal.to_string()}),
                format_args!("refused: {remote} -> {local}: {refusal}"),
            ),
            Event::Datagram { remote, bytes, came } => {
                if let Some(tracer) = &self.tracer {
                    tracer.datagram(if came { Direction::In } else { Direction::Out }, remote, bytes);
                }
                if came && self.style.verbose {
                    self.pen.write(
                        || message_line(json!({"event": "message", "remote": remote}), bytes),
                        format_args!("{remote}: {}", Untrusted::from(bytes).preview(SHOWN)),
                    );
                }
            }
            Event::Trouble { doing, error } => self.pen.trouble(doing, error),
            Event::Draining { connections } => self.pen.write(
                || json!({"event": "draining", "connections": connections}),
                format_args!(
                    "draining: nobody is let in any more; waiting for {} (SIGTERM again ends at once)",
                    Count(connections as u64, "connection")
                ),
            ),
        }
    }

    fn wants_datagrams(&self) -> bool {
        self.style.verbose || self.style.trace
    }

    fn observe(&self, peer: &Arc<Peer>, socket: BorrowedFd<'_>) -> Option<Box<dyn Observer>> {
        let messages =
            self.style.verbose.then(|| MessageLog { pen: self.pen.clone(), peer: Arc::clone(peer) });
        match &self.tracer {
            Some(tracer) => Some(Box::new(TraceLog::begin(tracer, peer, socket, messages))),
            None => messages.map(|messages| Box::new(messages) as _),
        }
    }
}

/// Writes each message with its sender (`-v`).
struct MessageLog {
    pen: Pen,
    peer: Arc<Peer>,
}

impl Observer for MessageLog {
    fn message(&mut self, frame: &Frame<'_>) {
        let Peer { id, remote, .. } = self.peer.as_ref();
        self.pen.write(
            || message_line(json!({"event": "message", "connection": id, "remote": remote}), frame.payload),
            format_args!("#{id} {remote}: {}", Untrusted::from(frame.payload).preview(SHOWN)),
        );
    }
}

/// Writes a connection's life by layer (`--trace`), and its messages where they are wanted too.
struct TraceLog {
    tracer: Tracer,
    peer: Arc<Peer>,
    trace: Option<ConnectionTrace>,
    messages: Option<MessageLog>,
}

impl TraceLog {
    fn begin(
        tracer: &Tracer,
        peer: &Arc<Peer>,
        socket: BorrowedFd<'_>,
        messages: Option<MessageLog>,
    ) -> Self {
        let trace = tracer.accepted(peer.id, &peer.local, &peer.remote, socket);
        Self { tracer: tracer.clone(), peer: Arc::clone(peer), trace: Some(trace), messages }
    }
}

impl Observer for TraceLog {
    fn read(&mut self, bytes: &[u8]) {
        self.trace.iter().for_each(|trace| trace.read(bytes));
    }

    fn message(&mut self, frame: &Frame<'_>) {
        self.messages.iter_mut().for_each(|messages| messages.message(frame));
    }

    fn wrote(&mut self, bytes: &[u8]) {
        self.trace.iter().for_each(|trace| trace.wrote(bytes));
    }

    fn end_of_input(&mut self) {
        self.trace.iter().for_each(ConnectionTrace::end_of_input);
    }

    fn end_of_output(&mut self) {
        self.trace.iter().for_each(ConnectionTrace::end_of_output);
    }

    fn ended(&mut self, ending: &Ending) {
        let error = match ending {
            Ending::Eof => return,
            Ending::Reset => io::ErrorKind::ConnectionReset.into(),
            Ending::Timeout => io::ErrorKind::TimedOut.into(),
            Ending::Limit(reason) | Ending::Error(reason) => io::Error::other(reason.as_str()),
        };
        self.trace.iter().for_each(|trace| trace.failed(&error));
    }
}

impl Drop for TraceLog {
    /// The socket is closed by now. Its last states are watched from a thread of their own, for that takes a while.
    fn drop(&mut self) {
        self.trace = None;
        let (tracer, peer) = (self.tracer.clone(), Arc::clone(&self.peer));
        std::thread::spawn(move || tracer.closed(Some(peer.id), &peer.local, &peer.remote));
    }
}

/// Text where it is text, else hexadecimal digits, so that the bytes can be had back.
fn message_line(mut line: Value, bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => line["text"] = Value::from(text),
        Err(_) => {
            line["hex"] = Value::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        }
    }
    line
}

/// A number of things.
struct Count(u64, &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, what) = self;
        write!(f, "{count} {what}{}", if *count == 1 { "" } else { "s" })
    }
}
