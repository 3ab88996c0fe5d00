//! What a node is told from outside: the time, who it is, where it is.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::charset::Charset;
use crate::extension::NodeId;
use crate::node::outbox::Outgoing;
use crate::node::peers::Person;

/// What time it is. The driver reads both clocks for every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// On a clock that never goes back, from whatever start. All waiting is measured on it, and
    /// [`crate::node::Node::poll_timeout`] answers on it.
    pub elapsed: Duration,
    /// Seconds since 1970, on a clock that may be wrong: packet numbers are made from it.
    pub unix: u64,
}

/// What a node is and has when it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who it is to others of ours: chosen at random once, and kept.
    pub node: NodeId,
    /// The login name. Colons and control characters are left out, and what is longer than [`NAME_SENT`].
    pub user: String,
    /// The host name, likewise.
    pub host: String,
    /// What people see.
    pub profile: Profile,
    /// The port that its socket is bound to, [`PORT`] unless several nodes share a host.
    pub port: u16,
    /// Whether it takes and serves files: the driver does that, over TCP.
    pub files: bool,
    /// The program and its version, for those who ask; at most [`ANSWER_SENT`].
    pub program: String,
    /// How text is read and written that nothing else tells the charset of: [`Charset::GBK`] among FeiQ,
    /// [`Charset::SHIFT_JIS`] among old IP Messengers.
    pub fallback: Charset,
    /// The largest [`Outgoing::last_number`] that was ever stored; 0 at the first start.
    pub last_number: u32,
    /// The messages that were stored and are neither delivered nor cancelled.
    pub outbox: Vec<Outgoing>,
    /// Whose messages and questions are dropped without a word.
    pub blocked: Vec<Person>,
}

/// What a person says of himself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The name that others see. Control characters are left out, and what is longer than [`NAME_SENT`].
    pub nick: String,
    /// The group that others see, likewise; empty for none.
    pub group: String,
    /// Why he is away, if he is; at most [`ANSWER_SENT`].
    pub away: Option<String>,
}

/// One of the host's interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its address.
    pub address: IpAddr,
    /// How many bits of the address are the subnet's.
    pub prefix: u8,
    /// Where everybody of the subnet is reached: its directed broadcast address, or a multicast group; and the port.
    pub everybody: SocketAddr,
}

/// The port of the protocol, UDP and TCP.
pub const PORT: u16 = 2425;

/// Bytes of a name that is sent: what IP Messenger takes.
pub const NAME_SENT: usize = 79;

/// Bytes of what a program says of itself, or of its person's absence: so much fits into one datagram in every charset.
pub const ANSWER_SENT: usize = 512;

impl Interface {
    /// Whether this address is of the interface's subnet.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(here), IpAddr::V4(there)) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(self.prefix.into())).unwrap_or(0);
                here.to_bits() & mask == there.to_bits() & mask
            }
            (IpAddr::V6(here), IpAddr::V6(there)) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(self.prefix.into())).unwrap_or(0);
                here.to_bits() & mask == there.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl Config {
    /// A node at its first start: at [`PORT`], among FeiQ, without a name that people see, without files, with nothing to
    /// send and nobody blocked.
    #[must_use]
    pub fn new(node: NodeId, user: impl Into<String>, host: impl Into<String>) -> Self {
        Self {
            node,
            user: user.into(),
            host: host.into(),
            profile: Profile::default(),
            port: PORT,
            files: false,
            program: String::new(),
            fallback: Charset::GBK,
            last_number: 0,
            outbox: Vec::new(),
            blocked: Vec::new(),
        }
    }

    /// With names that can be sent.
    pub(super) fn cleaned(mut self) -> Self {
        for name in [&mut self.user, &mut self.host] {
            *name = cleaned(name, &[':']);
        }
        self.profile = self.profile.cleaned();
        self.program = cut(&self.program.replace('\0', ""), ANSWER_SENT);
        self
    }
}

impl Profile {
    pub(super) fn cleaned(self) -> Self {
        let away = self.away.map(|text| cut(&text.replace('\0', ""), ANSWER_SENT));
        Self { nick: cleaned(&self.nick, &[]), group: cleaned(&self.group, &[]), away }
    }
}

/// The name without what would be read as something else, as far as it fits.
fn cleaned(name: &str, without: &[char]) -> String {
    let kept = |character: &char| !character.is_control() && !without.contains(character);
    cut(&name.chars().filter(kept).collect::<String>(), NAME_SENT)
}

/// The text up to this many bytes, or less where a character would be cut.
fn cut(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(address: &str, prefix: u8) -> Interface {
        let everybody = SocketAddr::from(([255, 255, 255, 255], 2425));
        Interface { address: address.parse().unwrap(), prefix, everybody }
    }

    #[test]
    fn an_interface_knows_who_is_in_its_subnet() {
        for (address, prefix, inside, outside) in [
            ("10.77.0.3", 24, "10.77.0.255", "10.77.1.3"),
            ("10.77.0.3", 32, "10.77.0.3", "10.77.0.2"),
            ("fe80::1", 64, "fe80::ffff:1", "fe80:0:0:1::1"),
        ] {
            let interface = interface(address, prefix);
            assert!(interface.contains(inside.parse().unwrap()), "{inside}");
            assert!(!interface.contains(outside.parse().unwrap()), "{outside}");
            assert!(!interface.contains("::".parse().unwrap()));
        }
        assert!(interface("10.77.0.3", 0).contains("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn names_are_cut_and_cleaned_so_that_they_can_be_sent() {
        assert_eq!(cleaned("b:o\0b\n\u{1b}[1m 波", &[':']), "bob[1m 波");
        assert_eq!(cleaned(&"波".repeat(100), &[]), "波".repeat(26), "78 bytes, and no character cut");
    }
}
