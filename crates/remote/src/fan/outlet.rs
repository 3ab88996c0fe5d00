//! The way of events from the machines to whoever reads them: one queue, in which each machine has its share.

use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Event, What};

/// Bytes of one machine that may wait to be taken: enough to keep a fast connection busy, and so few that a line of
/// another machine does not come late.
pub const WAITING_EACH: usize = 256 * 1024;

/// Bytes of all machines that may wait to be taken. A machine without room has one more piece in hand, and what its
/// transport holds.
pub const WAITING_ALL: usize = 8 * 1024 * 1024;

/// What a piece counts at least: about what an event takes in the queue. Or pieces of one byte, which are up to the
/// machine, would take many times what they count.
const PIECE_MIN: usize = 256;

/// The queue, from the machines' side.
pub(super) struct Queue {
    /// Holds no more than its semaphores allow, and two events without bytes for each machine.
    events: UnboundedSender<Queued>,
    room: Arc<Semaphore>,
}

/// An event, and the room it takes.
#[derive(Debug)]
pub(super) struct Queued {
    event: Event,
    _room: Room,
}

/// One machine's way into the queue.
pub(super) struct Outlet {
    machine: usize,
    events: UnboundedSender<Queued>,
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

/// Room for some bytes; given back when it is dropped. None where none is needed.
#[derive(Debug, Default)]
pub(super) struct Room {
    _own: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

impl Queue {
    pub(super) fn new() -> (Self, UnboundedReceiver<Queued>) {
        let (events, taken) = mpsc::unbounded_channel();
        (Self { events, room: Arc::new(Semaphore::new(WAITING_ALL)) }, taken)
    }

    pub(super) fn outlet(&self, machine: usize) -> Outlet {
        let own = Arc::new(Semaphore::new(WAITING_EACH));
        Outlet { machine, events: self.events.clone(), own, all: Arc::clone(&self.room) }
    }
}

impl Queued {
    /// The event; its room is free again.
    pub(super) fn take(self) -> Event {
        self.event
    }
}

impl Outlet {
    /// Waits until there is room for so many bytes. Who waits longest comes first. It may be dropped while it waits.
    pub(super) async fn room(&self, bytes: usize) -> Room {
        let bytes = bytes.clamp(PIECE_MIN, WAITING_EACH);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        // Neither is ever closed.
        let own = Arc::clone(&self.own).acquire_many_owned(bytes).await.ok();
        let all = Arc::clone(&self.all).acquire_many_owned(bytes).await.ok();
        Room { _own: own, _all: all }
    }

    /// Tells what takes no room.
    pub(super) fn send(&self, what: What) {
        self.send_in(Room::default(), what);
    }

    /// Tells what the room is for. Whoever read the events may have gone.
    pub(super) fn send_in(&self, room: Room, what: What) {
        let event = Event { machine: self.machine, what };
        let _ = self.events.send(Queued { event, _room: room });
    }
}
