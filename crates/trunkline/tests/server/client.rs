//! A plain client for any kind of address: what it does and nothing more goes over the wire.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::PATIENCE;

/// One end of a connection, or a socket for datagrams that sends to one address. Every wait of it has a limit.
pub(crate) struct Client {
    socket: Socket,
}

impl Client {
    /// Connects to `tcp://`, `udp://`, `unix:` or `unix-dgram:`. On a wide address it goes to this machine.
    pub(crate) fn of(address: &str) -> Self {
        Self::from_to(None, address)
    }

    /// Connects from an address of its own, such as `127.0.0.2:0`.
    pub(crate) fn from(source: &str, address: &str) -> Self {
        Self::from_to(Some(source.parse().unwrap()), address)
    }

    fn from_to(source: Option<SocketAddr>, address: &str) -> Self {
        let (scheme, place) = address.split_once(':').unwrap();
        let (to, kind) = match scheme {
            "unix" => (SockAddr::unix(place).unwrap(), Type::STREAM),
            "unix-dgram" => (SockAddr::unix(place).unwrap(), Type::DGRAM),
            "tcp" => (inet(place), Type::STREAM),
            "udp" => (inet(place), Type::DGRAM),
            _ => panic!("{address} is no address"),
        };
        let socket = Socket::new(to.domain(), kind, None).unwrap();
        if let Some(source) = source {
            socket.bind(&source.into()).unwrap();
        } else if scheme == "unix-dgram" {
            // Without a name it could not be answered; the kernel makes one up (unix(7)).
            rustix::net::bind(&socket, &rustix::net::SocketAddrUnix::new_unnamed()).unwrap();
        }
        if to.domain() != Domain::UNIX && kind == Type::STREAM {
            socket.set_tcp_nodelay(true).unwrap();
        }
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.connect(&to).unwrap();
        Self { socket }
    }

    /// Our end, as the server's log names it.
    pub(crate) fn name(&self) -> String {
        let kind = if self.socket.r#type().unwrap() == Type::STREAM { "tcp" } else { "udp" };
        format!("{kind}://{}", self.socket.local_addr().unwrap().as_socket().unwrap())
    }

    /// Our port.
    pub(crate) fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().as_socket().unwrap().port()
    }

    /// The same connection for another thread, which listens while this one speaks.
    pub(crate) fn listener(&self) -> Self {
        Self { socket: self.socket.try_clone().unwrap() }
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).unwrap();
    }

    /// Says what the server may not wish to hear to its end.
    pub(crate) fn try_say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.socket.write_all(bytes.as_ref());
    }

    /// Says `bytes` again and again until the way is full, hearing nothing. Tells how many went.
    pub(crate) fn say_until_full(&mut self, bytes: &[u8]) -> usize {
        // Full is when nothing goes for so long: a server that reads makes room much sooner.
        self.socket.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut said = 0;
        while let Ok(count) = self.socket.write(bytes) {
            said += count;
        }
        said
    }

    /// Hears exactly these bytes next.
    #[track_caller]
    pub(crate) fn hears(&mut self, expected: impl AsRef<[u8]>) {
        let heard = self.hear(expected.as_ref().len());
        assert_eq!(String::from_utf8_lossy(&heard), String::from_utf8_lossy(expected.as_ref()));
    }

    /// The next `count` bytes.
    #[track_caller]
    pub(crate) fn hear(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.socket.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// What one read brings: of datagrams, one.
    #[track_caller]
    pub(crate) fn hear_once(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 1 << 16];
        let count = self.socket.read(&mut bytes).unwrap();
        bytes.truncate(count);
        bytes
    }

    /// Everything up to and with `end`.
    #[track_caller]
    pub(crate) fn hear_until(&mut self, end: &str) -> String {
        let mut heard = Vec::new();
        while !heard.ends_with(end.as_bytes()) {
            let more = self.hear_once();
            assert!(!more.is_empty(), "the end came before {end:?}: {}", String::from_utf8_lossy(&heard));
            heard.extend(more);
        }
        String::from_utf8(heard).unwrap()
    }

    /// Everything up to the end of the stream.
    #[track_caller]
    pub(crate) fn hear_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.socket.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// The server has ended the connection, be it with an end of stream or a reset.
    #[track_caller]
    pub(crate) fn is_shown_out(&mut self) {
        let mut bytes = Vec::new();
        match self.socket.read_to_end(&mut bytes) {
            Ok(_) => assert_eq!(String::from_utf8_lossy(&bytes), "", "nothing is said to who is shown out"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }

    /// Nothing is there to be read now.
    #[track_caller]
    pub(crate) fn has_heard_nothing(&mut self) {
        self.socket.set_nonblocking(true).unwrap();
        let read = self.socket.read(&mut [0; 64]);
        self.socket.set_nonblocking(false).unwrap();
        assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    /// Will say no more, and goes on listening.
    pub(crate) fn finish(&mut self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    /// Breaks the connection off: closing resets it (SO_LINGER of 0, socket(7)).
    pub(crate) fn reset(self) {
        self.socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
}

fn inet(place: &str) -> SockAddr {
    let mut address: SocketAddr = place.trim_start_matches('/').parse().unwrap();
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            [0, 0, 0, 0, 0, 0, 0, 1].into()
        });
    }
    address.into()
}
