//! A stream that can be cut from outside, and is cut when its other end takes nothing any more, so that a connection ends
//! whatever its protocol is waiting for. It is read at a [`Pace`], and a little ahead.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::limits::READ_AHEAD;
use super::pace::Pace;

pub(super) struct Cuttable<S> {
    stream: S,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    is_cut: bool,
    /// How long the other end may take nothing.
    patience: Duration,
    /// Since a write waits; None: none does.
    waiting: Option<Pin<Box<Sleep>>>,
    pace: Pace,
    /// Read, and not asked for yet. Most of the time that is nothing, and takes no memory.
    ahead: Bytes,
}

impl<S> Cuttable<S> {
    /// Once `cut` is cancelled, reads and writes fail. A write fails, too, of which the other end takes nothing for so long.
    /// It is read at this pace.
    pub(super) fn new(stream: S, cut: CancellationToken, patience: Duration, pace: Pace) -> Self {
        let cut = Box::pin(cut.cancelled_owned());
        Self { stream, cut, is_cut: false, patience, waiting: None, pace, ahead: Bytes::new() }
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.is_cut = self.is_cut || self.cut.as_mut().poll(context).is_ready();
        if self.is_cut { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// Whether what was written is taken in time.
    fn in_time<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client takes nothing of what it is sent",
            ))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> Cuttable<S> {
    /// The library asks for four bytes of each packet first. They are read together with what comes behind them.
    fn poll_stream(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() >= READ_AHEAD {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            self.pace.has_read(buffer.filled().len() - before);
            return Poll::Ready(Ok(()));
        }
        let mut space = [0; READ_AHEAD];
        let mut read = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
        let read = read.filled();
        self.pace.has_read(read.len());
        let (asked, ahead) = read.split_at(read.len().min(buffer.remaining()));
        buffer.put_slice(asked);
        self.ahead = Bytes::copy_from_slice(ahead);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cuttable<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        if self.ahead.is_empty() {
            ready!(self.pace.poll(context));
            return self.poll_stream(context, buffer);
        }
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead.split_to(length));
        if self.ahead.is_empty() {
            self.ahead = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cuttable<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.in_time(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::super::budget::Budget;
    use super::super::limits::Limits;
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(120);

    fn pace() -> Pace {
        Pace::new(Budget::new(&Limits::default()))
    }

    #[tokio::test]
    async fn a_read_that_waits_ends_when_the_stream_is_cut() {
        let (near, _far) = tokio::io::duplex(64);
        let cut = CancellationToken::new();
        let mut stream = Cuttable::new(near, cut.clone(), PATIENCE, pace());
        let (read, ()) = tokio::join!(stream.read_u8(), async { cut.cancel() });
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn what_is_read_ahead_is_neither_lost_nor_moved() {
        let (near, mut far) = tokio::io::duplex(3 * READ_AHEAD);
        let mut stream = Cuttable::new(near, CancellationToken::new(), PATIENCE, pace());
        let sent: Vec<_> = (0..=u8::MAX).cycle().take(20 * READ_AHEAD).collect();
        let reading = async {
            let mut read = Vec::new();
            for length in [4, READ_AHEAD - 1, READ_AHEAD, 1, 2 * READ_AHEAD].into_iter().cycle() {
                let mut piece = vec![0; length.min(sent.len() - read.len())];
                stream.read_exact(&mut piece).await.unwrap();
                read.extend(piece);
                if read.len() == sent.len() {
                    return read;
                }
            }
            read
        };
        let (read, written) = tokio::join!(reading, far.write_all(&sent));
        written.unwrap();
        assert!(read == sent);
        assert_eq!(stream.ahead.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_left_and_who_takes_a_byte_now_and_then_is_not() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut stream = Cuttable::new(near, CancellationToken::new(), PATIENCE, pace());
        let taking = async {
            for _ in 0..100 {
                sleep(PATIENCE / 2).await;
                far.read_u8().await.unwrap();
            }
        };
        let begun = Instant::now();
        let (written, ()) = tokio::join!(stream.write_all(&[0; 200]), taking);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), PATIENCE / 2 * 100 + PATIENCE, "from when it took the last byte");
    }
}
