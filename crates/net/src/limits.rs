//! What the front door lets in, and how much of it. Every number that bounds the network has its name here.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;
use thiserror::Error;

/// Connections at one time, unless told otherwise: enough for a busy server, and below the usual limit of
/// descriptors once the soft limit is raised to the hard one.
pub const MAX_CONNECTIONS: usize = 10_000;

/// Connections the kernel keeps waiting for `accept` (listen(2)); the kernel's own cap `somaxconn` may be lower.
pub const BACKLOG: u32 = 4096;

/// Bytes in one message of a framed stream, unless told otherwise.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// The limits of one listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at one time; a further one is closed at once.
    pub max_connections: usize,
    /// Connections at one time from one IP address; a further one is closed at once.
    pub per_ip: usize,
    /// A connection on which nothing moves for this long ends with [`crate::Ending::Timeout`].
    pub idle: Option<Duration>,
    /// Which addresses are let in.
    pub access: Access,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_connections: MAX_CONNECTIONS, per_ip: usize::MAX, idle: None, access: Access::default() }
    }
}

/// Allow and deny lists of networks. Deny wins; an empty allow list lets everybody in.
#[derive(Clone, Debug, Default)]
pub struct Access {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
}

/// Why a connection was not let in.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// `--allow` and `--deny` keep this address out.
    #[error("the address is not allowed in (--allow, --deny)")]
    Access,
    /// `--max-connections` are inside.
    #[error("{0} connections are open already (--max-connections)")]
    Full(usize),
    /// `--per-ip` are inside from this address.
    #[error("{0} connections from this address are open already (--per-ip)")]
    PerIp(usize),
}

/// A text that is neither an address nor a network.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{text} is not a network: write an IP address or a CIDR such as 192.168.1.0/24 or fd00::/8")]
pub struct NetworkError {
    text: String,
}

impl Access {
    /// Reads both lists; each entry is an address or a CIDR.
    ///
    /// # Errors
    /// The first entry that is neither.
    pub fn parse<S: AsRef<str>>(allow: &[S], deny: &[S]) -> Result<Self, NetworkError> {
        let networks = |texts: &[S]| {
            texts.iter().map(|text| parse_network(text.as_ref())).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self { allow: networks(allow)?, deny: networks(deny)? })
    }

    /// Whether this address may come in. An IPv4 address that arrives on an IPv6 socket (`::ffff:10.0.0.1`)
    /// counts as the IPv4 address it is.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let in_list = |list: &[IpNet]| list.iter().any(|network| network.contains(&address));
        !in_list(&self.deny) && (self.allow.is_empty() || in_list(&self.allow))
    }
}

/// Whom an address stands for, where strangers are counted: itself, or the first of its /64 with IPv6. Whoever has one address there
/// has all of them (RFC 4291 section 2.5.4), so that counting each would count nobody. Neighbours in one such network share
/// what it may.
#[must_use]
pub fn stranger(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

fn parse_network(text: &str) -> Result<IpNet, NetworkError> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| NetworkError { text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(allow: &[&str], deny: &[&str], address: &str) -> bool {
        Access::parse(allow, deny).unwrap().admits(address.parse().unwrap())
    }

    #[test]
    fn without_lists_everybody_comes_in() {
        assert!(admits(&[], &[], "203.0.113.9"));
    }

    #[test]
    fn an_allow_list_lets_only_its_networks_in() {
        assert!(admits(&["192.168.0.0/16"], &[], "192.168.7.7"));
        assert!(!admits(&["192.168.0.0/16"], &[], "10.0.0.1"));
        assert!(admits(&["::1"], &[], "::1"));
    }

    #[test]
    fn deny_wins_over_allow() {
        assert!(!admits(&["10.0.0.0/8"], &["10.0.0.66"], "10.0.0.66"));
    }

    #[test]
    fn an_ipv4_client_of_a_dual_stack_socket_is_judged_by_its_ipv4_address() {
        assert!(!admits(&[], &["127.0.0.0/8"], "::ffff:127.0.0.1"));
    }

    #[test]
    fn a_stranger_is_an_address_or_the_network_of_one_with_ipv6() {
        let is_same =
            |one: &str, other: &str| stranger(one.parse().unwrap()) == stranger(other.parse().unwrap());
        assert!(is_same("2001:db8:0:7::1", "2001:db8:0:7:ffff::9"));
        assert!(!is_same("2001:db8:0:7::1", "2001:db8:0:8::1"));
        assert!(is_same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!is_same("192.0.2.1", "192.0.2.2") && !is_same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }

    #[test]
    fn a_wrong_network_says_how_to_write_one() {
        let error = Access::parse(&["10.0.0.0/33"], &[]).unwrap_err().to_string();
        assert!(error.contains("10.0.0.0/33") && error.contains("192.168.1.0/24"));
    }
}
