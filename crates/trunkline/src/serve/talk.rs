//! The person who answers at this terminal, for the service `talk`.

use std::io::{self, BufRead as _};
use std::sync::Arc;
use std::thread;

use net::door::Shutdown;
use net::service::{Call, CallEvent, Desk};
use tokio::sync::mpsc;

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
