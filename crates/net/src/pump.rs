//! The byte pump: joins two byte streams until both directions have ended.
//!
//! Each direction ends alone. When one side will send no more, the other is told so and may go on answering for as
//! long as it likes.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Ending;
use crate::buffer::{Held, with_scratch};
use crate::session::{IdleTimer, Session};

/// Passes of one direction before the other, and then the other connections, get their turn: a client that sends
/// without a pause must not hold up what comes back.
const PASSES: usize = 16;

/// Joins `client` and `far`. The session counts what comes from and goes to the client. Once the far side has said
/// its last and `far_gone` is ready, nobody is left to take what the client may still send, and it ends.
pub(crate) async fn join<C, F>(
    client: &mut C,
    far: &mut F,
    session: &mut Session,
    far_gone: impl Future<Output = ()>,
) -> Ending
where
    C: AsyncRead + AsyncWrite + Unpin,
    F: AsyncRead + AsyncWrite + Unpin,
{
    let mut far_gone = pin!(far_gone);
    let mut outward = Direction::new(session, Side::Client);
    let mut inward = Direction::new(session, Side::Far);
    let mut idle = IdleTimer::new(session.idle);
    poll_fn(|cx| {
        let there = outward.poll(cx, client, far, session, &mut idle);
        let back = inward.poll(cx, far, client, session, &mut idle);
        match (there, back) {
            (Poll::Ready(Err(ending)), _) | (_, Poll::Ready(Err(ending))) => Poll::Ready(ending),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(Ending::Eof),
            (Poll::Pending, Poll::Ready(Ok(()))) if far_gone.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Ending::Eof)
            }
            _ => idle.poll_expired(cx).map(|()| Ending::Timeout),
        }
    })
    .await
}

/// Whom a direction reads from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Far,
}

/// One direction: from a reader to a writer.
struct Direction {
    from: Side,
    waiting: Held,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Flowing,
    /// The far side takes no more, but may still be speaking: what the client sends is thrown away.
    Discarding,
    Closing,
    Done,
}

impl Direction {
    fn new(session: &Session, from: Side) -> Self {
        Self { from, waiting: Held::new(session.budget.clone()), stage: Stage::Flowing }
    }

    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
        session: &mut Session,
        idle: &mut IdleTimer,
    ) -> Poll<Result<(), Ending>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        for _ in 0..PASSES {
            while !self.waiting.is_empty() {
                let count = match ready!(Pin::new(&mut *writer).poll_write(cx, self.waiting.bytes())) {
                    Ok(0) => return Poll::Ready(Err(Ending::from_io(&io::ErrorKind::WriteZero.into()))),
                    Ok(count) => count,
                    Err(error) => self.refused(&error)?,
                };
                self.note_written(session, &self.waiting.bytes()[..count]);
                self.waiting.consume(count);
                idle.touch();
            }
            match self.stage {
                Stage::Done => return Poll::Ready(Ok(())),
                Stage::Closing => {
                    // The other side may be gone already; then there is nobody left to tell.
                    let _ = ready!(Pin::new(&mut *writer).poll_shutdown(cx));
                    if self.from == Side::Far {
                        session.note_end_of_output();
                    }
                    self.stage = Stage::Done;
                }
                Stage::Flowing | Stage::Discarding => {
                    let progress =
                        with_scratch(|scratch| self.poll_pass(cx, reader, writer, session, scratch));
                    if ready!(progress)? == 0 {
                        self.stage = Stage::Closing;
                    }
                    idle.touch();
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One read, and one write of as much as the writer takes at once.
    fn poll_pass<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
        session: &mut Session,
        scratch: &mut [u8],
    ) -> Poll<Result<usize, Ending>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut space = ReadBuf::new(scratch);
        ready!(Pin::new(&mut *reader).poll_read(cx, &mut space)).map_err(|error| Ending::from_io(&error))?;
        let fresh = space.filled();
        if self.from == Side::Client {
            if fresh.is_empty() {
                session.note_end_of_input();
            } else {
                session.note_read(fresh);
            }
        }
        if !fresh.is_empty() && self.stage == Stage::Flowing {
            match Pin::new(&mut *writer).poll_write(cx, fresh) {
                Poll::Ready(Ok(count)) => {
                    self.note_written(session, &fresh[..count]);
                    self.waiting.push(&fresh[count..])?;
                }
                Poll::Ready(Err(error)) => {
                    self.refused(&error)?;
                }
                Poll::Pending => self.waiting.push(fresh)?,
            }
        }
        Poll::Ready(Ok(fresh.len()))
    }

    /// A far side that has closed its input ends only this direction: its last words must still arrive. Tells how
    /// many of the waiting bytes are done with, which is all of them.
    fn refused(&mut self, error: &io::Error) -> Result<usize, Ending> {
        if self.from == Side::Client && error.kind() == io::ErrorKind::BrokenPipe {
            self.stage = Stage::Discarding;
            return Ok(self.waiting.bytes().len());
        }
        Err(Ending::from_io(error))
    }

    fn note_written(&self, session: &mut Session, written: &[u8]) {
        if self.from == Side::Far && !written.is_empty() {
            session.note_wrote(written);
        }
    }
}

#[cfg(test)]
mod tests;
