//! The one socket of the chat line, bound to the wildcard: a socket that is bound to an address of its own hears no
//! broadcast. A node without a chat line has none: nothing comes, and what is sent is lost.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ipmsg::limits::MAX_RECEIVED;
use net::datagram::Caller;
use net::{Address, Bound, DatagramSocket, HostPort, ListenError, ListenOptions, SocketOption, listen};

/// Datagrams that are taken in before the node looks at its other work: at a flood it still answers its faces, and a
/// wake-up costs less when several have come.
const AT_ONCE: usize = 64;

/// A chat line, or none.
#[derive(Debug)]
pub(super) struct Socket(Option<Open>);

#[derive(Debug)]
struct Open {
    outlet: Outlet,
    port: u16,
    buffer: Box<[u8]>,
}

/// The way out of a chat line. It may lie in several hands.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    udp: Arc<DatagramSocket>,
    /// Whether IPv4 is spoken through a socket of IPv6.
    is_both: bool,
}

impl Socket {
    /// Opens the port at all addresses of this machine, or at those of one interface; port 0 is any free one.
    pub(super) async fn open(port: u16, interface: Option<String>) -> Result<Self, ListenError> {
        let address = Address::Udp(HostPort { host: None, port });
        let options =
            ListenOptions { options: vec![SocketOption::Broadcast(true)], interface, ..Default::default() };
        let udp = match listen(&address, &options).await? {
            Bound::Datagram(mut sockets) if !sockets.is_empty() => sockets.swap_remove(0),
            _ => unreachable!("udp:// opens a socket for datagrams"),
        };
        let local = udp.local().socket_addr();
        Ok(Self(Some(Open {
            port: local.map_or(port, |local| local.port()),
            outlet: Outlet { udp: Arc::new(udp), is_both: local.is_some_and(|local| local.is_ipv6()) },
            buffer: vec![0; MAX_RECEIVED].into_boxed_slice(),
        })))
    }

    /// Of a node that has no chat line.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The port that it is bound to.
    pub(super) fn port(&self) -> Option<u16> {
        self.0.as_ref().map(|open| open.port)
    }

    /// For those who send and do not receive.
    pub(super) fn outlet(&self) -> Option<Outlet> {
        self.0.as_ref().map(|open| open.outlet.clone())
    }

    /// Waits until a datagram is there.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match &self.0 {
            Some(open) => open.outlet.udp.readable().await,
            None => pending().await,
        }
    }

    /// Waits until there is room for one more to be sent.
    pub(super) async fn writable(&self) -> io::Result<()> {
        match &self.0 {
            Some(open) => open.outlet.udp.writable().await,
            None => Ok(()),
        }
    }

    /// Hands over what has come, up to [`AT_ONCE`] datagrams.
    pub(super) fn receive(&mut self, mut take: impl FnMut(SocketAddr, &[u8])) {
        let Some(open) = &mut self.0 else { return };
        for _ in 0..AT_ONCE {
            match open.outlet.udp.try_recv_from(&mut open.buffer) {
                Ok((length, Caller::Ip(from))) => take(from, &open.buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // What the network says of a datagram that was sent: each is told once, then come the next ones.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Sends a datagram, if there is room for it.
    pub(super) fn send(&self, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |open| open.outlet.send(to, bytes))
    }
}

impl Outlet {
    /// Sends a datagram, if there is room for it.
    pub(super) fn send(&self, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let to = match to {
            SocketAddr::V4(v4) if self.is_both => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
            _ => to,
        };
        self.udp.try_send_to(bytes, &Caller::Ip(to))
    }
}
