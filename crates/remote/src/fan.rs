//! One command on many machines at once.
//!
//! [`run`] gives each machine a task of its own, at most [`Plan::at_once`] at one time and in the order of the list. A task
//! connects, passes on what its command prints, gives it what it is to read, and ends it when it must end; all of that
//! within limits, so that no machine keeps another from its turn.
//!
//! What happens is one stream of events, [`Fan::next`]. Whoever reads it slowly makes the machines wait, each for itself:
//! none may have more than [`WAITING_EACH`] bytes there, and all together [`WAITING_ALL`]. Limits and cancelling go on
//! meanwhile.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::command::Command;
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::transport::Transport;

mod attend;
mod input;
mod outlet;

pub use attend::GRACE;
pub use outlet::{WAITING_ALL, WAITING_EACH};

use attend::attend;
use input::Feeds;
use outlet::{Outlet, Queue, Queued};

/// Machines under way at one time, unless told otherwise: as with clush. More are no faster on two cores, which shake
/// hands with so many in half a second.
pub const AT_ONCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// Something happened on one of the machines.
#[derive(Debug)]
pub struct Event {
    /// Which: its place in the list of machines.
    pub machine: usize,
    /// What.
    pub what: What,
}

/// What happens on a machine, in this order: at most one [`What::Started`], any number of pieces, one [`What::Ended`].
#[derive(Debug)]
pub enum What {
    /// The command runs there.
    Started,
    /// Bytes of its standard output.
    Out(Bytes),
    /// Bytes of its standard error.
    Err(Bytes),
    /// It is over; every machine comes to this, also one that was never asked.
    Ended(Outcome),
}

/// How many at once, and how long each may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// At most so many machines are under way; the next one begins when one has ended.
    pub at_once: NonZeroUsize,
    /// How long a start may take: look-up, TCP, handshake, login and all hops on the way, without the time in which a person
    /// is asked. None: as long as the [`ConnectTimeout`](crate::config::Settings::connect_timeout) of the machine says.
    pub connect_limit: Option<Duration>,
    /// How long the command may run. Then it is ended, [`Outcome::TimedOut`].
    pub command_limit: Option<Duration>,
    /// The first machine on which it is no [success](Outcome::is_success) cancels all others.
    pub stop_at_first_failure: bool,
}

impl Default for Plan {
    /// Without limits.
    fn default() -> Self {
        Self { at_once: AT_ONCE, connect_limit: None, command_limit: None, stop_at_first_failure: false }
    }
}

/// How a run is told to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// What runs is ended over there, within three times [`GRACE`], and nothing more begins. Each machine that has not
    /// ended yet is [`Outcome::Cancelled`].
    pub politely: CancellationToken,
    /// Every connection is dropped at once; what runs there may go on.
    pub now: CancellationToken,
}

/// What the commands read. Its end is the end of their standard input; after an error they are ended, since a command that
/// took half of its input for the whole would do harm.
pub type Source = Receiver<io::Result<Bytes>>;

/// A run: what happens on its machines. Dropped, it drops every connection.
#[derive(Debug)]
pub struct Fan {
    events: UnboundedReceiver<Queued>,
    _dropped: DropGuard,
}

/// Runs a command on machines. Without a source its standard input is empty.
///
/// The source of one machine is handed on as it comes. That of several is copied to all of them through a file in the
/// temporary folder that has no name any more, since a machine may begin late, or read slowly, and must neither lose
/// anything nor make the others wait. The file has no cap but the disk's; it is written only as fast as the fastest
/// machine reads, and no further when none reads any more.
///
/// # Errors
/// When that file cannot be made.
///
/// # Panics
/// Outside of a tokio runtime with time.
pub fn run<T: Transport>(
    transport: Arc<T>,
    machines: Arc<[Machine]>,
    command: Arc<Command>,
    plan: Plan,
    source: Option<Source>,
    stop: &Stop,
) -> io::Result<Fan> {
    let feeds = Feeds::new(source, machines.len())?;
    let (queue, events) = Queue::new();
    let stop = Stop { politely: stop.politely.child_token(), now: stop.now.child_token() };
    let dropped = stop.now.clone().drop_guard();
    let run = Run { transport, machines, command, plan, stop };
    tokio::spawn(deal(Arc::new(run), queue, feeds));
    Ok(Fan { events, _dropped: dropped })
}

impl Fan {
    /// What happens next; None when every machine has ended. It may be dropped while it waits, and then loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await.map(Queued::take)
    }
}

/// What all machines of a run share.
struct Run<T> {
    transport: Arc<T>,
    machines: Arc<[Machine]>,
    command: Arc<Command>,
    plan: Plan,
    stop: Stop,
}

/// Gives each machine its turn.
async fn deal<T: Transport>(run: Arc<Run<T>>, queue: Queue, mut feeds: Feeds) {
    let mut under_way = JoinSet::new();
    for machine in 0..run.machines.len() {
        if under_way.len() == run.plan.at_once.get() {
            tokio::select! {
                biased;
                () = run.stop.now.cancelled() => {}
                () = run.stop.politely.cancelled() => {}
                _ = under_way.join_next() => {}
            }
        }
        let outlet = queue.outlet(machine);
        if run.stop.politely.is_cancelled() || run.stop.now.is_cancelled() {
            outlet.send(What::Ended(Outcome::Cancelled));
            continue;
        }
        let (run, feed) = (Arc::clone(&run), feeds.next());
        under_way.spawn(async move {
            let mut end = End { run: &run, outlet, outcome: Outcome::Lost(DEFECT.to_owned()) };
            let attending = Box::pin(attend(&run, machine, feed, &end.outlet));
            let outcome = unless(&run.stop.now, attending).await;
            end.outcome = outcome.unwrap_or(Outcome::Cancelled);
        });
    }
    // What is still under way must not be dropped with the set.
    under_way.detach_all();
}

/// Why a machine is lost whose task came to no end of its own.
const DEFECT: &str = "a defect of this program, which standard error tells more about; please report it";

/// How it ends on a machine. Told when it is dropped, so that also a task that panics ends its machine.
struct End<'a, T> {
    run: &'a Run<T>,
    outlet: Outlet,
    outcome: Outcome,
}

impl<T> Drop for End<'_, T> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Cancelled);
        if self.run.plan.stop_at_first_failure && !outcome.is_success() {
            self.run.stop.politely.cancel();
        }
        self.outlet.send(What::Ended(outcome));
    }
}

/// What comes of `future`, or None once it is cancelled. It has room for the future twice, so a large one is better in a box.
async fn unless<F: Future>(cancelled: &CancellationToken, future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        () = cancelled.cancelled() => None,
        output = future => Some(output),
    }
}

#[cfg(test)]
mod tests;
