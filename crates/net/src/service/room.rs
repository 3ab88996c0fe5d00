//! The service `room`: what one client says, all others hear.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Ending;
use crate::messages::{MessageReader, send};
use crate::session::{IdleTimer, Session};

/// Bytes that may wait for one member who reads too slowly; beyond it the member is shown out, so that one stuck
/// client neither holds up the others nor fills the memory. A single larger message still passes.
const WAITING_FOR_MEMBER: usize = 1024 * 1024;

/// Everybody who is in the room.
#[derive(Debug, Default)]
pub(crate) struct Room {
    members: Mutex<HashMap<u64, Seat>>,
}

#[derive(Debug)]
struct Seat {
    queue: mpsc::UnboundedSender<Arc<[u8]>>,
    waiting: Arc<AtomicUsize>,
    _held: DropGuard,
}

impl Room {
    /// Keeps a client in the room until it leaves.
    pub(crate) async fn attend<S>(&self, stream: &mut S, session: &mut Session) -> Ending
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut heard, _seat) = self.enter(session.peer.id);
        match self.stay(stream, session, &mut heard).await {
            Ok(ending) | Err(ending) => ending,
        }
    }

    async fn stay<S>(
        &self,
        stream: &mut S,
        session: &mut Session,
        heard: &mut Heard,
    ) -> Result<Ending, Ending>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut reader = MessageReader::new(session);
        let mut idle = IdleTimer::new(session.idle);
        loop {
            tokio::select! {
                said = reader.next(stream, session) => match said? {
                    Some(message) => self.tell_others(session.peer.id, message.framed()),
                    None => return Ok(Ending::Eof),
                },
                message = heard.next() => match message {
                    Some(message) => tokio::select! {
                        sent = send(stream, session, &message) => sent?,
                        // A member who takes nothing at all would never come to hear of it.
                        () = heard.lost.cancelled() => return Err(too_slow()),
                    },
                    None => return Err(too_slow()),
                },
                () = std::future::poll_fn(|cx| idle.poll_expired(cx)) => return Err(Ending::Timeout),
            }
            idle.touch();
        }
    }

    fn enter(&self, id: u64) -> (Heard, Leave<'_>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let lost = CancellationToken::new();
        let held = lost.clone().drop_guard();
        self.members().insert(id, Seat { queue, waiting: Arc::clone(&waiting), _held: held });
        (Heard { receiver, waiting, lost }, Leave { room: self, id })
    }

    /// Hands a message to everybody but its sender; who has too much waiting loses the seat.
    fn tell_others(&self, sender: u64, message: &[u8]) {
        let message: Arc<[u8]> = message.into();
        self.members().retain(|&id, seat| {
            if id == sender {
                return true;
            }
            let waiting = seat.waiting.fetch_add(message.len(), Relaxed);
            (waiting == 0 || waiting + message.len() <= WAITING_FOR_MEMBER)
                && seat.queue.send(Arc::clone(&message)).is_ok()
        });
    }

    fn members(&self) -> MutexGuard<'_, HashMap<u64, Seat>> {
        // Nothing under the lock can panic half-way, so a poisoned map is still whole.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Heard {
    receiver: mpsc::UnboundedReceiver<Arc<[u8]>>,
    waiting: Arc<AtomicUsize>,
    /// Cancelled when the seat is.
    lost: CancellationToken,
}

impl Heard {
    /// The next message for this member; `None` once the seat is lost and everything before it was heard.
    async fn next(&mut self) -> Option<Arc<[u8]>> {
        let message = self.receiver.recv().await?;
        self.waiting.fetch_sub(message.len(), Relaxed);
        Some(message)
    }
}

struct Leave<'a> {
    room: &'a Room,
    id: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.room.members().remove(&self.id);
    }
}

fn too_slow() -> Ending {
    Ending::Limit(format!(
        "it reads too slowly: more than {WAITING_FOR_MEMBER} bytes of the room were waiting for it"
    ))
}
