//! Addresses as people write them: `tcp://HOST:PORT`, `udp://HOST:PORT`, `unix:/path`, `unix-dgram:/path`,
//! `HOST:PORT` and `:PORT`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// Where a socket listens, or what it connects to. Names are not looked up yet: see [`mod@crate::resolve`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A stream over TCP.
    Tcp(HostPort),
    /// Datagrams over UDP.
    Udp(HostPort),
    /// A stream over a socket file.
    Unix(PathBuf),
    /// Datagrams over a socket file.
    UnixDatagram(PathBuf),
}

/// A host and a port. Without a host it means every address when listening, this machine when connecting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name, an IPv4 address, or an IPv6 address without its brackets, with its `%zone` where it has one.
    pub host: Option<String>,
    /// 0 means "pick a free one" when listening.
    pub port: u16,
}

/// Why a text is not an address. The message says how to write it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// Nothing was given.
    #[error(
        "the address is empty: write tcp://HOST:PORT, udp://HOST:PORT, unix:/path, unix-dgram:/path or HOST:PORT"
    )]
    Empty,
    /// `http://...` and the like.
    #[error("{scheme}:// is not known here: write tcp://, udp://, unix: or unix-dgram:")]
    Scheme {
        /// What stood before `://`.
        scheme: String,
    },
    /// `tcp:host:80` and `tcp:/host:80`.
    #[error("after {scheme}: two slashes are missing: write {scheme}://HOST:PORT")]
    Slashes {
        /// `tcp` or `udp`.
        scheme: String,
    },
    /// `tcp://host` or a bare name.
    #[error("{text} has no port: write it as {text}:8080")]
    NoPort {
        /// The text without its scheme.
        text: String,
    },
    /// A port that is no number from 0 to 65535.
    #[error("{port} is not a port: a port is a number from 0 to 65535")]
    Port {
        /// What stood after the last colon.
        port: String,
    },
    /// `::1:8080`, where the port cannot be told from the address.
    #[error("{text} is ambiguous: write an IPv6 address in brackets, as in [::1]:8080")]
    BareIpv6 {
        /// The text without its scheme.
        text: String,
    },
    /// A bracket that is not closed, or holds no IPv6 address.
    #[error("{text} is not an IPv6 address in brackets: write it as [::1]:8080 or [fe80::1%eth0]:8080")]
    Brackets {
        /// The text without its scheme.
        text: String,
    },
    /// A host with a space, a slash or a control character in it.
    #[error("{host} is not a host: a host is a name or an IP address, without port, spaces and slashes")]
    Host {
        /// What stood before the port.
        host: String,
    },
    /// `unix:` alone, or a path with a NUL in it.
    #[error("{scheme}: needs the path of a socket file, as in {scheme}:/run/app.sock")]
    NoPath {
        /// `unix` or `unix-dgram`.
        scheme: &'static str,
    },
    /// A path that does not fit into the kernel's `sockaddr_un` (unix(7)).
    #[error(
        "the path of a socket file has at most {UNIX_PATH_MAX} bytes, this one has {length}: choose a shorter one"
    )]
    PathTooLong {
        /// Bytes in the path.
        length: usize,
    },
}

/// The longest path of a socket file, in bytes: `sun_path` holds 108 with its closing NUL (unix(7)).
pub const UNIX_PATH_MAX: usize = 107;

impl Address {
    /// True for the kinds that keep message boundaries and know no connection.
    #[must_use]
    pub fn is_datagram(&self) -> bool {
        matches!(self, Self::Udp(_) | Self::UnixDatagram(_))
    }

    /// True for the kinds that are reached through a socket file.
    #[must_use]
    pub fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_) | Self::UnixDatagram(_))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if let Some(path) = text.strip_prefix("unix-dgram:") {
            return Ok(Self::UnixDatagram(socket_path(path, "unix-dgram")?));
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(socket_path(path, "unix")?));
        }
        if let Some(scheme @ ("tcp" | "udp")) = text.split_once(':').map(|(scheme, _)| scheme)
            && !text[scheme.len()..].starts_with("://")
            && text[scheme.len() + 1..].parse::<u16>().is_err()
        {
            return Err(AddressError::Slashes { scheme: scheme.to_owned() });
        }
        match text.split_once("://") {
            Some(("tcp", rest)) => Ok(Self::Tcp(rest.parse()?)),
            Some(("udp", rest)) => Ok(Self::Udp(rest.parse()?)),
            Some((scheme, _)) => Err(AddressError::Scheme { scheme: scheme.to_owned() }),
            None => Ok(Self::Tcp(text.parse()?)),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(at) => write!(f, "tcp://{at}"),
            Self::Udp(at) => write!(f, "udp://{at}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::UnixDatagram(path) => write!(f, "unix-dgram:{}", path.display()),
        }
    }
}

impl HostPort {
    /// From a host and a port given apart, as `nc` takes them.
    ///
    /// # Errors
    /// When either is not what its name says.
    pub fn from_parts(host: &str, port: &str) -> Result<Self, AddressError> {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if bare.contains(':') && !is_ipv6(bare) {
            return Err(AddressError::Host { host: host.to_owned() });
        }
        Ok(Self {
            host: if bare.is_empty() { None } else { Some(checked_host(bare)?) },
            port: parse_port(port)?,
        })
    }
}

impl FromStr for HostPort {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(rest) = text.strip_prefix('[') {
            let brackets = || AddressError::Brackets { text: text.to_owned() };
            let (host, after) = rest.split_once(']').ok_or_else(brackets)?;
            if !is_ipv6(host) {
                return Err(brackets());
            }
            return match after.strip_prefix(':') {
                Some(port) => Ok(Self { host: Some(checked_host(host)?), port: parse_port(port)? }),
                None if after.is_empty() => Err(AddressError::NoPort { text: text.to_owned() }),
                None => Err(brackets()),
            };
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            checked_host(text)?;
            return Err(AddressError::NoPort { text: text.to_owned() });
        };
        if host.contains(':') {
            return Err(AddressError::BareIpv6 { text: text.to_owned() });
        }
        Self::from_parts(host, port)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

/// With or without a `%zone`.
fn is_ipv6(host: &str) -> bool {
    let address = host.split_once('%').map_or(host, |(address, _)| address);
    address.parse::<std::net::Ipv6Addr>().is_ok() && !host.ends_with('%')
}

fn parse_port(port: &str) -> Result<u16, AddressError> {
    // `u16::from_str` takes a leading plus sign; an address does not.
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(AddressError::Port { port: port.to_owned() }),
    }
}

fn checked_host(host: &str) -> Result<String, AddressError> {
    if host.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '/' | '[' | ']' | '@')) {
        return Err(AddressError::Host { host: host.to_owned() });
    }
    Ok(host.to_owned())
}

fn socket_path(path: &str, scheme: &'static str) -> Result<PathBuf, AddressError> {
    if path.is_empty() || path.contains('\0') {
        return Err(AddressError::NoPath { scheme });
    }
    if path.len() > UNIX_PATH_MAX {
        return Err(AddressError::PathTooLong { length: path.len() });
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(HostPort { host: Some(host.to_owned()), port })
    }

    #[test]
    fn every_form_of_the_grammar_parses() {
        assert_eq!("tcp://localhost:80".parse(), Ok(tcp("localhost", 80)));
        assert_eq!("10.0.0.1:8080".parse(), Ok(tcp("10.0.0.1", 8080)));
        assert_eq!("[::1]:22".parse(), Ok(tcp("::1", 22)));
        assert_eq!("tcp://[fe80::1%eth0]:22".parse(), Ok(tcp("fe80::1%eth0", 22)));
        assert_eq!(":8080".parse(), Ok(Address::Tcp(HostPort { host: None, port: 8080 })));
        assert_eq!("udp://:0".parse(), Ok(Address::Udp(HostPort { host: None, port: 0 })));
        assert_eq!("unix:/run/a b.sock".parse(), Ok(Address::Unix("/run/a b.sock".into())));
        assert_eq!("unix-dgram:x".parse(), Ok(Address::UnixDatagram("x".into())));
        assert_eq!("打印机:9100".parse(), Ok(tcp("打印机", 9100)));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_way_to_write_it() {
        let error = |text: &str| text.parse::<Address>().expect_err(text).to_string();
        assert!(error("").contains("tcp://HOST:PORT"));
        assert!(error("http://x:1").contains("http:// is not known"));
        assert!(error("localhost").contains("localhost:8080"));
        assert!(error("tcp:/127.0.0.1:80").contains("write tcp://HOST:PORT"));
        assert!(error("udp:host:80").contains("write udp://HOST:PORT"));
        assert!(error(" ").contains("is not a host"));
        assert_eq!("tcp:80".parse(), Ok(tcp("tcp", 80)), "a host may have this name");
        assert!(error("host:70000").contains("0 to 65535"));
        assert!(error("host:+1").contains("+1 is not a port"));
        assert!(error("host:").contains("is not a port"));
        assert!(error("::1:80").contains("[::1]:8080"));
        assert!(error("[::1:80").contains("brackets"));
        assert!(error("[::1]").contains("no port"));
        assert!(error("[host]:1").contains("brackets"));
        assert!(error("[fe80::1%]:1").contains("brackets"));
        assert!(error("a b:1").contains("spaces and slashes"));
        assert!(error("tcp:///x:1").contains("slashes"));
        assert!(error("unix:").contains("unix:/run/app.sock"));
        assert!(error(&format!("unix:/{}", "x".repeat(107))).contains("108"));
    }

    #[test]
    fn host_and_port_may_come_apart_as_nc_takes_them() {
        assert_eq!(HostPort::from_parts("::1", "22").map(|at| at.to_string()), Ok("[::1]:22".to_owned()));
        assert_eq!(HostPort::from_parts("[::1]", "22").map(|at| at.to_string()), Ok("[::1]:22".to_owned()));
        assert!(HostPort::from_parts("host", "http").is_err());
        assert!(HostPort::from_parts("127.0.0.1:80", "81").is_err());
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in ".{0,40}") {
            let _ = text.parse::<Address>();
        }

        #[test]
        fn what_parses_prints_as_what_parses_to_the_same(text in "(tcp://|udp://|unix:|unix-dgram:|)(\\[[0-9a-f:]{2,9}(%[a-z]{1,3})?\\]|[a-z0-9.]{0,6}):[0-9]{1,5}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
