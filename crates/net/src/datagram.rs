//! Datagrams to and from many: who sent one, and the way back.

use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::net::{RecvFlags, SendFlags, SocketAddrAny, SocketAddrUnix, recvfrom, sendto};
use tokio::io::Interest;

use crate::Endpoint;
use crate::listen::{DatagramSocket, Datagrams};

/// The largest payload that is sent in one datagram, the same over every kind of socket: over IPv4 it is 65,535 bytes
/// less the headers of IP and UDP (RFC 768, RFC 791).
pub const DATAGRAM_MAX: usize = 65_507;

/// Who sent a datagram, and where its answer goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Over UDP.
    Ip(SocketAddr),
    /// Over a socket file, from a socket that has a name itself, be it in the file system or abstract (unix(7)).
    Unix(SocketAddrUnix),
    /// Over a socket file, from a socket without a name: there is no way back.
    Unnamed,
}

impl Caller {
    /// Whether it cannot be anywhere else.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        match self {
            Self::Ip(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) | Self::Unnamed => true,
        }
    }

    /// As log lines name it.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        match self {
            Self::Ip(address) => Endpoint::udp(*address),
            Self::Unix(address) => match (address.path(), address.abstract_name()) {
                (Some(path), _) => {
                    Endpoint::UnixDatagram(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())).to_owned())
                }
                // As ss(8) and /proc/net/unix write an abstract name.
                (None, Some(name)) => {
                    Endpoint::UnixDatagram(format!("@{}", String::from_utf8_lossy(name)).into())
                }
                (None, None) => Endpoint::Unnamed,
            },
            Self::Unnamed => Endpoint::Unnamed,
        }
    }
}

impl DatagramSocket {
    /// Waits until a datagram can be received.
    ///
    /// # Errors
    /// When the runtime cannot watch the socket any more.
    pub async fn readable(&self) -> io::Result<()> {
        match self.transport() {
            Datagrams::Udp(socket) => socket.readable().await,
            Datagrams::Unix(socket) => socket.readable().await,
        }
    }

    /// Waits until our send buffer has room again, which is all that can be waited for: see [`DatagramSocket::send_to`].
    ///
    /// # Errors
    /// When the runtime cannot watch the socket any more.
    pub async fn writable(&self) -> io::Result<()> {
        match self.transport() {
            Datagrams::Udp(socket) => socket.writable().await,
            Datagrams::Unix(socket) => socket.writable().await,
        }
    }

    /// Takes a datagram that is there: its length and its sender. A `buffer` of 64 KiB holds any that comes over UDP.
    ///
    /// # Errors
    /// `WouldBlock` when none is there; `InvalidData` for one over a socket file that is longer than `buffer`, and is
    /// lost; else what the kernel says.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Caller)> {
        match self.transport() {
            Datagrams::Udp(socket) => {
                socket.try_recv_from(buffer).map(|(length, from)| (length, Caller::Ip(from)))
            }
            Datagrams::Unix(socket) => socket.try_io(Interest::READABLE, || {
                let (_, length, from) = recvfrom(socket, &mut *buffer, RecvFlags::TRUNC)?;
                if length > buffer.len() {
                    return Err(too_long(length, buffer.len()));
                }
                Ok((length, unix_caller(from)))
            }),
        }
    }

    /// Receives the next datagram.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Caller)> {
        loop {
            self.readable().await?;
            match self.try_recv_from(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return received,
            }
        }
    }

    /// Sends a datagram, if the kernel takes it at once.
    ///
    /// # Errors
    /// `WouldBlock` when our send buffer, or the receiver's queue behind a socket file, is full; else what the kernel
    /// says.
    pub fn try_send_to(&self, bytes: &[u8], to: &Caller) -> io::Result<()> {
        match (self.transport(), to) {
            (Datagrams::Udp(socket), Caller::Ip(address)) => socket.try_send_to(bytes, *address).map(drop),
            // Not through the reactor, which would wait for a sign that never comes: see `send_to`.
            (Datagrams::Unix(socket), Caller::Unix(address)) => {
                sendto(socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT, address)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Sends a datagram, waiting until the kernel takes it. Over a socket file it is not waited for: there the queue
    /// is the receiver's, one that does not read would hold up all others, and the kernel tells nobody when there is
    /// room again (unix_dgram_poll() of Linux looks only at a connected socket's receiver).
    /// A receiver that is itself connected to this socket is limited only by our send buffer.
    ///
    /// # Errors
    /// `WouldBlock` over a socket file whose receiver does not take what it got; else what the kernel says.
    pub async fn send_to(&self, bytes: &[u8], to: &Caller) -> io::Result<()> {
        match (self.transport(), to) {
            (Datagrams::Udp(socket), Caller::Ip(address)) => socket.send_to(bytes, *address).await.map(drop),
            _ => self.try_send_to(bytes, to),
        }
    }
}

fn too_long(length: usize, space: usize) -> io::Error {
    let text = format!("it has {length} bytes, and {space} are the most that are taken: send it in parts");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn unix_caller(from: Option<SocketAddrAny>) -> Caller {
    match from.map(SocketAddrUnix::try_from) {
        Some(Ok(address)) if !address.is_unnamed() => Caller::Unix(address),
        _ => Caller::Unnamed,
    }
}
