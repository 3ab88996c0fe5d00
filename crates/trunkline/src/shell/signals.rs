//! The signals that end this program, and those of a terminal that has another size.

use std::io;

use anyhow::Context as _;
use node::ssh::command::Size;
use rustix::process::Signal as Number;
use rustix::stdio::stdin;
use rustix::termios::tcgetwinsize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Exit;

/// As long as this is there, none of them ends the process by itself, with the terminal as it is.
pub(super) struct Signals {
    hangup: Signal,
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
            quit: listen(SignalKind::quit())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for one. Gives the exit code of who is ended by it, as shells have it.
    pub(super) async fn next(&mut self) -> Exit {
        let number = tokio::select! {
            _ = self.hangup.recv() => Number::HUP,
            _ = self.interrupt.recv() => Number::INT,
            _ = self.quit.recv() => Number::QUIT,
            _ = self.terminate.recv() => Number::TERM,
        };
        Exit::Code(u8::try_from(number.as_raw()).map_or(u8::MAX, |number| 128 + number))
    }
}

/// Hears of each new size of the terminal, also of those since it is there and nobody asked.
pub(super) struct Resized(Signal);

impl Resized {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(listen(SignalKind::window_change())?))
    }

    pub(super) async fn next(&mut self) -> Option<Size> {
        self.0.recv().await;
        size().ok()
    }
}

/// The size of the terminal at standard input.
pub(super) fn size() -> io::Result<Size> {
    let size = tcgetwinsize(stdin())?;
    Ok(Size { columns: size.ws_col.into(), rows: size.ws_row.into() })
}

fn listen(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("setting up the signals")
}
