//! Connecting, as a client of few connections does it: blocking, one address after the other, within a limit.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};
use std::vec;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, SocketAddrUnix};
use socket2::{Domain, SockAddr, Socket, Type};
use thiserror::Error;

use crate::errno::explain;
use crate::sockopt::{ApplyError, SocketKind, SocketOption};
use crate::trace::Tracer;
use crate::{Address, Endpoint, HostPort, ResolveError, resolve};

/// A connected socket: a stream, or datagrams to and from one address. All its calls block.
#[derive(Debug)]
pub struct Connection {
    /// Our end.
    pub local: Endpoint,
    /// The far end.
    pub peer: Endpoint,
    /// How long connect(2) took.
    pub took: Duration,
    socket: Socket,
}

/// The addresses of one target, to be tried in order.
#[derive(Debug)]
pub struct Dial<'a> {
    to: &'a Address,
    options: &'a [SocketOption],
    limit: Option<Duration>,
    tracer: Option<&'a Tracer>,
    started: Instant,
    left: vec::IntoIter<Endpoint>,
    failures: Vec<Attempt>,
}

/// One address that was tried in vain.
#[derive(Debug)]
pub struct Attempt {
    /// The address.
    pub to: Endpoint,
    /// What the kernel said.
    pub error: io::Error,
}

/// Why no connection came about.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("connecting to {to}: {source}")]
    Resolve {
        /// The target.
        to: Address,
        /// What the resolver said.
        source: ResolveError,
    },
    /// An option could not be set.
    #[error("connecting to {to}: {source}")]
    Option {
        /// The target.
        to: Address,
        /// Which one, and why.
        source: ApplyError,
    },
    /// No address of the target took the connection.
    #[error("connecting to {to}: {}", Attempts(.to, .attempts))]
    Failed {
        /// The target.
        to: Address,
        /// Every address, in the order tried; at least one.
        attempts: Vec<Attempt>,
    },
}

impl ConnectError {
    /// The reason of the last address that was tried.
    #[must_use]
    pub fn last(&self) -> Option<&Attempt> {
        match self {
            Self::Failed { attempts, .. } => attempts.last(),
            Self::Resolve { .. } | Self::Option { .. } => None,
        }
    }
}

/// Connects to the first address of `to` that takes it, as [`Dial::connect`].
///
/// # Errors
/// Every address with its reason.
pub fn connect(
    to: &Address,
    options: &[SocketOption],
    limit: Option<Duration>,
) -> Result<Connection, ConnectError> {
    Dial::new(to, options, limit, None)?.connect()
}

impl<'a> Dial<'a> {
    /// Looks the name up. `limit` is for all addresses together: each gets an equal share of what is left. The tracer
    /// is told of the name, and of each address that is tried.
    ///
    /// # Errors
    /// When the name has no address.
    pub fn new(
        to: &'a Address,
        options: &'a [SocketOption],
        limit: Option<Duration>,
        tracer: Option<&'a Tracer>,
    ) -> Result<Self, ConnectError> {
        let started = Instant::now();
        let look_up = |at: &HostPort| {
            let found = resolve(at).map_err(|source| ConnectError::Resolve { to: to.clone(), source })?;
            if let Some(tracer) = tracer {
                tracer.looked_up(at, started.elapsed(), &found);
            }
            Ok(found.into_iter())
        };
        let endpoints = match to {
            Address::Tcp(at) => look_up(at)?.map(Endpoint::Tcp).collect(),
            Address::Udp(at) => look_up(at)?.map(Endpoint::Udp).collect(),
            Address::Unix(path) => vec![Endpoint::Unix(path.clone())],
            Address::UnixDatagram(path) => vec![Endpoint::UnixDatagram(path.clone())],
        };
        Ok(Self { to, options, limit, tracer, started, left: endpoints.into_iter(), failures: Vec::new() })
    }

    /// Whether there is another address to try.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.left.as_slice().is_empty()
    }

    /// Connects to the next address that takes it. TCP sends at once (`TCP_NODELAY`) unless told otherwise.
    /// Datagrams over UDP are "connected" without asking the far side; those over a socket file get a name of
    /// their own, so that they can be answered.
    ///
    /// # Errors
    /// Every address that was tried, with its reason, once none is left.
    pub fn connect(&mut self) -> Result<Connection, ConnectError> {
        while let Some(endpoint) = self.left.next() {
            let share = self.limit.map(|limit| {
                let addresses = u32::try_from(self.left.len()).unwrap_or(u32::MAX).saturating_add(1);
                // No time at all would mean no limit.
                (limit.saturating_sub(self.started.elapsed()) / addresses).max(Duration::from_millis(1))
            });
            if let Some(tracer) = self.tracer {
                tracer.connecting(&endpoint);
            }
            match Connection::new(endpoint.clone(), self.options, share) {
                Ok(connection) => return Ok(connection),
                Err(Refusal::Option(source)) => {
                    return Err(ConnectError::Option { to: self.to.clone(), source });
                }
                Err(Refusal::System(error)) => self.refused(endpoint, error),
            }
        }
        Err(ConnectError::Failed { to: self.to.clone(), attempts: std::mem::take(&mut self.failures) })
    }

    /// Notes that an address said no after all: for datagrams the answer to the first one may be a refusal.
    pub fn refused(&mut self, to: Endpoint, error: io::Error) {
        if let Some(tracer) = self.tracer {
            tracer.refused(&to, &error);
        }
        self.failures.push(Attempt { to, error });
    }
}

impl Connection {
    /// Waits until something can be read, or the far side is gone; false when `limit` passed first.
    ///
    /// # Errors
    /// Those of poll(2).
    pub fn readable_within(&self, limit: Option<Duration>) -> io::Result<bool> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut fds, left.as_ref()) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Reads what is there, or waits for it. For a stream 0 is the end; for datagrams it is an empty one.
    ///
    /// # Errors
    /// Those of recv(2).
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        crate::bulk::read(self.as_fd(), buffer)
    }

    /// Writes all of `bytes` to a stream.
    ///
    /// # Errors
    /// Those of send(2).
    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        crate::bulk::write_all(self.as_fd(), bytes)
    }

    /// Writes as much of `bytes` to a stream as goes without waiting, and returns how many they are.
    ///
    /// # Errors
    /// Those of send(2), but for EAGAIN: that is 0.
    pub fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::net::send(&self.socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Err(Errno::AGAIN) => Ok(0),
            done => Ok(done?),
        }
    }

    /// Sends one datagram, which may be empty.
    ///
    /// # Errors
    /// Those of send(2): ECONNREFUSED says that an earlier one found nobody.
    pub fn send(&self, payload: &[u8]) -> io::Result<()> {
        self.socket.send(payload).map(drop)
    }

    /// Ends our direction. The far side sees the end of input, and may go on sending.
    ///
    /// # Errors
    /// Those of shutdown(2); that the connection is gone already is none.
    pub fn half_close(&self) -> io::Result<()> {
        match self.socket.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            done => done,
        }
    }

    /// What the kernel has noted against this connection since it was last asked (`SO_ERROR`); a datagram that was
    /// refused, most often.
    ///
    /// # Errors
    /// Those of getsockopt(2).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }

    /// Ends both directions, so that whoever waits for this connection wakes up.
    pub fn abandon(&self) {
        // Only what is gone already cannot be shut down.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn new(peer: Endpoint, options: &[SocketOption], limit: Option<Duration>) -> Result<Self, Refusal> {
        let (kind, to) = match &peer {
            Endpoint::Tcp(to) => (SocketKind::Tcp, SockAddr::from(*to)),
            Endpoint::Udp(to) => (SocketKind::Udp, SockAddr::from(*to)),
            Endpoint::Unix(path) => (SocketKind::Unix, SockAddr::unix(path)?),
            Endpoint::UnixDatagram(path) => (SocketKind::UnixDatagram, SockAddr::unix(path)?),
            Endpoint::Process { .. } | Endpoint::Unnamed => {
                return Err(Refusal::System(io::ErrorKind::AddrNotAvailable.into()));
            }
        };
        let form = match kind {
            SocketKind::Tcp | SocketKind::Unix => Type::STREAM,
            SocketKind::Udp | SocketKind::UnixDatagram => Type::DGRAM,
        };
        let socket = Socket::new(Domain::from(i32::from(to.family())), form, None)?;
        if kind == SocketKind::Tcp {
            socket.set_tcp_nodelay(true)?;
        }
        for option in options {
            option.apply(&socket, kind).map_err(Refusal::Option)?;
        }
        if kind == SocketKind::UnixDatagram {
            // The kernel picks a free abstract name (autobind in unix(7)); nothing is left to be removed.
            rustix::net::bind(&socket, &SocketAddrUnix::new_unnamed())?;
        }
        let begun = Instant::now();
        // The limit of sending is also that of connect(2), for TCP and for a full queue of a socket file alike.
        socket.set_write_timeout(limit)?;
        socket.connect(&to).map_err(timed_out)?;
        let took = begun.elapsed();
        socket.set_write_timeout(None)?;
        let local = match (kind, socket.local_addr()?.as_socket()) {
            (SocketKind::Tcp, Some(address)) => Endpoint::Tcp(address),
            (SocketKind::Udp, Some(address)) => Endpoint::Udp(address),
            _ => Endpoint::Unnamed,
        };
        Ok(Self { local, peer, took, socket })
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

enum Refusal {
    Option(ApplyError),
    System(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::System(errno.into())
    }
}

/// connect(2) that ran out of time says EINPROGRESS (TCP) or EAGAIN (a socket file): see SO_SNDTIMEO in socket(7).
fn timed_out(error: io::Error) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(Errno::INPROGRESS | Errno::AGAIN) => Errno::TIMEDOUT.into(),
        _ => error,
    }
}

/// One reason stands alone; several stand with their addresses.
pub(crate) struct Attempts<'a>(pub(crate) &'a Address, pub(crate) &'a [Attempt]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(to, attempts) = self;
        for (at, Attempt { to: endpoint, error }) in attempts.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            if attempts.len() > 1 || endpoint.to_string() != to.to_string() {
                write!(f, "{endpoint}: ")?;
            }
            f.write_str(&explain(error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::net::{UnixDatagram, UnixListener};

    /// A port of this machine that nobody listens on.
    fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    fn dial(to: &str) -> Result<Connection, ConnectError> {
        connect(&to.parse().unwrap(), &[], None)
    }

    fn read(connection: &Connection) -> Vec<u8> {
        let mut buffer = [0; 100];
        let bytes = connection.read(&mut buffer).unwrap();
        buffer[..bytes].to_vec()
    }

    #[test]
    fn a_tcp_connection_knows_both_its_ends_and_sends_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let connection = dial(&at.to_string()).unwrap();
        let (_stream, peer) = listener.accept().unwrap();
        assert_eq!(connection.local, Endpoint::Tcp(peer));
        assert_eq!(connection.peer, Endpoint::Tcp(at));
        assert!(connection.socket.tcp_nodelay().unwrap());
    }

    #[test]
    fn an_option_replaces_the_default_and_one_that_does_not_fit_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap().to_string().parse().unwrap();
        let connection = connect(&to, &[SocketOption::NoDelay(false)], None).unwrap();
        assert!(!connection.socket.tcp_nodelay().unwrap());
        let error = connect(&to, &[SocketOption::Broadcast(true)], None).unwrap_err().to_string();
        assert!(error.starts_with(&format!("connecting to {to}: broadcast=")), "{error}");
    }

    #[test]
    fn the_next_address_is_tried_when_one_refuses() {
        // Without a host it is this machine, first by IPv6.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        assert_eq!(dial(&format!(":{}", at.port())).unwrap().peer, Endpoint::Tcp(at));
    }

    #[test]
    fn every_address_that_was_tried_is_named_with_its_reason() {
        let to = Address::Tcp(HostPort { host: None, port: free_port() });
        let error = connect(&to, &[], None).unwrap_err();
        assert_eq!(error.last().and_then(|last| last.error.raw_os_error()), Some(libc::ECONNREFUSED));
        let error = error.to_string();
        assert_eq!(error.matches("connection refused (ECONNREFUSED, ").count(), 2, "{error}");
        assert!(error.contains("tcp://[::1]:") && error.contains("; tcp://127.0.0.1:"), "{error}");
    }

    #[test]
    fn one_address_is_named_once() {
        let port = free_port();
        let error = dial(&format!("127.0.0.1:{port}")).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("connecting to tcp://127.0.0.1:{port}: connection refused (ECONNREFUSED, 111)")
        );
    }

    #[test]
    fn a_limit_ends_the_wait_for_a_listener_that_does_not_accept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.sock");
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        socket.listen(0).unwrap();
        let to = Address::Unix(path);
        let limit = Some(Duration::from_millis(20));
        let _waiting = connect(&to, &[], limit).unwrap();
        let error = connect(&to, &[], limit).unwrap_err();
        assert_eq!(error.last().unwrap().error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_half_close_ends_one_direction_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let connection = connect(&Address::Unix(path), &[], None).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        connection.write_all(b"all").unwrap();
        connection.half_close().unwrap();
        let mut received = String::new();
        far.read_to_string(&mut received).unwrap();
        assert_eq!(received, "all");
        io::Write::write_all(&mut far, b"late").unwrap();
        assert!(connection.readable_within(None).unwrap());
        assert_eq!(read(&connection), b"late");
        drop(far);
        assert_eq!(read(&connection), b"");
        connection.half_close().unwrap();
    }

    #[test]
    fn what_goes_without_waiting_ends_where_the_buffers_are_full() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let connection = connect(&Address::Unix(path), &[], None).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let bytes = vec![7; 10_000_000];
        let taken = connection.write_now(&bytes).unwrap();
        assert!(taken > 0 && taken < bytes.len());
        assert_eq!(connection.write_now(&bytes).unwrap(), 0);
        far.read_exact(&mut vec![0; taken]).unwrap();
        assert!(connection.write_now(&bytes).unwrap() > 0);
    }

    #[test]
    fn a_datagram_over_a_socket_file_can_be_answered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dgram.sock");
        let server = UnixDatagram::bind(&path).unwrap();
        let connection = connect(&Address::UnixDatagram(path), &[], None).unwrap();
        connection.send(b"ping").unwrap();
        let mut buffer = [0; 10];
        let (bytes, client) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..bytes], b"ping");
        server.send_to_addr(b"pong", &client).unwrap();
        assert_eq!(read(&connection), b"pong");
    }

    #[test]
    fn silence_ends_with_the_limit_and_a_refusal_at_once() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let connection = dial(&format!("udp://{}", server.local_addr().unwrap())).unwrap();
        connection.send(b"anybody?").unwrap();
        assert!(!connection.readable_within(Some(Duration::from_millis(5))).unwrap());
        drop(server);
        connection.send(b"still?").unwrap();
        assert!(connection.readable_within(None).unwrap());
        let error = connection.read(&mut [0; 10]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_file_that_is_no_socket_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let missing = dial(&format!("unix:{}/none.sock", folder.path().display())).unwrap_err().to_string();
        assert!(missing.contains("no such socket file (ENOENT, 2)"), "{missing}");
        let path = folder.path().join("dgram.sock");
        let _server = UnixDatagram::bind(&path).unwrap();
        let other = connect(&Address::Unix(path), &[], None).unwrap_err().to_string();
        assert!(other.contains("the other kind"), "{other}");
    }
}
