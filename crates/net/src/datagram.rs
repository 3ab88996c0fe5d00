//! Datagrams to and from many: who sent one, and the way back.

use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::net::{RecvFlags, SendFlags, SocketAddrAny, SocketAddrUnix, recvfrom, sendto};
use tokio::io::Interest;

use crate::Endpoint;
use crate::listen::{DatagramSocket, Datagrams};

/// The largest payload of a datagram over IPv4: 65,535 bytes less the headers of IP and UDP (RFC 768, RFC 791).
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

    /// Takes a datagram that is there: its length and its sender. `buffer` should hold [`DATAGRAM_MAX`] bytes; what
    /// does not fit is lost.
    ///
    /// # Errors
    /// `WouldBlock` when none is there; else what the kernel says.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Caller)> {
        match self.transport() {
            Datagrams::Udp(socket) => {
                socket.try_recv_from(buffer).map(|(length, from)| (length, Caller::Ip(from)))
            }
            Datagrams::Unix(socket) => socket.try_io(Interest::READABLE, || {
                let (length, _, from) = recvfrom(socket, &mut *buffer, RecvFlags::empty())?;
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
    /// `WouldBlock` when the send buffer is full; else what the kernel says.
    pub fn try_send_to(&self, bytes: &[u8], to: &Caller) -> io::Result<()> {
        match (self.transport(), to) {
            (Datagrams::Udp(socket), Caller::Ip(address)) => socket.try_send_to(bytes, *address).map(drop),
            (Datagrams::Unix(socket), Caller::Unix(address)) => socket.try_io(Interest::WRITABLE, || {
                sendto(socket, bytes, SendFlags::NOSIGNAL, address)?;
                Ok(())
            }),
            _ => Ok(()),
        }
    }

    /// Sends a datagram, waiting until the kernel takes it.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn send_to(&self, bytes: &[u8], to: &Caller) -> io::Result<()> {
        loop {
            match self.try_send_to(bytes, to) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                sent => return sent,
            }
        }
    }

    async fn writable(&self) -> io::Result<()> {
        match self.transport() {
            Datagrams::Udp(socket) => socket.writable().await,
            Datagrams::Unix(socket) => socket.writable().await,
        }
    }
}

fn unix_caller(from: Option<SocketAddrAny>) -> Caller {
    match from.map(SocketAddrUnix::try_from) {
        Some(Ok(address)) if !address.is_unnamed() => Caller::Unix(address),
        _ => Caller::Unnamed,
    }
}
