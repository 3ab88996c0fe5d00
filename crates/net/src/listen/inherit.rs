//! Sockets that a service manager has opened for us (sd_listen_fds(3)).

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, SocketType, sockopt};
use socket2::Socket;
use tokio::net::{UnixDatagram, UnixListener};

use super::{Bound, DatagramSocket, Datagrams, Door, ListenError, ListenOptions, Listener, apply, inet_name};
use crate::resolve::resolve_async;
use crate::sockopt::grow_receive_buffer;
use crate::{Address, Endpoint, HostPort, SocketKind};

impl Bound {
    /// Takes over sockets that wait already, instead of opening them, after checking that each is what `address`
    /// asks for: its kind, its port (0 is any), and one of its host's addresses. Backlog and mode stay as the
    /// service manager set them, and a socket file is its to remove.
    ///
    /// # Errors
    /// When one of them is anything else, or there is none.
    pub async fn inherit(
        sockets: Vec<OwnedFd>,
        address: &Address,
        options: &ListenOptions,
    ) -> Result<Self, ListenError> {
        let unfit = |reason| ListenError::Inherited { at: address.clone(), reason };
        if sockets.is_empty() {
            return Err(unfit("there is none".to_owned()));
        }
        let (mut listeners, mut datagrams) = (Vec::new(), Vec::new());
        for socket in sockets.into_iter().map(Socket::from) {
            let local = check(&socket, address).await.map_err(unfit)?;
            let at = local.clone();
            let refused = |source| ListenError::System { at, doing: "taking the socket over", source };
            prepare(&socket, &local, options)?;
            match address {
                Address::Tcp(_) => listeners.push(Listener::from_tcp(socket).map_err(refused)?),
                Address::Udp(_) => datagrams.push(DatagramSocket::from_udp(socket).map_err(refused)?),
                Address::Unix(_) => {
                    let listener = UnixListener::from_std(socket.into()).map_err(refused)?;
                    let door = Door::Unix(listener, options.options.clone());
                    listeners.push(Listener { door, local, note: None, _file: None });
                }
                Address::UnixDatagram(_) => {
                    let socket = UnixDatagram::from_std(socket.into()).map_err(refused)?;
                    let transport = Datagrams::Unix(socket);
                    datagrams.push(DatagramSocket { transport, local, note: None, _file: None });
                }
            }
        }
        Ok(if address.is_datagram() { Self::Datagram(datagrams) } else { Self::Stream(listeners) })
    }
}

/// What [`super::listen`] does to a socket of its own, as far as it can still be done.
fn prepare(socket: &Socket, local: &Endpoint, options: &ListenOptions) -> Result<(), ListenError> {
    let refused = |source| ListenError::System { at: local.clone(), doing: "taking the socket over", source };
    socket.set_nonblocking(true).map_err(refused)?;
    // It came through exec(2), and would go on to every process that we start.
    fcntl_setfd(socket, FdFlags::CLOEXEC).map_err(io::Error::from).map_err(refused)?;
    let kind = match local {
        Endpoint::Tcp(_) => {
            socket.set_tcp_nodelay(true).map_err(refused)?;
            SocketKind::Tcp
        }
        Endpoint::Udp(_) => {
            grow_receive_buffer(socket);
            SocketKind::Udp
        }
        Endpoint::UnixDatagram(_) => SocketKind::UnixDatagram,
        _ => SocketKind::Unix,
    };
    apply(options, socket, kind, local)
}

/// Where the socket waits, if it is one that `address` asks for; if not, what it is.
async fn check(socket: &Socket, address: &Address) -> Result<Endpoint, String> {
    let kind = kind_of(socket)?;
    if kind != SocketKind::from(address) {
        return Err(format!("it is a {kind} socket"));
    }
    if !address.is_datagram() && !socket.is_listener().map_err(|error| error.to_string())? {
        return Err("it does not listen".to_owned());
    }
    let text = |error: io::Error| error.to_string();
    let local = match address {
        Address::Tcp(_) => Endpoint::Tcp(inet_name(socket).map_err(text)?.0),
        Address::Udp(_) => Endpoint::Udp(inet_name(socket).map_err(text)?.0),
        Address::Unix(_) => Endpoint::Unix(file_of(socket)?),
        Address::UnixDatagram(_) => Endpoint::UnixDatagram(file_of(socket)?),
    };
    let wanted = match (address, &local) {
        (Address::Tcp(asked) | Address::Udp(asked), Endpoint::Tcp(local) | Endpoint::Udp(local)) => {
            stands_for(asked, *local).await?
        }
        (
            Address::Unix(asked) | Address::UnixDatagram(asked),
            Endpoint::Unix(local) | Endpoint::UnixDatagram(local),
        ) => same_path(asked, local),
        _ => false,
    };
    if wanted { Ok(local) } else { Err(format!("it waits at {local}")) }
}

fn kind_of(socket: &Socket) -> Result<SocketKind, String> {
    let family = sockopt::socket_domain(socket).map_err(|_| "it is no socket".to_owned())?;
    let kind = sockopt::socket_type(socket).map_err(|error| error.to_string())?;
    match (family, kind) {
        (AddressFamily::INET | AddressFamily::INET6, SocketType::STREAM) => Ok(SocketKind::Tcp),
        (AddressFamily::INET | AddressFamily::INET6, SocketType::DGRAM) => Ok(SocketKind::Udp),
        (AddressFamily::UNIX, SocketType::STREAM) => Ok(SocketKind::Unix),
        (AddressFamily::UNIX, SocketType::DGRAM) => Ok(SocketKind::UnixDatagram),
        _ => Err("it is neither a tcp, a udp nor a unix socket".to_owned()),
    }
}

/// Whether the address asked for means the one that the socket has. A wider one than was asked for does not fit.
async fn stands_for(asked: &HostPort, local: SocketAddr) -> Result<bool, String> {
    let right_port = asked.port == 0 || asked.port == local.port();
    let right_host = match asked.host {
        None => local.ip().is_unspecified(),
        Some(_) => {
            let addresses = resolve_async(asked).await.map_err(|error| error.to_string())?;
            addresses.iter().any(|address| address.ip() == local.ip())
        }
    };
    Ok(right_port && right_host)
}

fn file_of(socket: &Socket) -> Result<PathBuf, String> {
    let name = socket.local_addr().map_err(|error| error.to_string())?;
    name.as_pathname().map(Path::to_owned).ok_or_else(|| "it has no socket file".to_owned())
}

fn same_path(one: &Path, other: &Path) -> bool {
    match (std::path::absolute(one), std::path::absolute(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
