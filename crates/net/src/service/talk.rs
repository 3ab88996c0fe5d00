//! The service `talk`: a person at this terminal answers. This is the desk between the connections and the person;
//! the terminal itself belongs to the program.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::messages::{MessageReader, send};
use crate::{Ending, Endpoint, Peer};

use crate::session::{IdleTimer, Session};

/// Things said that may wait for the person to see them. Beyond it the connections wait, not the memory.
const UNSEEN: usize = 256;

/// Answers that may wait for one caller to take them.
const UNTAKEN: usize = 256;

/// What happened at the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who calls: the number by which [`Desk::answer`] knows them.
    pub id: u64,
    /// From where.
    pub from: Endpoint,
    /// What they did.
    pub event: CallEvent,
}

/// What a caller did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// Said this.
    Said(Vec<u8>),
    /// Left, in this way.
    Left(Ending),
}

/// Joins callers and the one person who answers them.
#[derive(Debug)]
pub struct Desk {
    calls: mpsc::Sender<Call>,
    callers: Mutex<HashMap<u64, mpsc::Sender<Answer>>>,
}

/// What the person says, and to which caller.
type Answer = (u64, Vec<u8>);

impl Desk {
    /// A desk, and where its calls arrive.
    #[must_use]
    pub fn new() -> (Arc<Self>, mpsc::Receiver<Call>) {
        let (calls, arriving) = mpsc::channel(UNSEEN);
        (Arc::new(Self { calls, callers: Mutex::default() }), arriving)
    }

    /// Says `text` to a caller. False when that caller is gone or does not take what was said before.
    pub fn answer(&self, id: u64, text: Vec<u8>) -> bool {
        self.callers().get(&id).is_some_and(|caller| caller.try_send((id, text)).is_ok())
    }

    /// The person leaves: what was said before still goes to the callers, and then their connections end.
    pub fn close(&self) {
        self.callers().clear();
    }

    /// Keeps a caller at the desk until it leaves.
    pub(crate) async fn attend<S>(&self, stream: &mut S, session: &mut Session) -> Ending
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (sender, mut answers) = mpsc::channel(UNTAKEN);
        self.enter(session.peer.id, sender);
        let (Ok(ending) | Err(ending)) = self.converse(stream, session, &mut answers).await;
        self.leave(session.peer.id);
        self.tell(&session.peer, CallEvent::Left(ending.clone())).await;
        ending
    }

    /// What the person says to `id` goes to `answers` from now on.
    pub(crate) fn enter(&self, id: u64, answers: mpsc::Sender<Answer>) {
        self.callers().insert(id, answers);
    }

    /// Nothing more can be said to `id`.
    pub(crate) fn leave(&self, id: u64) {
        self.callers().remove(&id);
    }

    /// Puts something before the person; waits while too much is unseen. Without a person left it is dropped: the
    /// server is ending then.
    pub(crate) async fn tell(&self, caller: &Peer, event: CallEvent) {
        let _ = self.calls.send(Call { id: caller.id, from: caller.remote.clone(), event }).await;
    }

    /// A caller who will say no more still gets an answer to everything said before.
    async fn converse<S>(
        &self,
        stream: &mut S,
        session: &mut Session,
        answers: &mut mpsc::Receiver<Answer>,
    ) -> Result<Ending, Ending>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut reader = MessageReader::new(session);
        let mut idle = IdleTimer::new(session.idle);
        let (mut speaking, mut unanswered) = (true, 0_u64);
        while speaking || unanswered > 0 {
            tokio::select! {
                said = reader.next(stream, session), if speaking => match said? {
                    Some(message) => {
                        unanswered += 1;
                        self.tell(&session.peer, CallEvent::Said(message.payload().to_vec())).await;
                    }
                    None => speaking = false,
                },
                answer = answers.recv() => {
                    // The person has left the desk.
                    let Some((_, text)) = answer else { return Ok(Ending::Eof) };
                    let mut framed = Vec::new();
                    session.framing.encode(&text, &mut framed).map_err(|error| Ending::Error(error.to_string()))?;
                    send(stream, session, &framed).await?;
                    unanswered = unanswered.saturating_sub(1);
                }
                () = std::future::poll_fn(|cx| idle.poll_expired(cx)) => return Err(Ending::Timeout),
            }
            idle.touch();
        }
        Ok(Ending::Eof)
    }

    fn callers(&self) -> MutexGuard<'_, HashMap<u64, mpsc::Sender<Answer>>> {
        // Nothing under the lock can panic half-way, so a poisoned map is still whole.
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
