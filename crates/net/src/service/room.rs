//! The service `room`: what one client says, all others hear.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};

use crate::Ending;
use crate::messages::{Message, MessageReader, send};
use crate::session::{IdleTimer, Session};

/// Bytes that may wait for one member who reads too slowly; beyond it the member is shown out, so that one stuck
/// client neither holds up the others nor fills the memory. A single larger message still passes.
const WAITING_FOR_MEMBER: usize = 1024 * 1024;

/// What a message that waits is counted as beyond its bytes, so that a million empty lines are no way round the
/// limit: about what the queue spends on it.
const COST_OF_MESSAGE: usize = 64;

/// Everybody who is in the room.
#[derive(Debug, Default)]
pub(crate) struct Room {
    members: Mutex<HashMap<u64, Seat>>,
}

#[derive(Debug)]
struct Seat {
    queue: mpsc::UnboundedSender<Arc<[u8]>>,
    waiting: Arc<AtomicUsize>,
    /// Dropped with the seat, which is how a member who is stuck in the middle of a message learns of it.
    _stay: oneshot::Sender<Infallible>,
}

impl Room {
    /// Keeps a client in the room until it leaves.
    pub(crate) async fn attend<S>(&self, stream: &mut S, session: &mut Session) -> Ending
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut heard, shown_out, _leave) = self.enter(session.peer.id);
        let (Ok(ending) | Err(ending)) = tokio::select! {
            ending = self.stay(stream, session, &mut heard) => ending,
            Err(_) = shown_out => Err(too_slow()),
        };
        ending
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
                    Some(message) => {
                        self.tell_others(session.peer.id, &whole(session, &message)?);
                        // Those who hear get their turn, or who says much at once would have them all shown out.
                        tokio::task::yield_now().await;
                    }
                    None => break,
                },
                Some(message) = heard.next() => send(stream, session, &message).await?,
                () = std::future::poll_fn(|cx| idle.poll_expired(cx)) => return Err(Ending::Timeout),
            }
            idle.touch();
        }
        // Who says no more leaves, and still hears what was said before.
        for _ in 0..heard.receiver.len() {
            if let Some(message) = heard.next().await {
                send(stream, session, &message).await?;
            }
        }
        Ok(Ending::Eof)
    }

    fn enter(&self, id: u64) -> (Heard, oneshot::Receiver<Infallible>, Leave<'_>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let (stay, shown_out) = oneshot::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        self.members().insert(id, Seat { queue, waiting: Arc::clone(&waiting), _stay: stay });
        (Heard { receiver, waiting }, shown_out, Leave { room: self, id })
    }

    /// Hands a message to everybody but its sender; who has too much waiting loses the seat.
    fn tell_others(&self, sender: u64, message: &[u8]) {
        let message: Arc<[u8]> = message.into();
        self.members().retain(|&id, seat| {
            if id == sender {
                return true;
            }
            let waiting = seat.waiting.fetch_add(cost(&message), Relaxed);
            (waiting == 0 || waiting + cost(&message) <= WAITING_FOR_MEMBER)
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
}

impl Heard {
    /// The next message for this member; `None` once the seat is lost and everything before it was heard.
    async fn next(&mut self) -> Option<Arc<[u8]>> {
        let message = self.receiver.recv().await?;
        self.waiting.fetch_sub(cost(&message), Relaxed);
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

fn cost(message: &[u8]) -> usize {
    message.len() + COST_OF_MESSAGE
}

/// A message as others can read it: a last line that came without its newline gets one.
fn whole(session: &Session, message: &Message) -> Result<Vec<u8>, Ending> {
    let mut framed = Vec::new();
    let reply = session.framing.encode_reply(&message.frame(), message.payload(), &mut framed);
    reply.map_err(|error| Ending::Error(error.to_string()))?;
    Ok(framed)
}

fn too_slow() -> Ending {
    Ending::Limit(format!(
        "it reads too slowly: more than {WAITING_FOR_MEMBER} bytes of the room were waiting for it"
    ))
}

#[cfg(test)]
mod tests;
