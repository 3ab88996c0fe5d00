//! Connecting by TCP from a program that does much else meanwhile: to whichever address of a host answers first.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt::set_tcp_quickack;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Attempt, Attempts};
use crate::{Address, Endpoint, HostPort, ResolveError, resolve_async};

/// How long an address is waited for before the next one is tried beside it (RFC 8305 section 5, Connection Attempt Delay).
const HEAD_START: Duration = Duration::from_millis(250);

/// Reads after which the far side is told at once what has come: more than a handshake and a login of SSH take, after
/// which sshd(8) sends without delay by itself.
const PROMPT_READS: u32 = 24;

/// Why no connection came about.
#[derive(Debug, Error)]
pub enum TcpError {
    /// The name has no address.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// No address took the connection.
    #[error("{}", Attempts(to, attempts))]
    Failed {
        /// The target.
        to: Address,
        /// Every address, in the order in which they gave up.
        attempts: Vec<Attempt>,
    },
}

/// Connects to a host. When an address does not answer soon the next one is tried beside it, and the first that takes the
/// connection has it; the others are given up. `TCP_NODELAY` is set, `SO_KEEPALIVE` is not. The limit is the caller's: it may
/// be dropped at any time.
///
/// # Errors
/// When the name has no address, or none of them takes the connection.
pub async fn connect(at: &HostPort) -> Result<TcpStream, TcpError> {
    let addresses = resolve_async(at).await?;
    connect_any(addresses)
        .await
        .map_err(|attempts| TcpError::Failed { to: Address::Tcp(at.clone()), attempts })
}

/// As [`connect`], to addresses that are known.
pub(crate) async fn connect_any(addresses: Vec<SocketAddr>) -> Result<TcpStream, Vec<Attempt>> {
    let (mut left, mut failed) = (addresses.into_iter(), Vec::new());
    let mut under_way = JoinSet::new();
    loop {
        if let Some(to) = left.next() {
            under_way.spawn(async move {
                let connecting = async {
                    let stream = TcpStream::connect(to).await?;
                    stream.set_nodelay(true).map(|()| stream)
                };
                connecting.await.map_err(|error| Attempt { to: Endpoint::Tcp(to), error })
            });
        }
        tokio::select! {
            connected = under_way.join_next() => match connected {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(attempt))) => failed.push(attempt),
                // It cannot panic, and nobody aborts it.
                Some(Err(_)) => {}
                None => return Err(failed),
            },
            () = sleep(HEAD_START), if !left.as_slice().is_empty() => {}
        }
    }
}

/// A connection on which the kernel acknowledges the first reads at once where no answer does. It would wait up to 40 ms for
/// something to send along (tcp(7), `TCP_QUICKACK`), and a far side that holds back its next piece until the last one is
/// acknowledged (Nagle's algorithm) waits with it: sshd(8) does so until the login is over, several times in each connection.
#[derive(Debug)]
pub struct QuickAck {
    stream: TcpStream,
    left: u32,
    /// Something was read that neither an answer of ours nor the kernel has acknowledged.
    is_owed: bool,
}

impl QuickAck {
    /// From the first byte on.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, left: PROMPT_READS, is_owed: true }
    }
}

impl AsyncRead for QuickAck {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if this.left > 0 {
            if read.is_ready() {
                this.left -= 1;
            } else if this.is_owed {
                // The kernel forgets it with the next answer. What it cannot do costs time only.
                let _ = set_tcp_quickack(&this.stream, true);
            }
            this.is_owed = read.is_ready();
        }
        read
    }
}

impl AsyncWrite for QuickAck {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.is_owed = false;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.is_owed = false;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::TcpListener;
    use std::pin::pin;

    use rustix::net::sockopt::{socket_keepalive, tcp_nodelay, tcp_quickack};
    use socket2::{Domain, Socket, Type};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        (listener, at)
    }

    /// An address of this machine that nobody listens at.
    fn closed() -> SocketAddr {
        listener().1
    }

    /// One that answers nobody, as long as what comes with it is held: its backlog is full.
    async fn silent() -> (SocketAddr, (Socket, TcpStream)) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        socket.listen(0).unwrap();
        let at = socket.local_addr().unwrap().as_socket().unwrap();
        let filler = TcpStream::connect(at).await.unwrap();
        (at, (socket, filler))
    }

    #[tokio::test]
    async fn a_host_is_connected_to_by_its_name_without_delay_and_without_keepalive() {
        let (_listener, at) = listener();
        let host = HostPort { host: Some("localhost".to_owned()), port: at.port() };
        let stream = connect(&host).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), at);
        assert_eq!((tcp_nodelay(&stream), socket_keepalive(&stream)), (Ok(true), Ok(false)));
    }

    #[tokio::test]
    async fn an_address_that_refuses_gives_way_to_the_next_one() {
        let (_listener, at) = listener();
        let stream = connect_any(vec![closed(), at]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), at);
    }

    #[tokio::test]
    async fn an_address_that_says_nothing_does_not_keep_the_next_one_waiting() {
        let ((silent, _held), (_listener, at)) = (silent().await, listener());
        let stream = connect_any(vec![silent, at]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), at);
    }

    #[tokio::test]
    async fn when_none_takes_the_connection_each_says_why() {
        let at = closed();
        let error = connect(&at.to_string().parse().unwrap()).await.unwrap_err().to_string();
        assert_eq!(error, "connection refused (ECONNREFUSED, 111)");
        let failed = connect_any(vec![at, closed()]).await.unwrap_err();
        assert_eq!(failed.len(), 2, "{failed:?}");
    }

    #[tokio::test]
    async fn a_name_that_nobody_has_is_told_as_such() {
        // RFC 6761 keeps `.invalid` free of hosts for ever.
        let error = connect(&"prniter.invalid:22".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().starts_with("looking up the name prniter.invalid: "), "{error}");
    }

    /// Whether the kernel acknowledges at once, after each of some exchanges and a look whether there is more.
    async fn quick_after_exchanges(answers: bool) -> Vec<bool> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let mut near = QuickAck::new(connect_any(vec![at]).await.unwrap());
        let (mut far, _) = listener.accept().await.unwrap();
        let mut quick = Vec::new();
        for _ in 0..2 * PROMPT_READS {
            // An answer to what came is what makes the kernel wait for the next one.
            near.write_all(b"?").await.unwrap();
            far.read_u8().await.unwrap();
            far.write_all(b"!").await.unwrap();
            near.read_u8().await.unwrap();
            if answers {
                near.write_all(b".").await.unwrap();
                far.read_u8().await.unwrap();
            }
            let no_more = poll_fn(|cx| Poll::Ready(pin!(near.read_u8()).poll(cx).is_pending()));
            assert!(no_more.await);
            quick.push(tcp_quickack(&near.stream).unwrap());
        }
        quick
    }

    #[tokio::test]
    async fn the_first_reads_are_acknowledged_at_once_and_later_ones_as_usual() {
        let quick = quick_after_exchanges(false).await;
        let (first, later) = quick.split_at(PROMPT_READS as usize - 1);
        assert!(first.iter().all(|&quick| quick), "{quick:?}");
        assert!(later.iter().all(|&quick| !quick), "{quick:?}");
    }

    #[tokio::test]
    async fn an_answer_acknowledges_what_it_answers_and_nothing_else_is_sent() {
        let quick = quick_after_exchanges(true).await;
        assert!(quick.iter().all(|&quick| !quick), "{quick:?}");
    }
}
