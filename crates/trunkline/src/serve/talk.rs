//! The person who answers at this terminal, for the service `talk`.

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::thread;

use anstyle::{AnsiColor, Color, Style};
use net::door::Shutdown;
use net::service::{Call, CallEvent, Desk};
use net::{Endpoint, Untrusted};
use tokio::sync::mpsc;

/// What callers say stands on a coloured ground, as in the tutorial.
const GROUND: Style = Style::new().bg_color(Some(Color::Ansi(AnsiColor::Blue)));

/// Lines typed ahead of the calls that they answer.
const TYPED_AHEAD: usize = 64;

/// The person, with the desk where the calls arrive.
pub(crate) struct Person {
    desk: Arc<Desk>,
    calls: mpsc::Receiver<Call>,
}

impl Person {
    pub(crate) fn new() -> (Arc<Desk>, Self) {
        let (desk, calls) = Desk::new();
        (Arc::clone(&desk), Self { desk, calls })
    }

    /// Answers until the lines end, then closes the desk and lets the server end.
    pub(crate) async fn answer(mut self, shutdown: &Shutdown) -> io::Result<()> {
        let mut lines = typed_lines();
        while let Some(call) = self.calls.recv().await {
            let CallEvent::Said(said) = call.event else { continue };
            show(&call.from, &said);
            let Some(line) = lines.recv().await else { break };
            self.desk.answer(call.id, line?.into_bytes());
        }
        self.desk.close();
        shutdown.drain.cancel();
        Ok(())
    }
}

fn show(from: &Endpoint, said: &[u8]) {
    // A closed standard output hears nothing, and the server goes on.
    let _ = writeln!(anstream::stdout(), "from [{from}]: {GROUND}{}{GROUND:#}", Untrusted::from(said));
}

/// Standard input, line by line. It is read on a thread of its own, which ends with the process.
fn typed_lines() -> mpsc::Receiver<io::Result<String>> {
    let (sender, lines) = mpsc::channel(TYPED_AHEAD);
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}
