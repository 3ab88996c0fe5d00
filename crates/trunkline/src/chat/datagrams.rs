//! A line of bare datagrams: each text is one, and nothing is acknowledged.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{anyhow, ensure};
use net::charset::Charset;
use net::datagram::DATAGRAM_MAX;
use net::errno::explain;
use net::{HostPort, resolve_one};
use tokio::net::UdpSocket;

/// A socket that hears nobody but the far side.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) at: SocketAddr,
    socket: UdpSocket,
    charset: Charset,
    /// Holds any datagram.
    buffer: Box<[u8]>,
    /// Texts that were sent after the last answer.
    pub(super) unanswered: usize,
}

impl Line {
    pub(super) async fn open(at: &HostPort, charset: Charset) -> anyhow::Result<Self> {
        let at = resolve_one(at).await?;
        let own: SocketAddr = match at {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let open = async {
            let socket = UdpSocket::bind(own).await?;
            socket.connect(at).await.map(|()| socket)
        };
        let socket = open.await.map_err(|error| anyhow!("opening udp://{at}: {}", explain(&error)))?;
        Ok(Self { at, socket, charset, buffer: vec![0; DATAGRAM_MAX].into_boxed_slice(), unanswered: 0 })
    }

    pub(super) async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        let bytes = self.charset.encode(text)?;
        let length = bytes.len();
        ensure!(
            length <= DATAGRAM_MAX,
            "{length} bytes are too long: a datagram holds at most {DATAGRAM_MAX}"
        );
        let mut sent = self.socket.send(&bytes).await;
        if sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            // That is said of an earlier one, and this one has not gone.
            sent = self.socket.send(&bytes).await;
        }
        sent.map_err(|error| anyhow!("sending to udp://{}: {}", self.at, explain(&error)))?;
        self.unanswered += 1;
        Ok(())
    }

    /// What comes next. When this is dropped while it waits, nothing is lost.
    pub(super) async fn next(&mut self) -> anyhow::Result<String> {
        let length = self.socket.recv(&mut self.buffer).await.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => anyhow!("nobody listens at udp://{}", self.at),
            _ => anyhow!("receiving from udp://{}: {}", self.at, explain(&error)),
        })?;
        self.unanswered = 0;
        let mut text = String::new();
        let mut decoder = self.charset.decoder();
        decoder.decode(&self.buffer[..length], &mut text);
        decoder.finish(&mut text);
        Ok(text)
    }
}
