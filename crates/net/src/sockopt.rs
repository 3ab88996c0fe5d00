//! Socket options by name, for `--sockopt NAME=VALUE`: those of socket(7), ip(7) and tcp(7) that a user of
//! sockets asks for.

mod form;

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::str::FromStr;
use std::time::Duration;

use rustix::net::{AddressFamily, sockopt};
use thiserror::Error;

use crate::Address;
use form::{FORMS, Form, did_you_mean, list};

/// The receive buffer of a socket that takes datagrams, in bytes. With the kernel's default of 208 KiB a burst
/// of a thousand senders loses 2 to 3 % of its datagrams, because nobody asks for a lost one again; with 4 MiB
/// none are lost. The memory is used only while datagrams wait.
pub const DATAGRAM_RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// One option and the value it is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketOption {
    /// SO_BROADCAST: datagrams may go to broadcast addresses.
    Broadcast(bool),
    /// SO_KEEPALIVE, and TCP_KEEPIDLE where a time is given: a silent connection is probed after it.
    KeepAlive(KeepAlive),
    /// TCP_KEEPCNT: probes without an answer after which the connection is given up.
    KeepCount(u32),
    /// TCP_KEEPINTVL: time between two probes, in whole seconds.
    KeepInterval(Duration),
    /// SO_LINGER: how long closing waits for the other side to take what was sent, in whole seconds; zero
    /// throws it away and resets the connection.
    Linger(Option<Duration>),
    /// TCP_MAXSEG: the largest segment, in bytes.
    MaxSegment(u32),
    /// TCP_NODELAY: small writes leave at once (on by default here).
    NoDelay(bool),
    /// SO_RCVBUF, in bytes.
    ReceiveBuffer(usize),
    /// SO_REUSEADDR (on by default here for listeners over TCP).
    ReuseAddress(bool),
    /// SO_SNDBUF, in bytes.
    SendBuffer(usize),
    /// IP_TOS and IPV6_TCLASS: the byte that marks the packets' class of service.
    TypeOfService(u8),
    /// IP_TTL and IPV6_UNICAST_HOPS: routers a packet may pass.
    TimeToLive(u8),
    /// TCP_USER_TIMEOUT: how long sent data may stay without an acknowledgement, in whole seconds.
    UserTimeout(Duration),
}

/// What `keepalive=` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// No probes.
    Off,
    /// Probes after the system's usual silence (two hours, `net.ipv4.tcp_keepalive_time`).
    On,
    /// Probes after this silence, in whole seconds.
    After(Duration),
}

/// The four kinds of sockets, for deciding which option fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// A stream over TCP, or its listener.
    Tcp,
    /// Datagrams over UDP.
    Udp,
    /// A stream over a socket file, or its listener.
    Unix,
    /// Datagrams over a socket file.
    UnixDatagram,
}

/// Why a text is not a socket option. The message says how to write it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SocketOptionError {
    /// A name that is not in the list.
    #[error("{name} is not a socket option{}; there are {}", did_you_mean(name), list())]
    Unknown {
        /// What stood before the equals sign.
        name: String,
    },
    /// A name alone.
    #[error("{name} needs a value: {name}={takes}")]
    NoValue {
        /// The option.
        name: &'static str,
        /// What its value looks like.
        takes: &'static str,
    },
    /// A value that the option does not take.
    #[error("{name} cannot be {value:?}: write {name}={takes}")]
    Value {
        /// The option.
        name: &'static str,
        /// What stood after the equals sign.
        value: String,
        /// What its value looks like.
        takes: &'static str,
    },
}

/// Why an option could not be set on a socket.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The option means nothing to this kind of socket, or would do harm there.
    #[error("{option} does not fit a {kind} socket: {reason}")]
    Unfit {
        /// The option.
        option: SocketOption,
        /// The kind of socket it was meant for.
        kind: SocketKind,
        /// Why it does not fit.
        reason: &'static str,
    },
    /// The kernel made the buffer smaller than asked for (socket(7)).
    #[error(
        "{option} is more than this system allows ({granted} bytes): allow it with sudo sysctl {setting}={asked}"
    )]
    Capped {
        /// The option.
        option: SocketOption,
        /// Bytes asked for.
        asked: usize,
        /// Bytes granted.
        granted: usize,
        /// The system's setting that caps it.
        setting: &'static str,
    },
    /// The kernel refused.
    #[error("setting {option} on a {kind} socket: {source}")]
    System {
        /// The option.
        option: SocketOption,
        /// The kind of socket it was meant for.
        kind: SocketKind,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl SocketOption {
    /// Whether this option means something to that kind of socket; if not, why. The one place that decides it.
    ///
    /// # Errors
    /// [`ApplyError::Unfit`] says why it does not fit.
    pub fn applies_to(&self, kind: SocketKind) -> Result<(), ApplyError> {
        use SocketKind::{Tcp, Udp};
        let reason = match (self, kind) {
            (Self::Broadcast(_), Udp)
            | (Self::ReceiveBuffer(_) | Self::TypeOfService(_) | Self::TimeToLive(_), Tcp | Udp)
            | (
                Self::KeepAlive(_)
                | Self::KeepCount(_)
                | Self::KeepInterval(_)
                | Self::Linger(_)
                | Self::MaxSegment(_)
                | Self::NoDelay(_)
                | Self::ReuseAddress(_)
                | Self::UserTimeout(_),
                Tcp,
            )
            | (Self::SendBuffer(_), _) => return Ok(()),
            (Self::ReuseAddress(_), Udp) => "another process could then take its datagrams",
            (Self::ReceiveBuffer(_), _) => "there only sndbuf has an effect, on the side that sends",
            (Self::Broadcast(_), _) => "it is for udp",
            (Self::TypeOfService(_) | Self::TimeToLive(_), _) => "it is for tcp and udp",
            _ => "it is for tcp",
        };
        Err(ApplyError::Unfit { option: *self, kind, reason })
    }

    /// Sets the option. Listeners over TCP hand their options on to the connections they accept.
    ///
    /// # Errors
    /// When the option does not fit this kind of socket, or the kernel does not do all that was asked.
    pub fn apply(&self, socket: impl AsFd, kind: SocketKind) -> Result<(), ApplyError> {
        self.applies_to(kind)?;
        let socket = socket.as_fd();
        self.set(&socket).map_err(|source| ApplyError::System { option: *self, kind, source })?;
        self.check_buffer(&socket).map_or(Ok(()), Err)
    }

    fn set(&self, socket: &impl AsFd) -> io::Result<()> {
        match *self {
            Self::Broadcast(on) => sockopt::set_socket_broadcast(socket, on)?,
            Self::KeepAlive(keep) => {
                sockopt::set_socket_keepalive(socket, keep != KeepAlive::Off)?;
                if let KeepAlive::After(silence) = keep {
                    sockopt::set_tcp_keepidle(socket, silence)?;
                }
            }
            Self::KeepCount(probes) => sockopt::set_tcp_keepcnt(socket, probes)?,
            Self::KeepInterval(time) => sockopt::set_tcp_keepintvl(socket, time)?,
            Self::Linger(time) => sockopt::set_socket_linger(socket, time)?,
            Self::MaxSegment(bytes) => socket2::SockRef::from(socket).set_tcp_mss(bytes)?,
            Self::NoDelay(on) => sockopt::set_tcp_nodelay(socket, on)?,
            // The forced kind needs CAP_NET_ADMIN and is not capped by the system's limit.
            Self::ReceiveBuffer(bytes) => sockopt::set_socket_recv_buffer_size_force(socket, bytes)
                .or_else(|_| sockopt::set_socket_recv_buffer_size(socket, bytes))?,
            Self::SendBuffer(bytes) => sockopt::set_socket_send_buffer_size_force(socket, bytes)
                .or_else(|_| sockopt::set_socket_send_buffer_size(socket, bytes))?,
            Self::ReuseAddress(on) => sockopt::set_socket_reuseaddr(socket, on)?,
            // An IPv6 socket that also serves IPv4 needs both.
            Self::TypeOfService(byte) => {
                sockopt::set_ip_tos(socket, byte)?;
                if sockopt::socket_domain(socket)? == AddressFamily::INET6 {
                    sockopt::set_ipv6_tclass(socket, byte.into())?;
                }
            }
            Self::TimeToLive(routers) => {
                sockopt::set_ip_ttl(socket, routers.into())?;
                if sockopt::socket_domain(socket)? == AddressFamily::INET6 {
                    sockopt::set_ipv6_unicast_hops(socket, Some(routers))?;
                }
            }
            Self::UserTimeout(time) => {
                let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
                sockopt::set_tcp_user_timeout(socket, milliseconds)?;
            }
        }
        Ok(())
    }

    /// The kernel cuts a buffer that is too large without a word, and reports twice what it grants (socket(7)).
    fn check_buffer(&self, socket: &impl AsFd) -> Option<ApplyError> {
        let (asked, reported, setting) = match *self {
            Self::ReceiveBuffer(asked) => {
                (asked, sockopt::socket_recv_buffer_size(socket).ok()?, "net.core.rmem_max")
            }
            Self::SendBuffer(asked) => {
                (asked, sockopt::socket_send_buffer_size(socket).ok()?, "net.core.wmem_max")
            }
            _ => return None,
        };
        let granted = reported / 2;
        (granted < asked).then_some(ApplyError::Capped { option: *self, asked, granted, setting })
    }
}

/// Gives a socket for datagrams its [`DATAGRAM_RECEIVE_BUFFER`], or as much of it as the system allows. It is a
/// precaution, so it never fails.
pub fn grow_receive_buffer(socket: impl AsFd) {
    let socket = socket.as_fd();
    let _ = sockopt::set_socket_recv_buffer_size_force(socket, DATAGRAM_RECEIVE_BUFFER)
        .or_else(|_| sockopt::set_socket_recv_buffer_size(socket, DATAGRAM_RECEIVE_BUFFER));
}

impl FromStr for SocketOption {
    type Err = SocketOptionError;

    fn from_str(text: &str) -> Result<Self, SocketOptionError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let Some(form) = FORMS.iter().find(|form| form.name == name) else {
            return Err(SocketOptionError::Unknown { name: name.to_owned() });
        };
        let Form { name, takes, read } = *form;
        let value = value.ok_or(SocketOptionError::NoValue { name, takes })?;
        read(value).ok_or_else(|| SocketOptionError::Value { name, value: value.to_owned(), takes })
    }
}

impl fmt::Display for SocketOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let switch = |on: bool| if on { "on" } else { "off" };
        match *self {
            Self::Broadcast(on) => write!(f, "broadcast={}", switch(on)),
            Self::KeepAlive(KeepAlive::Off) => f.write_str("keepalive=off"),
            Self::KeepAlive(KeepAlive::On) => f.write_str("keepalive=on"),
            Self::KeepAlive(KeepAlive::After(silence)) => write!(f, "keepalive={}", silence.as_secs()),
            Self::KeepCount(probes) => write!(f, "keepcnt={probes}"),
            Self::KeepInterval(time) => write!(f, "keepintvl={}", time.as_secs()),
            Self::Linger(None) => f.write_str("linger=off"),
            Self::Linger(Some(time)) => write!(f, "linger={}", time.as_secs()),
            Self::MaxSegment(bytes) => write!(f, "mss={bytes}"),
            Self::NoDelay(on) => write!(f, "nodelay={}", switch(on)),
            Self::ReceiveBuffer(bytes) => write!(f, "rcvbuf={bytes}"),
            Self::ReuseAddress(on) => write!(f, "reuseaddr={}", switch(on)),
            Self::SendBuffer(bytes) => write!(f, "sndbuf={bytes}"),
            Self::TypeOfService(byte) => write!(f, "tos={byte}"),
            Self::TimeToLive(routers) => write!(f, "ttl={routers}"),
            Self::UserTimeout(time) => write!(f, "usertimeout={}", time.as_secs()),
        }
    }
}

impl From<&Address> for SocketKind {
    fn from(address: &Address) -> Self {
        match address {
            Address::Tcp(_) => Self::Tcp,
            Address::Udp(_) => Self::Udp,
            Address::Unix(_) => Self::Unix,
            Address::UnixDatagram(_) => Self::UnixDatagram,
        }
    }
}

impl fmt::Display for SocketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Unix => "unix",
            Self::UnixDatagram => "unix-dgram",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixDatagram;

    fn option(text: &str) -> SocketOption {
        text.parse().expect(text)
    }

    fn refusal(text: &str) -> String {
        text.parse::<SocketOption>().expect_err(text).to_string()
    }

    #[test]
    fn every_option_parses_and_prints_as_it_is_written() {
        let written = [
            "broadcast=on",
            "keepalive=on",
            "keepalive=off",
            "keepalive=60",
            "keepcnt=5",
            "keepintvl=10",
            "linger=off",
            "linger=0",
            "mss=1400",
            "nodelay=off",
            "rcvbuf=4096",
            "reuseaddr=off",
            "sndbuf=65536",
            "tos=16",
            "ttl=64",
            "usertimeout=30",
        ];
        for text in written {
            assert_eq!(option(text).to_string(), text);
        }
        for form in FORMS {
            assert!(written.iter().any(|text| text.starts_with(form.name)), "{} is not tried", form.name);
        }
    }

    #[test]
    fn sizes_take_suffixes_and_classes_of_service_take_hexadecimal() {
        assert_eq!(option("rcvbuf=4M"), SocketOption::ReceiveBuffer(4 << 20));
        assert_eq!(option("sndbuf=64k"), SocketOption::SendBuffer(64 << 10));
        assert_eq!(option("tos=0x10"), SocketOption::TypeOfService(16));
    }

    #[test]
    fn a_value_out_of_bounds_is_refused_with_the_bounds() {
        assert_eq!(refusal("ttl=0"), r#"ttl cannot be "0": write ttl=1 to 255"#);
        assert_eq!(refusal("nodelay=1"), r#"nodelay cannot be "1": write nodelay=on|off"#);
        assert_eq!(refusal("nodelay"), "nodelay needs a value: nodelay=on|off");
        for text in [
            "mss=87",
            "mss=+100",
            "tos=256",
            "tos=0x100",
            "tos=0x",
            "tos=0x+1",
            "keepcnt=128",
            "rcvbuf=1G",
            "rcvbuf=9999999G",
            "rcvbuf=K",
            "rcvbuf=",
            "keepalive=0",
            "linger=-1",
            "rcvbuf=é",
        ] {
            assert!(refusal(text).contains("cannot be"), "{text}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_and_the_list() {
        assert!(
            refusal("nodely=on")
                .starts_with("nodely is not a socket option, did you mean nodelay?; there are broadcast=")
        );
        assert!(refusal("TCP_NODELAY=on").contains("did you mean nodelay?"));
        assert!(refusal("tcp_maxseg=9").contains("did you mean mss?"));
        let stranger = refusal("colour=red");
        assert!(!stranger.contains("did you mean") && stranger.contains("usertimeout=SECONDS"));
    }

    #[test]
    fn what_does_not_fit_the_kind_of_socket_is_refused_with_the_reason() {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let refusal = |text: &str, kind| option(text).apply(&udp, kind).unwrap_err().to_string();
        assert_eq!(
            refusal("nodelay=on", SocketKind::Udp),
            "nodelay=on does not fit a udp socket: it is for tcp"
        );
        assert!(refusal("reuseaddr=on", SocketKind::Udp).contains("take its datagrams"));
        assert!(refusal("broadcast=on", SocketKind::Tcp).contains("it is for udp"));
        assert!(refusal("ttl=3", SocketKind::Unix).contains("tcp and udp"));
        assert!(refusal("rcvbuf=1K", SocketKind::UnixDatagram).contains("sndbuf"));
    }

    #[test]
    fn a_tcp_socket_gets_what_was_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        for text in [
            "keepalive=60",
            "keepcnt=5",
            "keepintvl=10",
            "linger=0",
            "nodelay=on",
            "reuseaddr=on",
            "tos=0x10",
            "ttl=9",
            "usertimeout=30",
            "rcvbuf=64K",
            "sndbuf=64K",
        ] {
            option(text).apply(&socket, SocketKind::Tcp).unwrap();
        }
        assert!(sockopt::socket_keepalive(&socket).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&socket).unwrap(), Duration::from_secs(60));
        assert_eq!(sockopt::tcp_keepcnt(&socket).unwrap(), 5);
        assert_eq!(sockopt::tcp_keepintvl(&socket).unwrap(), Duration::from_secs(10));
        assert_eq!(sockopt::socket_linger(&socket).unwrap(), Some(Duration::ZERO));
        assert!(sockopt::tcp_nodelay(&socket).unwrap());
        assert!(sockopt::socket_reuseaddr(&socket).unwrap());
        assert_eq!(sockopt::ip_tos(&socket).unwrap(), 16);
        assert_eq!(sockopt::ip_ttl(&socket).unwrap(), 9);
        assert_eq!(sockopt::tcp_user_timeout(&socket).unwrap(), 30_000);
        assert_eq!(sockopt::socket_recv_buffer_size(&socket).unwrap(), 2 * 64 * 1024);
        option("keepalive=off").apply(&socket, SocketKind::Tcp).unwrap();
        assert!(!sockopt::socket_keepalive(&socket).unwrap());
    }

    #[test]
    fn the_largest_segment_is_set_before_the_connection_is_made() {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        option("mss=600").apply(&listener, SocketKind::Tcp).unwrap();
        listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(1).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap().as_socket().unwrap()).unwrap();
        assert!(socket2::SockRef::from(&client).tcp_mss().unwrap() <= 600);
    }

    #[test]
    fn a_dual_stack_socket_gets_time_to_live_and_class_of_service_for_both_families() {
        let Ok(socket) = UdpSocket::bind("[::]:0") else { return };
        option("ttl=7").apply(&socket, SocketKind::Udp).unwrap();
        option("tos=8").apply(&socket, SocketKind::Udp).unwrap();
        option("broadcast=on").apply(&socket, SocketKind::Udp).unwrap();
        assert_eq!(sockopt::ip_ttl(&socket).unwrap(), 7);
        assert_eq!(sockopt::ipv6_unicast_hops(&socket).unwrap(), 7);
        assert_eq!(sockopt::ipv6_tclass(&socket).unwrap(), 8);
        assert!(sockopt::socket_broadcast(&socket).unwrap());
    }

    #[test]
    fn a_datagram_socket_gets_as_large_a_receive_buffer_as_the_system_allows() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        grow_receive_buffer(&socket);
        let cap: usize =
            std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap().trim().parse().unwrap();
        let granted = sockopt::socket_recv_buffer_size(&socket).unwrap() / 2;
        assert!(granted >= cap.min(DATAGRAM_RECEIVE_BUFFER), "{granted} of {cap}");
    }

    #[test]
    fn a_buffer_that_the_kernel_cuts_is_reported_with_the_setting_that_caps_it() {
        let socket = UnixDatagram::unbound().unwrap();
        option("sndbuf=64K").apply(&socket, SocketKind::UnixDatagram).unwrap();
        // As if the call before had asked for 128 KiB and the kernel had granted half of it.
        let error = option("sndbuf=128K").check_buffer(&socket).unwrap().to_string();
        assert_eq!(
            error,
            "sndbuf=131072 is more than this system allows (65536 bytes): allow it with sudo sysctl net.core.wmem_max=131072"
        );
    }
}
