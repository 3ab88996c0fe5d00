//! Whole messages, one at a time, for services that take their time over each: `shell`, `room`, `talk`, and
//! `forward` to datagrams.

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Ending;
use crate::buffer::{Held, READ_SIZE, with_scratch};
use crate::frame::{Decoder, Frame};
use crate::session::{IdleTimer, Session};

/// One message, with the bytes of its frame round it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    bytes: Vec<u8>,
    payload: Range<usize>,
}

impl Message {
    /// What was said.
    #[must_use]
    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[self.payload.clone()]
    }

    /// The parts, for an answer of the same form.
    #[must_use]
    pub(crate) fn frame(&self) -> Frame<'_> {
        Frame {
            prefix: &self.bytes[..self.payload.start],
            payload: self.payload(),
            suffix: &self.bytes[self.payload.end..],
        }
    }
}

impl From<Frame<'_>> for Message {
    fn from(frame: Frame<'_>) -> Self {
        let start = frame.prefix.len();
        let bytes = [frame.prefix, frame.payload, frame.suffix].concat();
        Self { bytes, payload: start..start + frame.payload.len() }
    }
}

/// Reads messages from a stream. What came beyond the last one waits here.
pub(crate) struct MessageReader {
    decoder: Decoder,
    waiting: Held,
    ended: bool,
}

impl MessageReader {
    pub(crate) fn new(session: &Session) -> Self {
        Self { decoder: session.decoder(), waiting: Held::new(session.budget.clone()), ended: false }
    }

    /// The next message, or `None` when the other end will send no more. Dropping the future loses nothing.
    pub(crate) async fn next<S>(
        &mut self,
        stream: &mut S,
        session: &mut Session,
    ) -> Result<Option<Message>, Ending>
    where
        S: AsyncRead + Unpin,
    {
        loop {
            if let Some(message) = self.take(session)? {
                return Ok(Some(message));
            }
            if self.ended {
                return Ok(None);
            }
            self.fill(stream, session).await?;
        }
    }

    /// Watches a stream while its last message is still being answered: gives the ending when the connection breaks,
    /// and reads on until a buffer's worth waits. Never ready while the connection stands. Dropping the future loses
    /// nothing.
    pub(crate) async fn read_ahead<S>(&mut self, stream: &mut S, session: &mut Session) -> Ending
    where
        S: AsyncRead + Unpin,
    {
        while !self.ended && self.waiting.bytes().len() < READ_SIZE {
            if let Err(ending) = self.fill(stream, session).await {
                return ending;
            }
        }
        std::future::pending().await
    }

    fn take(&mut self, session: &mut Session) -> Result<Option<Message>, Ending> {
        let decoded = if self.ended {
            self.decoder.finish(self.waiting.bytes())
        } else {
            self.decoder.next(self.waiting.bytes())
        };
        let Some(frame) = decoded.map_err(|error| Ending::Error(error.to_string()))? else {
            return Ok(None);
        };
        session.note_message(&frame);
        let (message, length) = (Message::from(frame), frame.len());
        self.waiting.consume(length);
        Ok(Some(message))
    }

    async fn fill<S>(&mut self, stream: &mut S, session: &mut Session) -> Result<(), Ending>
    where
        S: AsyncRead + Unpin,
    {
        let waiting = &mut self.waiting;
        let length = poll_fn(|cx| {
            with_scratch(|scratch| {
                let mut space = ReadBuf::new(scratch);
                ready!(Pin::new(&mut *stream).poll_read(cx, &mut space))
                    .map_err(|error| Ending::from_io(&error))?;
                let fresh = space.filled();
                if !fresh.is_empty() {
                    session.note_read(fresh);
                    waiting.push(fresh)?;
                }
                Poll::Ready(Ok::<_, Ending>(fresh.len()))
            })
        })
        .await?;
        if length == 0 {
            self.ended = true;
            session.note_end_of_input();
        }
        Ok(())
    }
}

/// Sends bytes that are framed already. A client that takes none of them for the idle time ends.
pub(crate) async fn send<S>(stream: &mut S, session: &mut Session, bytes: &[u8]) -> Result<(), Ending>
where
    S: AsyncWrite + Unpin,
{
    let mut idle = IdleTimer::new(session.idle);
    let mut rest = bytes;
    poll_fn(|cx| {
        while !rest.is_empty() {
            match poll_write(cx, stream, rest) {
                Poll::Ready(count) => {
                    let (sent, unsent) = rest.split_at(count?);
                    session.note_wrote(sent);
                    idle.touch();
                    rest = unsent;
                }
                Poll::Pending => return idle.poll_expired(cx).map(|()| Err(Ending::Timeout)),
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}

/// Writes at least one byte of `bytes`, which are not none. A stream that takes nothing, again and again, would be
/// asked for ever.
pub(crate) fn poll_write<S>(cx: &mut Context<'_>, stream: &mut S, bytes: &[u8]) -> Poll<Result<usize, Ending>>
where
    S: AsyncWrite + Unpin,
{
    match ready!(Pin::new(stream).poll_write(cx, bytes)) {
        Ok(0) => Poll::Ready(Err(Ending::from_io(&io::ErrorKind::WriteZero.into()))),
        Ok(count) => Poll::Ready(Ok(count)),
        Err(error) => Poll::Ready(Err(Ending::from_io(&error))),
    }
}

#[cfg(test)]
mod tests;
