//! What a firewall is asked about, and how sure its answer is.

use std::net::{IpAddr, Ipv4Addr};

use net::{Access, Interface};
use node::book::CHAT_PORT;

/// The first packet of a conversation, on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// Where it comes in.
    pub(super) interface: &'a str,
    pub(super) protocol: Protocol,
    pub(super) source: Ipv4Addr,
    /// Presence goes to everybody at once, files come from one.
    pub(super) destination: Ipv4Addr,
    /// The port it is for.
    pub(super) port: u16,
    /// The port it comes from, where that is known.
    pub(super) source_port: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Udp,
    Tcp,
}

impl<'a> Packet<'a> {
    /// What comes to the chat line from the network of an interface; none where it has none over IPv4.
    pub(super) fn from_neighbour(interface: &'a Interface, protocol: Protocol) -> Option<Self> {
        let IpAddr::V4(own) = interface.address else { return None };
        let network = own.to_bits() & !u32::MAX.checked_shr(interface.prefix.into()).unwrap_or(0);
        let source =
            [1, 2].map(|host| Ipv4Addr::from_bits(network | host)).into_iter().find(|&one| one != own)?;
        let destination = match protocol {
            Protocol::Udp => interface.broadcast?,
            Protocol::Tcp => own,
        };
        // Datagrams of IP Messenger come from the port that they go to.
        let source_port = (protocol == Protocol::Udp).then_some(CHAT_PORT);
        Some(Self { interface: &interface.name, protocol, source, destination, port: CHAT_PORT, source_port })
    }

    /// Our own broadcast to a port, as it comes back.
    pub(super) fn own_broadcast(interface: &'a Interface, port: u16) -> Option<Self> {
        let IpAddr::V4(source) = interface.address else { return None };
        let (interface, destination) = (&interface.name, interface.broadcast?);
        Some(Self { interface, protocol: Protocol::Udp, source, destination, port, source_port: None })
    }

    pub(super) fn is_broadcast(&self) -> bool {
        self.protocol == Protocol::Udp
    }
}

impl Protocol {
    /// As nftables and iptables write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }

    /// Its number in the header of IP.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Udp => 17,
            Self::Tcp => 6,
        }
    }
}

/// Whether an address is in a network, such as `10.0.0.0/8`.
pub(super) fn is_in_network(address: Ipv4Addr, network: &str) -> Truth {
    let network = Access::parse(&[network], &[]);
    network.map_or(Truth::Maybe, |network| network.admits(address.into()).into())
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    /// It depends on what cannot be seen in the rules, such as how many packets came before, or is not understood.
    Maybe,
}

impl Truth {
    /// Whether both hold.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Maybe, _) | (_, Self::Maybe) => Self::Maybe,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Whether one of them holds.
    pub(super) fn any(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::No, |any, one| match (any, one) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Maybe, _) | (_, Self::Maybe) => Self::Maybe,
            (Self::No, Self::No) => Self::No,
        })
    }

    /// The opposite, if it is `negated`.
    pub(super) fn negated_if(self, negated: bool) -> Self {
        match self {
            Self::Yes if negated => Self::No,
            Self::No if negated => Self::Yes,
            _ => self,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}
