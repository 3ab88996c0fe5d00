//! One end of a socket, as the kernel names it: what listening and closing lines show.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::untrusted::Untrusted;

/// One end of a socket: where it is bound, or who is at the other side.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// One end of a connection over TCP, or its listener.
    Tcp(SocketAddr),
    /// One end that takes datagrams over UDP.
    Udp(SocketAddr),
    /// A stream's socket file.
    Unix(PathBuf),
    /// A socket file that takes datagrams.
    UnixDatagram(PathBuf),
    /// The process at the other end of a socket file. Its socket has no name of its own, so the process stands
    /// for it (SO_PEERCRED in unix(7)).
    Process {
        /// 0 where the process is in another container.
        pid: u32,
        /// The user it ran as when it connected.
        uid: u32,
    },
    /// A sender of datagrams who has no name, and so can get no answer.
    Unnamed,
}

impl Endpoint {
    /// The address, where it is one of the network.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) | Self::Udp(address) => Some(*address),
            _ => None,
        }
    }

    /// What [`Display`](fmt::Display) prints, with the path of a socket file as it is, for storing: whatever prints it
    /// needs [`Untrusted`]. Bytes that are no UTF-8 become U+FFFD.
    #[must_use]
    pub fn unescaped(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix:{}", path.to_string_lossy()),
            Self::UnixDatagram(path) => format!("unix-dgram:{}", path.to_string_lossy()),
            _ => self.to_string(),
        }
    }

    /// From what accept(2) gave: an IPv4 client of a dual-stack socket has its IPv4 address.
    #[must_use]
    pub fn tcp(address: SocketAddr) -> Self {
        Self::Tcp(canonical(address))
    }

    /// From what recvfrom(2) gave, in the same way.
    #[must_use]
    pub fn udp(address: SocketAddr) -> Self {
        Self::Udp(canonical(address))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", shown(path)),
            Self::UnixDatagram(path) => write!(f, "unix-dgram:{}", shown(path)),
            Self::Process { pid: 0, uid } => write!(f, "a process of uid {uid}"),
            Self::Process { pid, uid } => write!(f, "pid {pid} of uid {uid}"),
            Self::Unnamed => f.write_str("an unnamed socket"),
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whoever sends a datagram may have called its socket file anything.
fn shown(path: &Path) -> Untrusted<'_> {
    Untrusted::from(path.as_os_str().as_bytes())
}

/// `::ffff:10.0.0.1` is the IPv4 address it stands for.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
            SocketAddr::new(v6.ip().to_canonical(), v6.port())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_prints_as_the_address_that_reaches_it() {
        let shown = |end: Endpoint| end.to_string();
        assert_eq!(shown(Endpoint::tcp("[::ffff:10.0.0.1]:80".parse().unwrap())), "tcp://10.0.0.1:80");
        assert_eq!(shown(Endpoint::tcp("[::1]:80".parse().unwrap())), "tcp://[::1]:80");
        assert_eq!(shown(Endpoint::udp("10.0.0.1:53".parse().unwrap())), "udp://10.0.0.1:53");
        assert_eq!(shown(Endpoint::Unix("/run/a.sock".into())), "unix:/run/a.sock");
        assert_eq!(shown(Endpoint::UnixDatagram("/run/a.sock".into())), "unix-dgram:/run/a.sock");
        assert_eq!(shown(Endpoint::UnixDatagram("/tmp/\x1b[2J".into())), r"unix-dgram:/tmp/\x1b[2J");
        assert_eq!(Endpoint::UnixDatagram("/tmp/\x1b[2J".into()).unescaped(), "unix-dgram:/tmp/\x1b[2J");
        assert_eq!(shown(Endpoint::Process { pid: 7, uid: 1000 }), "pid 7 of uid 1000");
        assert_eq!(shown(Endpoint::Process { pid: 0, uid: 1000 }), "a process of uid 1000");
    }
}
