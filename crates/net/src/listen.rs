//! Opening a line: sockets that wait for connections or datagrams.

mod error;
mod file;
mod inherit;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::{TcpListener, UdpSocket, UnixDatagram, UnixListener};

use crate::limits::BACKLOG;
use crate::resolve::resolve_async;
use crate::sockopt::{ApplyError, grow_receive_buffer};
use crate::{Address, Endpoint, HostPort, SocketKind, SocketOption, Stream};
use file::SocketFile;

pub use error::ListenError;

/// Who may connect to a socket file, unless told otherwise: only the user who serves it.
pub const SOCKET_FILE_MODE: u32 = 0o600;

/// How often a free port is looked for that is free at every address of a name.
const SAME_PORT_ATTEMPTS: usize = 16;

/// How to listen.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// Connections that may wait to be accepted (listen(2)).
    pub backlog: u32,
    /// The permissions of a socket file.
    pub mode: u32,
    /// Set before the socket is bound.
    pub options: Vec<SocketOption>,
    /// The interface through which all datagrams of a UDP socket come and go (SO_BINDTODEVICE in socket(7)); none for
    /// every one.
    pub interface: Option<String>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self { backlog: BACKLOG, mode: SOCKET_FILE_MODE, options: Vec::new(), interface: None }
    }
}

/// What one address opened: never an empty list, and several where a name stands for several addresses
/// (`localhost`), all at the same port.
#[derive(Debug)]
pub enum Bound {
    /// Connections come here.
    Stream(Vec<Listener>),
    /// Datagrams come here.
    Datagram(Vec<DatagramSocket>),
}

/// Takes in connections. A socket file is removed when it is dropped.
#[derive(Debug)]
pub struct Listener {
    door: Door,
    local: Endpoint,
    note: Option<&'static str>,
    _file: Option<SocketFile>,
}

#[derive(Debug)]
enum Door {
    Tcp(TcpListener),
    /// Connections do not get their listener's options from the kernel, as those over TCP do.
    Unix(UnixListener, Vec<SocketOption>),
}

/// Takes in datagrams. A socket file is removed when it is dropped.
#[derive(Debug)]
pub struct DatagramSocket {
    transport: Datagrams,
    local: Endpoint,
    note: Option<&'static str>,
    _file: Option<SocketFile>,
}

/// The two kinds of datagrams.
#[derive(Debug)]
pub enum Datagrams {
    /// Over UDP.
    Udp(UdpSocket),
    /// Over a socket file.
    Unix(UnixDatagram),
}

/// Opens an address. Over TCP, its connections have TCP_NODELAY set unless the options say otherwise.
///
/// # Errors
/// When nothing could be opened; whatever had been is closed again.
pub async fn listen(address: &Address, options: &ListenOptions) -> Result<Bound, ListenError> {
    Ok(match address {
        Address::Tcp(at) => Bound::Stream(open_all(address, at, options, Listener::tcp).await?),
        Address::Udp(at) => Bound::Datagram(open_all(address, at, options, DatagramSocket::udp).await?),
        Address::Unix(path) => Bound::Stream(vec![Listener::unix(path, options)?]),
        Address::UnixDatagram(path) => Bound::Datagram(vec![DatagramSocket::unix(path, options)?]),
    })
}

impl Bound {
    /// Where it listens, with the real port of `:0`.
    #[must_use]
    pub fn locals(&self) -> Vec<&Endpoint> {
        self.places().into_iter().map(|(local, _)| local).collect()
    }

    /// Where it listens, each with what the address alone does not tell: see [`Listener::note`].
    #[must_use]
    pub fn places(&self) -> Vec<(&Endpoint, Option<&'static str>)> {
        match self {
            Self::Stream(listeners) => {
                listeners.iter().map(|listener| (listener.local(), listener.note())).collect()
            }
            Self::Datagram(sockets) => sockets.iter().map(|socket| (socket.local(), socket.note())).collect(),
        }
    }
}

impl Listener {
    /// Where it listens, with the real port of `:0`.
    #[must_use]
    pub fn local(&self) -> &Endpoint {
        &self.local
    }

    /// What the address alone does not tell: that it stands for every address, and of which family.
    #[must_use]
    pub fn note(&self) -> Option<&'static str> {
        self.note
    }

    /// The next connection, once there is one: its stream, our end and the other end.
    ///
    /// # Errors
    /// Those of accept(2); after most of them the listener goes on.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Endpoint, Endpoint)>> {
        match &self.door {
            Door::Tcp(listener) => {
                let (stream, from) = ready!(listener.poll_accept(cx))?;
                // One that listens at every address learns only from the connection at which it was called.
                let local = if self.note.is_some() {
                    Endpoint::tcp(stream.local_addr()?)
                } else {
                    self.local.clone()
                };
                Poll::Ready(Ok((stream.into(), local, Endpoint::tcp(from))))
            }
            Door::Unix(listener, options) => {
                let (stream, _) = ready!(listener.poll_accept(cx))?;
                for option in options {
                    option.apply(&stream, SocketKind::Unix).map_err(io::Error::other)?;
                }
                let peer = stream.peer_cred()?;
                let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
                Poll::Ready(Ok((
                    stream.into(),
                    self.local.clone(),
                    Endpoint::Process { pid, uid: peer.uid() },
                )))
            }
        }
    }

    fn tcp(address: SocketAddr, options: &ListenOptions) -> Result<Self, ListenError> {
        let at = Endpoint::Tcp(address);
        let refused = |doing| ListenError::at_port(&at, doing);
        let socket = open(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
            .map_err(refused("socket"))?;
        socket.set_reuse_address(true).map_err(refused("SO_REUSEADDR"))?;
        // Connections get it from their listener.
        socket.set_tcp_nodelay(true).map_err(refused("TCP_NODELAY"))?;
        apply(options, &socket, SocketKind::Tcp, &at)?;
        bind(&socket, address).map_err(refused("bind"))?;
        // The kernel takes a signed number, and caps it at `net.core.somaxconn`.
        socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX)).map_err(refused("listen"))?;
        Self::from_tcp(socket).map_err(refused("listen"))
    }

    /// From a socket that listens already.
    fn from_tcp(socket: Socket) -> io::Result<Self> {
        let (address, note) = inet_name(&socket)?;
        let door = Door::Tcp(TcpListener::from_std(socket.into())?);
        Ok(Self { door, local: Endpoint::Tcp(address), note, _file: None })
    }

    fn unix(path: &Path, options: &ListenOptions) -> Result<Self, ListenError> {
        let at = Endpoint::Unix(path.to_owned());
        let refused = |doing| ListenError::at_file(&at, path, doing);
        let socket = open(Domain::UNIX, Type::STREAM, None).map_err(refused("socket"))?;
        apply(options, &socket, SocketKind::Unix, &at)?;
        let file = SocketFile::claim(&socket, &at, path, options.mode)?;
        socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX)).map_err(refused("listen"))?;
        let listener = UnixListener::from_std(socket.into()).map_err(refused("listen"))?;
        Ok(Self {
            door: Door::Unix(listener, options.options.clone()),
            local: at,
            note: None,
            _file: Some(file),
        })
    }
}

impl DatagramSocket {
    /// Where it is bound, with the real port of `:0`.
    #[must_use]
    pub fn local(&self) -> &Endpoint {
        &self.local
    }

    /// As [`Listener::note`].
    #[must_use]
    pub fn note(&self) -> Option<&'static str> {
        self.note
    }

    /// The socket to receive from and to answer with.
    #[must_use]
    pub fn transport(&self) -> &Datagrams {
        &self.transport
    }

    /// Never with SO_REUSEADDR: another process could take our datagrams.
    fn udp(address: SocketAddr, options: &ListenOptions) -> Result<Self, ListenError> {
        let at = Endpoint::Udp(address);
        let refused = |doing| ListenError::at_port(&at, doing);
        let socket = open(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))
            .map_err(refused("socket"))?;
        grow_receive_buffer(&socket);
        apply(options, &socket, SocketKind::Udp, &at)?;
        if let Some(interface) = &options.interface {
            let bound = socket.bind_device(Some(interface.as_bytes()));
            bound.map_err(|source| ListenError::Interface { interface: interface.clone(), source })?;
        }
        bind(&socket, address).map_err(refused("bind"))?;
        Self::from_udp(socket).map_err(refused("bind"))
    }

    /// From a socket that is bound already.
    fn from_udp(socket: Socket) -> io::Result<Self> {
        let (address, note) = inet_name(&socket)?;
        let transport = Datagrams::Udp(UdpSocket::from_std(socket.into())?);
        Ok(Self { transport, local: Endpoint::Udp(address), note, _file: None })
    }

    fn unix(path: &Path, options: &ListenOptions) -> Result<Self, ListenError> {
        let at = Endpoint::UnixDatagram(path.to_owned());
        let refused = |doing| ListenError::at_file(&at, path, doing);
        let socket = open(Domain::UNIX, Type::DGRAM, None).map_err(refused("socket"))?;
        apply(options, &socket, SocketKind::UnixDatagram, &at)?;
        let file = SocketFile::claim(&socket, &at, path, options.mode)?;
        let transport = Datagrams::Unix(UnixDatagram::from_std(socket.into()).map_err(refused("bind"))?);
        Ok(Self { transport, local: at, note: None, _file: Some(file) })
    }
}

/// Opens every address that a host stands for, all at one port.
async fn open_all<S: Named>(
    address: &Address,
    at: &HostPort,
    options: &ListenOptions,
    open: fn(SocketAddr, &ListenOptions) -> Result<S, ListenError>,
) -> Result<Vec<S>, ListenError> {
    if at.host.is_none() {
        // One socket for both families, or IPv4 alone where the machine has nothing else.
        let both = open(SocketAddr::from((Ipv6Addr::UNSPECIFIED, at.port)), options);
        return match both {
            Err(error) if error.is_not_of_this_machine() => {
                open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port)), options)
            }
            other => other,
        }
        .map(|socket| vec![socket]);
    }
    let addresses =
        resolve_async(at).await.map_err(|source| ListenError::Resolve { at: address.clone(), source })?;
    open_listed(&addresses, options, open)
}

/// Opens the addresses of a name; port 0 becomes one free port for all.
fn open_listed<S: Named>(
    addresses: &[SocketAddr],
    options: &ListenOptions,
    open: fn(SocketAddr, &ListenOptions) -> Result<S, ListenError>,
) -> Result<Vec<S>, ListenError> {
    let any_port = addresses.iter().all(|address| address.port() == 0);
    let mut opened = open_each(addresses, options, open);
    for _ in 1..SAME_PORT_ATTEMPTS {
        // The port that was free at the first address may be taken at the second.
        if !(any_port && matches!(opened, Err(ListenError::PortTaken { .. }))) {
            break;
        }
        opened = open_each(addresses, options, open);
    }
    opened
}

/// Opens each address that this machine has, and at least one, all at the port of the first.
fn open_each<S: Named>(
    addresses: &[SocketAddr],
    options: &ListenOptions,
    open: fn(SocketAddr, &ListenOptions) -> Result<S, ListenError>,
) -> Result<Vec<S>, ListenError> {
    let mut opened: Vec<S> = Vec::new();
    let mut missing = None;
    for mut address in addresses.iter().copied() {
        if let Some(first) = opened.first() {
            address.set_port(first.port());
        }
        match open(address, options) {
            Ok(socket) => opened.push(socket),
            // A name may have an address of a family that is switched off here.
            Err(error) if error.is_not_of_this_machine() => missing = Some(error),
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if opened.is_empty() => Err(error),
        _ => Ok(opened),
    }
}

/// What has a port.
trait Named {
    fn port(&self) -> u16;
}

impl Named for Listener {
    fn port(&self) -> u16 {
        self.local.socket_addr().map_or(0, |address| address.port())
    }
}

impl Named for DatagramSocket {
    fn port(&self) -> u16 {
        self.local.socket_addr().map_or(0, |address| address.port())
    }
}

/// A new socket that fits the reactor and is not handed on to the processes we start.
fn open(domain: Domain, kind: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn bind(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Otherwise `net.ipv6.bindv6only` decides.
        socket.set_only_v6(false)?;
    }
    socket.bind(&SockAddr::from(address))
}

fn apply(
    options: &ListenOptions,
    socket: &Socket,
    kind: SocketKind,
    at: &Endpoint,
) -> Result<(), ListenError> {
    for option in &options.options {
        let fits = match option {
            SocketOption::Linger(Some(time)) if *time > Duration::ZERO => Err(ApplyError::Unfit {
                option: *option,
                kind,
                reason: "a server that waits at closing one connection keeps the others waiting; \
                         use linger=0 or linger=off",
            }),
            _ => option.apply(socket, kind),
        };
        fits.map_err(|source| ListenError::Option { at: at.clone(), source })?;
    }
    Ok(())
}

/// The address of a bound socket, and what it stands for when it stands for all.
fn inet_name(socket: &Socket) -> io::Result<(SocketAddr, Option<&'static str>)> {
    let address = socket.local_addr()?.as_socket().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the socket has no address of the network")
    })?;
    let note = match address {
        _ if !address.ip().is_unspecified() => None,
        SocketAddr::V4(_) => Some("every IPv4 address"),
        SocketAddr::V6(_) if socket.only_v6()? => Some("every IPv6 address"),
        SocketAddr::V6(_) => Some("every address, IPv4 and IPv6"),
    };
    Ok((address, note))
}

#[cfg(test)]
mod tests;
