//! What the library writes in small pieces goes to the network together: how a command ended, the end of its output and the
//! end of its channel wake the client once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Pieces that are larger in all go out as they come.
const SMALL: usize = 4 * 1024;

/// Reads that may find something before what is held goes out all the same.
const READS: u32 = 4;

/// A stream whose small pieces are held until it is read and nothing has come: what has come may be answered together with what
/// came before. The library reads whenever it has nothing to write, so that nothing waits for long; and it need not flush,
/// which it does after each piece.
pub(super) struct Gather<S: AsyncWrite + Unpin> {
    stream: S,
    /// Most of the time that is nothing, and takes no memory.
    held: BytesMut,
    /// Reads that found something since something is held.
    reads: u32,
    /// The network takes nothing at the moment, so that whoever writes waits.
    is_full: bool,
}

impl<S: AsyncWrite + Unpin> Gather<S> {
    /// Nothing is held.
    pub(super) fn new(stream: S) -> Self {
        Self { stream, held: BytesMut::new(), reads: 0, is_full: false }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let written = Pin::new(&mut self.stream).poll_write(context, &self.held);
            self.is_full = written.is_pending();
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => self.held.advance(length),
            }
        }
        self.held = BytesMut::new();
        self.reads = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gather<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() && self.reads < READS {
            self.reads += u32::from(!self.held.is_empty());
            return read;
        }
        // What the network does not take now does not keep us from reading.
        if let Poll::Ready(Err(error)) = self.poll_send(context) {
            return Poll::Ready(Err(error));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gather<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.is_full && self.held.len() + bytes.len() <= SMALL {
            self.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_full {
            ready!(self.poll_send(context))?;
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The last words of a connection that ends by an error, as far as the network takes them at once.
impl<S: AsyncWrite + Unpin> Drop for Gather<S> {
    fn drop(&mut self) {
        let _ = self.poll_send(&mut Context::from_waker(Waker::noop()));
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Takes so many bytes at a time, and notes them. So many bytes have come.
    #[derive(Default)]
    struct Wire {
        written: Vec<Vec<u8>>,
        most: usize,
        come: usize,
    }

    impl AsyncWrite for &mut Wire {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.most == 0 {
                return Poll::Pending;
            }
            let taken = &bytes[..bytes.len().min(self.most)];
            self.written.push(taken.to_vec());
            Poll::Ready(Ok(taken.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncRead for &mut Wire {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.come = ready!(self.come.checked_sub(1).map_or(Poll::Pending, Poll::Ready));
            buffer.put_slice(b"?");
            Poll::Ready(Ok(()))
        }
    }

    /// Whether something has come.
    fn is_read(stream: &mut Gather<&mut Wire>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(stream).poll_read(&mut context, &mut ReadBuf::new(&mut [0])).is_ready()
    }

    #[tokio::test]
    async fn small_pieces_go_out_together_when_nothing_has_come() {
        let mut wire = Wire { most: SMALL, ..Wire::default() };
        let mut stream = Gather::new(&mut wire);
        for piece in [b"status", b"end of", b"closed"] {
            stream.write_all(piece).await.unwrap();
            stream.flush().await.unwrap();
        }
        assert_eq!(stream.stream.written, [] as [Vec<u8>; 0]);
        assert!(!is_read(&mut stream));
        assert_eq!(stream.stream.written, [b"statusend ofclosed"]);
        assert_eq!(stream.held.capacity(), 0, "an idle connection holds no memory");
    }

    #[tokio::test]
    async fn what_has_come_already_is_answered_together_with_what_came_before() {
        let mut wire = Wire { most: SMALL, come: 1, ..Wire::default() };
        let mut stream = Gather::new(&mut wire);
        stream.write_all(b"one").await.unwrap();
        assert!(is_read(&mut stream));
        stream.write_all(b" and two").await.unwrap();
        assert!(!is_read(&mut stream));
        assert_eq!(stream.stream.written, [b"one and two"]);
    }

    #[tokio::test]
    async fn nothing_is_held_for_ever_however_much_comes() {
        let mut wire = Wire { most: SMALL, come: usize::MAX, ..Wire::default() };
        let mut stream = Gather::new(&mut wire);
        for answer in [b"one", b"two"] {
            stream.write_all(answer).await.unwrap();
            for _ in 0..READS {
                assert!(is_read(&mut stream));
                assert!(!stream.held.is_empty());
            }
            assert!(is_read(&mut stream));
            assert!(stream.held.is_empty());
        }
        assert_eq!(stream.stream.written, [b"one", b"two"]);
    }

    #[tokio::test]
    async fn a_large_piece_goes_out_at_once_behind_what_was_held() {
        let mut wire = Wire { most: 3 * SMALL, ..Wire::default() };
        let mut stream = Gather::new(&mut wire);
        stream.write_all(b"small").await.unwrap();
        stream.write_all(&[7; 2 * SMALL]).await.unwrap();
        drop(stream);
        assert_eq!(wire.written, [b"small".to_vec(), vec![7; 2 * SMALL]]);
    }

    #[tokio::test]
    async fn nothing_is_lost_or_moved_when_the_network_takes_little() {
        let mut wire = Wire { most: 7, ..Wire::default() };
        let sent: Vec<u8> = (0..=u8::MAX).cycle().take(10 * SMALL).collect();
        let mut stream = Gather::new(&mut wire);
        for (nth, piece) in sent.chunks(SMALL / 3).enumerate() {
            stream.write_all(piece).await.unwrap();
            if nth % 5 == 0 {
                assert!(!is_read(&mut stream));
            }
        }
        stream.shutdown().await.unwrap();
        assert_eq!(stream.stream.written.concat(), sent);
    }

    #[tokio::test]
    async fn who_writes_waits_while_the_network_takes_nothing() {
        let mut wire = Wire::default();
        let mut stream = Gather::new(&mut wire);
        stream.write_all(b"held").await.unwrap();
        assert!(!is_read(&mut stream));
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut stream).poll_write(&mut context, b"more").is_pending());
        assert!(Pin::new(&mut stream).poll_flush(&mut context).is_pending());
        stream.stream.most = SMALL;
        stream.write_all(b" more").await.unwrap();
        drop(stream);
        assert_eq!(wire.written.concat(), b"held more");
    }
}
