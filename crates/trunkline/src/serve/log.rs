//! The log of a server: one line for each thing that happened, for people or as JSON.

use std::fmt::{self, Display};
use std::io::Write as _;
use std::os::fd::BorrowedFd;

use jiff::Timestamp;
use net::frame::Frame;
use net::report::Event;

use net::{Bound, Endpoint, Observer, Peer, Reporter, Untrusted};
use serde_json::{Value, json};

use crate::cli::ServiceName;

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) json: bool,
    pub(crate) verbose: bool,
    pub(crate) trace: bool,
}

/// Characters of a message that its line shows.
const SHOWN: usize = 1000;

/// Writes the log to standard error.
#[derive(Clone, Copy)]
pub(crate) struct Log {
    style: Style,
}

impl Log {
    pub(crate) fn new(style: Style) -> Self {
        Self { style }
    }

    /// The line that tells that clients can connect.
    pub(crate) fn listening(&self, bound: &Bound, service: ServiceName) {
        for at in bound.locals() {
            self.write(
                || json!({"event": "listening", "address": at, "service": service.to_string()}),
                format_args!("listening on {at} ({service})"),
            );
        }
    }

    fn write(&self, json: impl FnOnce() -> Value, text: fmt::Arguments<'_>) {
        if !self.style.json {
            return write_line(&text);
        }
        let mut line = json();
        line["time"] = Value::from(Timestamp::now().to_string());
        write_line(&line);
    }
}

/// One line, one write: lines of several processes in one file do not mix. Nobody can be told when it fails.
fn write_line(line: &impl Display) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

impl Reporter for Log {
    fn report(&self, event: Event<'_>) {
        match event {
            Event::Opened { peer: Peer { id, local, remote } } => self.write(
                || json!({"event": "opened", "connection": id, "remote": remote, "local": local}),
                format_args!("#{id} opened: {remote} -> {local}"),
            ),
            Event::Closed { peer: Peer { id, local, remote }, tally, lasted, ending } => {
                let (received, messages, sent) = (tally.received(), tally.messages(), tally.sent());
                let seconds = lasted.as_secs_f64();
                self.write(
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
                        "#{id} closed: {remote} -> {local}: {ending}; received {} in {}, sent {}; {seconds:.3} s",
                        Count(received, "byte"),
                        Count(messages, "message"),
                        Count(sent, "byte"),
                    ),
                );
            }
            Event::Refused { local, remote, refusal } => self.write(
                || json!({"event": "refused", "remote": remote, "local": local, "reason": refusal.to_string()}),
                format_args!("refused: {remote} -> {local}: {refusal}"),
            ),
            Event::Datagram { remote, bytes, came: true } => self.write(
                || message_line(json!({"event": "message", "remote": remote}), bytes),
                format_args!("{remote}: {}", Untrusted::from(bytes).preview(SHOWN)),
            ),
            Event::Datagram { .. } => {}
            Event::Trouble { doing, error } => self.write(
                || json!({"event": "trouble", "doing": doing, "error": error.to_string()}),
                format_args!("trouble: {doing}: {error}"),
            ),
            Event::Draining { connections } => self.write(
                || json!({"event": "draining", "connections": connections}),
                format_args!(
                    "draining: nobody is let in any more; waiting for {} (SIGTERM again ends at once)",
                    Count(connections as u64, "connection")
                ),
            ),
        }
    }

    fn wants_datagrams(&self) -> bool {
        self.style.verbose
    }

    fn observe(&self, peer: &Peer, _socket: BorrowedFd<'_>) -> Option<Box<dyn Observer>> {
        let log = MessageLog { log: *self, id: peer.id, remote: peer.remote.clone() };
        self.style.verbose.then(|| Box::new(log) as _)
    }
}

/// Writes each message with its sender (`-v`).
struct MessageLog {
    log: Log,
    id: u64,
    remote: Endpoint,
}

impl Observer for MessageLog {
    fn message(&mut self, frame: &Frame<'_>) {
        let (id, remote) = (self.id, &self.remote);
        self.log.write(
            || message_line(json!({"event": "message", "connection": id, "remote": remote}), frame.payload),
            format_args!("#{id} {remote}: {}", Untrusted::from(frame.payload).preview(SHOWN)),
        );
    }
}

/// Text where it is text, else hexadecimal digits, so that the bytes can be had back.
fn message_line(mut line: Value, bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => line["text"] = Value::from(text),
        Err(_) => {
            line["hex"] = Value::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
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
