//! What runs a command on one machine, whatever the protocol.

use std::future::{Future, pending};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::ask::Asking;
use crate::command::{Command, Size};
use crate::machine::{Hop, Machine};
use crate::outcome::{ConnectError, Outcome, Unreachable};

/// Starts commands on machines.
pub trait Transport: Send + Sync + 'static {
    /// A command that runs.
    type Session: Session;

    /// Looks up, connects, shakes hands, logs in and starts the command. It may be dropped at any time, and then leaves
    /// nothing behind; `doing` tells then how far it came.
    ///
    /// # Errors
    /// With the hop that failed, and why.
    fn start(
        &self,
        machine: &Machine,
        command: &Command,
        doing: &Doing,
    ) -> impl Future<Output = Result<Self::Session, Unreachable>> + Send;
}

/// What is under way while a command is being started, and for how long it may be.
#[derive(Debug, Default)]
pub struct Doing {
    under_way: Mutex<Option<(Hop, &'static str)>>,
    /// How many questions are open.
    asking: OnceLock<watch::Receiver<usize>>,
}

impl Doing {
    /// The next step of the way begins.
    pub fn begin(&self, hop: &Hop, what: &'static str) {
        *self.under_way.lock().unwrap_or_else(PoisonError::into_inner) = Some((hop.clone(), what));
    }

    /// While any of these questions is open, no time counts: this machine or another may be waiting for the answer, and a
    /// person takes as long as he takes. To be called before the first step.
    pub fn heed(&self, asking: &Asking) {
        self.asking.get_or_init(|| asking.open());
    }

    /// What comes of a start, unless it takes longer than the limit.
    ///
    /// # Errors
    /// That of the start, or [`ConnectError::Timeout`].
    pub async fn within<T>(
        &self,
        limit: Option<Duration>,
        machine: &Machine,
        starting: impl Future<Output = Result<T, Unreachable>>,
    ) -> Result<T, Unreachable> {
        tokio::select! {
            // It says first whom to heed.
            biased;
            started = starting => started,
            limit = self.past(limit) => Err(self.timed_out(machine, limit)),
        }
    }

    /// Comes back when so much time has passed in which nobody was asked; never, if there is no limit.
    async fn past(&self, limit: Option<Duration>) -> Duration {
        let Some(limit) = limit else { return pending().await };
        let nobody = || watch::Sender::new(0).subscribe();
        let mut asking = self.asking.get().cloned().unwrap_or_else(nobody);
        let mut left = limit;
        loop {
            // Whoever asked may be gone, and then asks nothing more.
            let _ = asking.wait_for(|open| *open == 0).await;
            let begun = Instant::now();
            tokio::select! {
                // What was asked in time counts, however late we see it.
                biased;
                Ok(_) = asking.wait_for(|open| *open > 0) => left = left.saturating_sub(begun.elapsed()),
                () = sleep(left) => return limit,
            }
        }
    }

    /// What to say of a start that took longer than `limit`.
    #[must_use]
    pub fn timed_out(&self, machine: &Machine, limit: Duration) -> Unreachable {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let (hop, doing) = match &*under_way {
            Some((hop, what)) => (hop, *what),
            None => (&machine.end, "nothing yet"),
        };
        Unreachable { hop: hop.to_string(), reason: ConnectError::Timeout { limit, doing } }
    }
}

/// A command that runs on a machine. Dropped, it closes the connection, and what runs there gets SIGHUP at best.
pub trait Session: Send + 'static {
    /// Its standard input.
    type Input: Input;

    /// What comes next from there. After [`Piece::End`] nothing does. Whoever does not ask makes the machine wait. It
    /// may be dropped while it waits, and then loses nothing.
    fn next(&mut self) -> impl Future<Output = Piece> + Send;

    /// Its standard input; `None` when it was taken already. A half of its own, since reading must not wait for writing.
    fn input(&mut self) -> Option<Self::Input>;

    /// Asks the machine to send a signal to the command (RFC 4254 section 6.9). Not every server does.
    fn signal(&mut self, signal: Signal) -> impl Future<Output = ()> + Send;

    /// Its terminal has another size now.
    fn resize(&mut self, size: Size) -> impl Future<Output = ()> + Send;

    /// Closes the connection politely.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// The standard input of a command. Dropped, it is not at its end: the command would take what it has read for all.
pub trait Input: Send + 'static {
    /// Gives bytes; comes back when they are taken. `false`: the command reads no more.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = bool> + Send;

    /// There is no more.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// Something from a machine.
#[derive(Debug)]
pub enum Piece {
    /// Of standard output.
    Out(Bytes),
    /// Of standard error.
    Err(Bytes),
    /// It is over: [`Outcome::Exit`], [`Outcome::Signal`] or [`Outcome::Lost`].
    End(Outcome),
}

/// Signals that a person sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// A polite end.
    Terminate,
    /// The end.
    Kill,
    /// The terminal is gone.
    Hangup,
}
