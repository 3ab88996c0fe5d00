//! Connecting from a server: the far side of `forward`.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::{RecvFlags, recv};
use thiserror::Error;
use tokio::io::Interest;
use tokio::net::{UdpSocket, UnixDatagram, UnixStream};

use crate::buffer::with_scratch;
use crate::errno::explain;
use crate::tcp::connect_any;
use crate::{Address, ResolveError, Stream, resolve_async};

/// How long connecting may take in all: what a person waits before they suspect a fault.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The far side.
#[derive(Debug)]
pub(crate) enum Far {
    Stream(Stream),
    Datagram(Link),
}

/// Datagrams to and from one.
#[derive(Debug)]
pub(crate) enum Link {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

/// Why the far side was not reached.
#[derive(Debug, Error)]
pub(crate) enum DialError {
    /// Its name was not found.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// It did not answer in time.
    #[error("connecting to {address}: no answer within {} s; is the machine up?", CONNECT_LIMIT.as_secs())]
    Timeout {
        /// The far side.
        address: Address,
    },
    /// It, or the way to it, refused.
    #[error("connecting to {address}: {}; does something listen there?", explain(error))]
    Io {
        /// The far side.
        address: Address,
        /// What the kernel said of the last of its addresses.
        error: io::Error,
    },
}

/// Connects to `address`.
///
/// # Errors
/// When no address of the name takes the connection within [`CONNECT_LIMIT`].
pub(crate) async fn dial(address: &Address) -> Result<Far, DialError> {
    match tokio::time::timeout(CONNECT_LIMIT, connect(address)).await {
        Ok(Ok(far)) => Ok(far),
        Ok(Err(Failed::Resolve(error))) => Err(error.into()),
        Ok(Err(Failed::Io(error))) => Err(DialError::Io { address: address.clone(), error }),
        Err(_) => Err(DialError::Timeout { address: address.clone() }),
    }
}

enum Failed {
    Resolve(ResolveError),
    Io(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

async fn connect(address: &Address) -> Result<Far, Failed> {
    Ok(match address {
        Address::Tcp(at) => {
            let addresses = resolve_async(at).await.map_err(Failed::Resolve)?;
            let stream = connect_any(addresses).await.map_err(|mut attempts| {
                let none = || io::ErrorKind::AddrNotAvailable.into();
                Failed::Io(attempts.pop().map_or_else(none, |last| last.error))
            })?;
            Far::Stream(stream.into())
        }
        Address::Udp(at) => {
            let targets = resolve_async(at).await.map_err(Failed::Resolve)?;
            // Connecting a datagram socket asks nobody: the first address is as good as it gets to know.
            let Some(target) = targets.into_iter().next() else {
                return Err(io::Error::from(io::ErrorKind::AddrNotAvailable).into());
            };
            let socket = UdpSocket::bind(any_port_like(target)).await?;
            socket.connect(target).await?;
            Far::Datagram(Link::Udp(socket))
        }
        Address::Unix(path) => Far::Stream(UnixStream::connect(path).await?.into()),
        Address::UnixDatagram(path) => {
            let socket = UnixDatagram::unbound()?;
            // Without a name of its own it could not be answered; the kernel makes one up (autobind, unix(7)).
            rustix::net::bind(&socket, &rustix::net::SocketAddrUnix::new_unnamed())
                .map_err(io::Error::from)?;
            socket.connect(path)?;
            Far::Datagram(Link::Unix(socket))
        }
    })
}

fn any_port_like(target: SocketAddr) -> SocketAddr {
    match target {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

impl Link {
    /// The next datagram, or the news that nobody takes ours. Dropping the future loses neither.
    pub(crate) async fn recv(&self) -> io::Result<Vec<u8>> {
        // A port that is closed answers with an error and no datagram, which is not "readable" (udp(7)).
        const NEWS: Interest = Interest::READABLE.add(Interest::ERROR);
        loop {
            let (ready, received) = match self {
                Self::Udp(socket) => {
                    (socket.ready(NEWS).await?, socket.try_io(Interest::READABLE, || receive(socket)))
                }
                Self::Unix(socket) => {
                    (socket.ready(NEWS).await?, socket.try_io(Interest::READABLE, || receive(socket)))
                }
            };
            match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && ready.is_error() => {
                    return Err(self.take_error()?.unwrap_or(error));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return received,
            }
        }
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        match self {
            Self::Udp(socket) => socket.take_error(),
            Self::Unix(socket) => socket.take_error(),
        }
    }

    pub(crate) async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.send(bytes).await.map(drop),
            Self::Unix(socket) => socket.send(bytes).await.map(drop),
        }
    }
}

fn receive(socket: impl AsFd) -> io::Result<Vec<u8>> {
    with_scratch(|scratch| {
        let (received, _) = recv(socket, &mut *scratch, RecvFlags::empty())?;
        Ok(scratch[..received].to_vec())
    })
}
