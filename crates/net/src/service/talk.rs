//! The service `talk`: a person at this terminal answers. This is the desk between the connections and the person;
//! the terminal itself belongs to the program.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::messages::{MessageReader, send};
use crate::session::{IdleTimer, Session};
use crate::{Ending, Endpoint, Peer};

/// Things said that may wait for the person to see them. Beyond it the connections wait, not the memory.
const UNSEEN: usize = 256;

/// Bytes that may be said at once: more than a person reads, and so few that all that is unseen stays within 16 MiB.
const LONGEST_SAYING: usize = 64 * 1024;

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

impl Call {
    fn of(caller: &Peer, event: CallEvent) -> Self {
        Self { id: caller.id, from: caller.remote.clone(), event }
    }
}

/// What a caller did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// Said this.
    Said(Vec<u8>),
    /// Left, in this way. Not told while too much is unseen.
    Left(Ending),
}

/// Joins callers and the one person who answers them.
#[derive(Debug)]
pub struct Desk {
    calls: mpsc::Sender<Call>,
    /// None once the person has left: who calls then finds nobody.
    callers: Mutex<Option<HashMap<u64, mpsc::Sender<Answer>>>>,
}

/// What the person says, and to which caller.
type Answer = (u64, Vec<u8>);

impl Desk {
    /// A desk, and where its calls arrive.
    #[must_use]
    pub fn new() -> (Arc<Self>, mpsc::Receiver<Call>) {
        let (calls, arriving) = mpsc::channel(UNSEEN);
        (Arc::new(Self { calls, callers: Mutex::new(Some(HashMap::new())) }), arriving)
    }

    /// Says `text` to a caller. False when that caller is gone or does not take what was said before.
    pub fn answer(&self, id: u64, text: Vec<u8>) -> bool {
        let callers = self.callers();
        let caller = callers.as_ref().and_then(|callers| callers.get(&id));
        caller.is_some_and(|caller| caller.try_send((id, text)).is_ok())
    }

    /// The person leaves: what was said before still goes to the callers, and then their connections end, as do those
    /// of later callers.
    pub fn close(&self) {
        *self.callers() = None;
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
        let left = Call::of(&session.peer, CallEvent::Left(ending.clone()));
        // Waiting for a person who is away would keep the connection from closing.
        let _ = self.calls.try_send(left);
        ending
    }

    /// What the person says to `id` goes to `answers` from now on.
    pub(crate) fn enter(&self, id: u64, answers: mpsc::Sender<Answer>) {
        self.callers().as_mut().map(|callers| callers.insert(id, answers));
    }

    /// Nothing more can be said to `id`.
    pub(crate) fn leave(&self, id: u64) {
        self.callers().as_mut().map(|callers| callers.remove(&id));
    }

    /// Puts something before the person; waits while too much is unseen. Without a person left it is dropped: the
    /// server is ending then.
    pub(crate) async fn tell(&self, caller: &Peer, event: CallEvent) {
        let _ = self.calls.send(Call::of(caller, event)).await;
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
        let caller = Arc::clone(&session.peer);
        let mut reader = MessageReader::new(session);
        let mut idle = IdleTimer::new(session.idle);
        let (mut speaking, mut unanswered) = (true, 0_u64);
        while speaking || unanswered > 0 {
            tokio::select! {
                said = reader.next(stream, session), if speaking => match said? {
                    Some(message) => {
                        check_length(message.payload())?;
                        let said = CallEvent::Said(message.payload().to_vec());
                        tokio::select! {
                            biased;
                            () = self.tell(&caller, said) => unanswered += 1,
                            gone = reader.read_ahead(stream, session) => return Err(gone),
                        }
                    }
                    None => speaking = false,
                },
                answer = answers.recv() => {
                    // The person has left the desk.
                    let Some((_, text)) = answer else { return Ok(Ending::Eof) };
                    let framed = session.framed(&text)?;
                    send(stream, session, &framed).await?;
                    unanswered = unanswered.saturating_sub(1);
                }
                () = std::future::poll_fn(|cx| idle.poll_expired(cx)) => return Err(Ending::Timeout),
            }
            idle.touch();
        }
        Ok(Ending::Eof)
    }

    fn callers(&self) -> MutexGuard<'_, Option<HashMap<u64, mpsc::Sender<Answer>>>> {
        // Nothing under the lock can panic half-way, so a poisoned map is still whole.
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_length(said: &[u8]) -> Result<(), Ending> {
    if said.len() > LONGEST_SAYING {
        let length = said.len();
        return Err(Ending::Limit(format!(
            "{length} bytes were said at once, and a person takes at most {LONGEST_SAYING}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
