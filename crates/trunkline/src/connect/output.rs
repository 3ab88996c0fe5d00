//! How that is shown which arrives: byte for byte, as text that cannot steer a terminal, or as JSON lines.

use std::io;
use std::mem;
use std::str;
use std::sync::atomic::Ordering::Relaxed;

use net::bulk::write_all;
use net::charset::{Charset, TextDecoder};
use net::client::Connection;
use net::untrusted::Screen;
use net::{Address, Ending, Endpoint};
use rustix::stdio::stdout;
use serde::Serialize;

use super::plan::Output;
use super::trouble::Trouble;
use super::wire::Wire;
use crate::json;

/// Writes to standard output what arrives.
pub(super) struct Writer {
    output: Output,
    charset: Option<Charset>,
    /// Of the stream, where it has no boundaries.
    text: Text,
    /// The first bytes of a character whose rest is still to come, where nobody decodes it.
    cut: Vec<u8>,
    /// On a terminal: the last line has no end yet.
    open_line: bool,
}

/// A JSON line.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    /// The connection stands.
    Opened { address: String, local: &'a Endpoint, remote: &'a Endpoint },
    /// A message arrived, or without a frame what one read brought.
    Received(Content<'a>),
    /// The connection is over.
    Closed {
        #[serde(flatten)]
        ending: &'a Ending,
        /// In bytes.
        sent: u64,
        /// In bytes.
        received: u64,
        /// How many arrived.
        messages: u64,
        seconds: f64,
    },
}

/// What a message holds: text where it is text.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Content<'a> {
    Text(&'a str),
    Hex(String),
}

/// Bytes in pieces become text.
enum Text {
    /// As it is.
    Plain(TextDecoder),
    /// For a terminal.
    Screen(Screen),
}

impl Writer {
    pub(super) fn new(output: Output, charset: Option<Charset>) -> Self {
        Self { output, charset, text: Text::new(output, charset), cut: Vec::new(), open_line: false }
    }

    /// Whether bytes reach standard output as they are.
    pub(super) fn is_exact(&self) -> bool {
        self.output == Output::Plain && self.charset.is_none()
    }

    /// Some more of a stream without boundaries. A character that is cut waits for its rest.
    pub(super) fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_exact() {
            return write_all(stdout(), bytes);
        }
        if self.output == Output::Json && self.charset.is_none() {
            self.cut.extend_from_slice(bytes);
            let whole = mem::take(&mut self.cut);
            let (whole, cut) = whole.split_at(whole_characters(&whole));
            self.cut.extend_from_slice(cut);
            return received(whole);
        }
        let text = self.text.read(bytes);
        self.write(&text)
    }

    /// A whole message. Where it ends is shown by an LF, unless it has one.
    pub(super) fn message(&mut self, payload: &[u8]) -> io::Result<()> {
        if self.output == Output::Json && self.charset.is_none() {
            return event(&Event::Received(Content::of(payload)));
        }
        let mut shown = payload.to_vec();
        if !self.is_exact() {
            let mut text = Text::new(self.output, self.charset);
            shown = (text.read(payload) + &text.finish()).into_bytes();
        }
        if self.output == Output::Json {
            return event(&Event::Received(Content::of(&shown)));
        }
        if !shown.ends_with(b"\n") {
            shown.push(b'\n');
        }
        write_all(stdout(), &shown)
    }

    /// Nothing more arrives: what is left of a cut character is shown as such, and on a terminal the last line ends, so
    /// that the shell's prompt does not stand behind it.
    fn finish(&mut self) -> io::Result<()> {
        received(&mem::take(&mut self.cut))?;
        let text = mem::replace(&mut self.text, Text::new(self.output, self.charset)).finish();
        self.write(&text)?;
        if self.open_line { self.write("\n") } else { Ok(()) }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if self.output == Output::Json {
            return received(text.as_bytes());
        }
        if self.output == Output::Screen && !text.is_empty() {
            self.open_line = !text.ends_with('\n');
        }
        write_all(stdout(), text.as_bytes())
    }

    /// Says that the connection stands, in JSON.
    pub(super) fn opened(&self, wire: &Wire, address: &Address) -> Result<(), Trouble> {
        if self.output != Output::Json {
            return Ok(());
        }
        let Connection { local, peer, .. } = &wire.connection;
        event(&Event::Opened { address: address.to_string(), local, remote: peer }).map_err(Trouble::Output)
    }

    /// Ends the text, and says in JSON how the connection ended.
    pub(super) fn closed(&mut self, wire: &Wire, ending: &Ending) -> Result<(), Trouble> {
        self.finish().map_err(Trouble::Output)?;
        if self.output != Output::Json {
            return Ok(());
        }
        let closed = Event::Closed {
            ending,
            sent: wire.sent.load(Relaxed),
            received: wire.received.load(Relaxed),
            messages: wire.messages.load(Relaxed),
            seconds: wire.opened.elapsed().as_secs_f64(),
        };
        event(&closed).map_err(Trouble::Output)
    }
}

impl Text {
    fn new(output: Output, charset: Option<Charset>) -> Self {
        let charset = charset.unwrap_or(Charset::UTF_8);
        match output {
            Output::Screen => Self::Screen(Screen::new(charset)),
            Output::Plain | Output::Json => Self::Plain(charset.decoder()),
        }
    }

    fn read(&mut self, bytes: &[u8]) -> String {
        match self {
            Self::Screen(screen) => screen.show(bytes),
            Self::Plain(decoder) => {
                let mut text = String::new();
                decoder.decode(bytes, &mut text);
                text
            }
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Screen(screen) => screen.finish(),
            Self::Plain(decoder) => {
                let mut text = String::new();
                decoder.finish(&mut text);
                text
            }
        }
    }
}

impl<'a> Content<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Hex(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }
}

/// How many of these bytes come before a character that was cut at their end.
fn whole_characters(bytes: &[u8]) -> usize {
    match str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

fn received(bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() { Ok(()) } else { event(&Event::Received(Content::of(bytes))) }
}

fn event(line: &Event<'_>) -> io::Result<()> {
    print_line(&json::line(line)?)
}

/// A line on standard output.
pub(super) fn print_line(line: &str) -> io::Result<()> {
    write_all(stdout(), format!("{line}\n").as_bytes())
}
