//! The stream under a connection.
//!
//! russh drives a connection in a task of its own, which notices that nobody wants it any more only between two messages:
//! in the middle of a handshake with a silent server it would stay for ever. So its stream can be cut from here.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::dial::Stream;

/// Bytes of what a server says first that are kept for an error: a line of its identification has no more (RFC 4253
/// section 4.2).
const MAX_FIRST_WORDS: usize = 255;

/// A stream that ends when its token is cancelled.
pub(super) struct Line {
    stream: Box<dyn Stream>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    first_words: FirstWords,
    hear_out: HearOut,
}

/// What a server said first, at most [`MAX_FIRST_WORDS`]: one that is no SSH server, or is too busy to be one, may say so in
/// plain words.
#[derive(Clone, Default)]
pub(super) struct FirstWords(Arc<Mutex<Vec<u8>>>);

/// Whether a line that has said its last goes on reading until the server hangs up, or until it is cut. Hung up on while it
/// writes, a server gets a reset from the kernel, and may never read what we said last.
#[derive(Clone, Default)]
pub(super) struct HearOut(Arc<AtomicBool>);

impl HearOut {
    pub(super) fn set(&self) {
        self.0.store(true, Relaxed);
    }
}

impl Line {
    pub(super) fn new(stream: Box<dyn Stream>, cut: CancellationToken) -> Self {
        let cut = Box::pin(cut.cancelled_owned());
        Self { stream, cut, first_words: FirstWords::default(), hear_out: HearOut::default() }
    }

    pub(super) fn first_words(&self) -> FirstWords {
        self.first_words.clone()
    }

    pub(super) fn hear_out(&self) -> HearOut {
        self.hear_out.clone()
    }

    /// Reads to the end what nobody wants.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut unwanted = [MaybeUninit::uninit(); 8 * 1024];
        loop {
            let mut buffer = ReadBuf::uninit(&mut unwanted);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl FirstWords {
    /// As it said them; whatever is no UTF-8 is replaced.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).trim_end().to_owned()
    }

    fn hear(&self, bytes: &[u8]) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_FIRST_WORDS - heard.len();
        heard.extend(bytes.iter().take(room));
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_cut(cx)?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        this.first_words.hear(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_cut(cx)?;
        Pin::new(&mut this.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_cut(cx)?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    /// Never an error: it would take the place of the reason for which the connection ended.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.poll_cut(cx).is_err() {
            return Poll::Ready(Ok(()));
        }
        let _ = ready!(Pin::new(&mut this.stream).poll_shutdown(cx));
        if this.hear_out.0.load(Relaxed) {
            let _ = ready!(this.poll_rest(cx));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn line() -> (Line, tokio::io::DuplexStream, CancellationToken) {
        let (near, far) = tokio::io::duplex(16);
        let cut = CancellationToken::new();
        (Line::new(Box::new(near), cut.clone()), far, cut)
    }

    #[tokio::test]
    async fn who_waits_for_a_silent_server_is_freed_by_a_cut() {
        let (mut line, _far, cut) = line();
        let reading = tokio::spawn(async move { line.read_u8().await });
        tokio::task::yield_now().await;
        cut.cancel();
        assert_eq!(reading.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn who_writes_to_a_server_that_reads_nothing_is_freed_by_a_cut() {
        let (mut line, _far, cut) = line();
        let writing = tokio::spawn(async move { line.write_all(&[0; 1000]).await });
        tokio::task::yield_now().await;
        cut.cancel();
        assert_eq!(writing.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn a_server_that_writes_is_heard_out_if_wanted() {
        let (mut line, mut far, _cut) = line();
        line.hear_out().set();
        let goodbye = tokio::spawn(async move {
            line.write_all(b"goodbye").await?;
            line.shutdown().await
        });
        far.write_all(&[0; 10_000]).await.unwrap();
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).await.unwrap();
        assert_eq!((heard.as_slice(), goodbye.is_finished()), (b"goodbye".as_slice(), false));
        drop(far);
        goodbye.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_hears_out_a_server_that_never_ends_is_freed_by_a_cut() {
        let (mut line, _far, cut) = line();
        line.hear_out().set();
        let goodbye = tokio::spawn(async move { line.shutdown().await });
        tokio::task::yield_now().await;
        assert!(!goodbye.is_finished());
        cut.cancel();
        goodbye.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn of_what_comes_first_a_line_is_kept_however_much_there_is() {
        let (mut line, mut far, _cut) = line();
        let words = line.first_words();
        let saying = tokio::spawn(async move { far.write_all(&[b'a'; 10_000]).await });
        line.read_exact(&mut [0; 10_000]).await.unwrap();
        saying.await.unwrap().unwrap();
        assert_eq!(words.text(), "a".repeat(MAX_FIRST_WORDS));
    }
}
