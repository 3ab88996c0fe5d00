//! Who is there: the table of peers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use crate::charset::PeerCharset;
use crate::command::{EntryOptions, Options};
use crate::extension::NodeId;
use crate::node::rate::Bucket;

/// Peers in the table at one time: far beyond any office. It bounds what somebody can fill who forges presence; when it
/// is full, those who have left make room, and then nobody new is taken.
pub const MAX_PEERS: usize = 16_384;

/// Peers at one IP address: several nodes on one host, each at its port. It keeps one host that does not forge its
/// address from filling the table.
pub const MAX_PEERS_AT_ONE_IP: usize = 64;

/// Addresses of one peer: a desk has a cable, a radio, perhaps a tunnel.
pub const MAX_ADDRESSES: usize = 4;

/// A peer, for as long as the node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// Whom somebody means, over restarts. All of it is a claim of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    /// A node of ours, wherever it is.
    Node(NodeId),
    /// One of another program. Its names alone say little (every machine of a lab that was cloned has the same), so
    /// the address where it was last belongs to it.
    Name {
        /// The login name.
        user: String,
        /// The host name.
        host: String,
        /// Where it was last.
        address: SocketAddr,
    },
    /// Whoever is at this address.
    Address(SocketAddr),
}

/// What is known of a peer.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its number in this table.
    pub id: PeerId,
    /// Who it is, if it is one of ours.
    pub node: Option<NodeId>,
    /// Where it was heard; it is written to at the first.
    pub addresses: Vec<SocketAddr>,
    /// Its login name; empty if only its address is known.
    pub user: Box<str>,
    /// Its host name.
    pub host: Box<str>,
    /// The name that people see.
    pub nick: Box<str>,
    /// The group that people see.
    pub group: Box<str>,
    /// What it can do, and whether it is away.
    pub options: Options<EntryOptions>,
    /// What its packets begin with, as `1_iptux 0.8.3`: the program.
    pub version: Box<str>,
    /// How it writes text.
    pub charset: PeerCharset,
    /// How it is known.
    pub standing: Standing,
    /// When it was last heard, or was first heard of.
    pub heard: Duration,
    /// Whether it has said in this run who it is. No message is sent before: nobody knows who is there, and how he reads.
    pub(super) is_met: bool,
    /// Entries sent to find out whether it is still there, while that is in doubt.
    pub(super) doubt: Option<u8>,
    /// When that was asked last.
    pub(super) asked: Duration,
    /// When another of ours last said that it hears it.
    pub(super) mentioned: Duration,
    pub(super) presence: Bucket,
    pub(super) repeats: Bucket,
    pub(super) inquiries: Bucket,
}

/// How a peer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Another of ours says that it is there; it was not heard yet.
    Told,
    /// It was heard, and is there.
    Here,
    /// It is not there (any more): it has left, or is silent, or only a message waits for it.
    Gone,
}

/// What a packet says of its sender.
#[derive(Clone, Debug)]
pub(super) struct Claim<'a> {
    pub(super) node: Option<NodeId>,
    pub(super) user: &'a str,
    pub(super) host: &'a str,
    pub(super) nick: &'a str,
    pub(super) group: &'a str,
    pub(super) options: Options<EntryOptions>,
    pub(super) version: &'a str,
    pub(super) charset: PeerCharset,
    /// Whether it was said as presence, and not only stands at the head of a message.
    pub(super) is_presence: bool,
}

/// The table. An address belongs to one peer at most, and so does a node's id.
#[derive(Debug, Default)]
pub(super) struct Peers {
    by_id: BTreeMap<PeerId, Peer>,
    by_address: BTreeMap<SocketAddr, PeerId>,
    by_node: BTreeMap<NodeId, PeerId>,
    by_name: BTreeSet<(Box<str>, PeerId)>,
    last: u32,
    /// Of those who are not gone, all.
    present: u32,
    /// Of those, ours.
    ours: u32,
    /// Of those, who were only told of.
    told: u32,
}

impl Peer {
    /// Whom this peer is, for after a restart.
    #[must_use]
    pub fn person(&self) -> Option<Person> {
        if let Some(node) = self.node {
            return Some(Person::Node(node));
        }
        let address = *self.addresses.first()?;
        if self.is_placeholder() {
            return Some(Person::Address(address));
        }
        Some(Person::Name { user: self.user.to_string(), host: self.host.to_string(), address })
    }

    /// Whether it is not gone.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.standing != Standing::Gone
    }

    /// Whether its person is away. iptux has no such state, and sets the option on every entry and answer (257 and 259).
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.options.has(Options::<EntryOptions>::ABSENCE) && !self.version.contains("iptux")
    }

    /// Whether nothing is known of it but an address.
    pub(super) fn is_placeholder(&self) -> bool {
        self.node.is_none() && self.user.is_empty() && self.host.is_empty()
    }

    /// Whether a packet from its address that claims this is its own.
    pub(super) fn is(&self, claim: &Claim<'_>) -> bool {
        match (self.node, claim.node) {
            (Some(is), Some(claimed)) => is == claimed,
            (None, None) => self.is_named(claim.user, claim.host),
            _ => false,
        }
    }

    fn is_named(&self, user: &str, host: &str) -> bool {
        *self.user == *user && *self.host == *host
    }

    /// What is known of it, as if it said so.
    pub(super) fn claim(&self) -> Claim<'_> {
        Claim {
            node: self.node,
            user: &self.user,
            host: &self.host,
            nick: &self.nick,
            group: &self.group,
            options: self.options,
            version: &self.version,
            charset: self.charset,
            is_presence: self.is_met,
        }
    }

    /// Takes over what a packet says; true if something is new.
    pub(super) fn update(&mut self, claim: &Claim<'_>) -> bool {
        self.is_met |= claim.is_presence;
        self.charset = claim.charset;
        let mut new = self.options != claim.options;
        self.options = claim.options;
        for (field, claimed) in [
            (&mut self.nick, claim.nick),
            (&mut self.group, claim.group),
            (&mut self.user, claim.user),
            (&mut self.host, claim.host),
            (&mut self.version, claim.version),
        ] {
            if **field != *claimed {
                *field = claimed.into();
                new = true;
            }
        }
        new
    }
}

impl Person {
    /// Whether this peer is meant.
    #[must_use]
    pub fn is(&self, peer: &Peer) -> bool {
        match self {
            Self::Node(node) => peer.node == Some(*node),
            Self::Name { user, host, address } => {
                peer.node.is_none() && peer.is_named(user, host) && peer.addresses.contains(address)
            }
            Self::Address(address) => peer.addresses.contains(address),
        }
    }
}

impl Peers {
    pub(super) fn get(&self, id: PeerId) -> Option<&Peer> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn at(&self, address: SocketAddr) -> Option<PeerId> {
        self.by_address.get(&address).copied()
    }

    pub(super) fn node(&self, node: NodeId) -> Option<PeerId> {
        self.by_node.get(&node).copied()
    }

    /// Those of other programs with these names.
    pub(super) fn named<'s>(&'s self, user: &str, host: &str) -> impl Iterator<Item = &'s Peer> + use<'s> {
        let name = name_of(user, host);
        self.by_name
            .range((name.clone(), PeerId(0))..)
            .take_while(move |(other, _)| *other == name)
            .filter_map(|(_, id)| self.get(*id))
    }

    /// All of them, in the order in which they were met.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.by_id.values()
    }

    /// Those of ours with at least this id, in the order of their ids.
    pub(super) fn nodes_from(&self, from: NodeId) -> impl Iterator<Item = &Peer> {
        self.by_node.range(from..).filter_map(|(_, id)| self.get(*id))
    }

    /// How many are present.
    pub(super) fn present(&self) -> u32 {
        self.present
    }

    /// How many of ours are present.
    pub(super) fn ours(&self) -> u32 {
        self.ours
    }

    /// How many were only told of.
    pub(super) fn told(&self) -> u32 {
        self.told
    }

    /// How many are gone, or were never heard.
    pub(super) fn gone(&self) -> u32 {
        u32::try_from(self.by_id.len()).unwrap_or(u32::MAX) - self.present
    }

    /// Whether one more may come in from this address.
    pub(super) fn has_room_for(&self, address: SocketAddr) -> bool {
        let all = SocketAddr::new(address.ip(), 0)..=SocketAddr::new(address.ip(), u16::MAX);
        self.by_id.len() < MAX_PEERS && self.by_address.range(all).count() < MAX_PEERS_AT_ONE_IP
    }

    /// Whether there is no room in the table, wherever somebody comes from.
    pub(super) fn is_full(&self) -> bool {
        self.by_id.len() >= MAX_PEERS
    }

    /// A new peer, gone and nowhere.
    pub(super) fn insert(&mut self, claim: &Claim<'_>) -> PeerId {
        self.last += 1;
        let id = PeerId(self.last);
        let peer = Peer {
            id,
            node: claim.node,
            addresses: Vec::new(),
            user: claim.user.into(),
            host: claim.host.into(),
            nick: claim.nick.into(),
            group: claim.group.into(),
            options: claim.options,
            version: claim.version.into(),
            charset: claim.charset,
            standing: Standing::Gone,
            heard: Duration::ZERO,
            is_met: claim.is_presence,
            doubt: None,
            asked: Duration::ZERO,
            mentioned: Duration::ZERO,
            presence: Bucket::default(),
            repeats: Bucket::default(),
            inquiries: Bucket::default(),
        };
        match peer.node {
            Some(node) => drop(self.by_node.insert(node, id)),
            None => drop(self.by_name.insert((name_of(&peer.user, &peer.host), id))),
        }
        self.by_id.insert(id, peer);
        id
    }

    /// Takes a peer out.
    pub(super) fn remove(&mut self, id: PeerId) {
        self.set_standing(id, Standing::Gone);
        let Some(peer) = self.by_id.remove(&id) else { return };
        for address in &peer.addresses {
            self.by_address.remove(address);
        }
        match peer.node {
            Some(node) => drop(self.by_node.remove(&node)),
            None => drop(self.by_name.remove(&(name_of(&peer.user, &peer.host), id))),
        }
    }

    pub(super) fn set_standing(&mut self, id: PeerId, standing: Standing) {
        let Some(peer) = self.by_id.get_mut(&id) else { return };
        let is_ours = peer.node.is_some();
        let was = std::mem::replace(&mut peer.standing, standing);
        let count = |counter: &mut u32, counts: &dyn Fn(Standing) -> bool| {
            *counter = *counter + u32::from(counts(standing)) - u32::from(counts(was));
        };
        count(&mut self.present, &|standing| standing != Standing::Gone);
        count(&mut self.ours, &|standing| is_ours && standing != Standing::Gone);
        count(&mut self.told, &|standing| standing == Standing::Told);
    }

    /// Gives a peer an address that is nobody's: as the first one, or behind those it has.
    pub(super) fn attach(&mut self, id: PeerId, address: SocketAddr, first: bool) {
        let Some(peer) = self.by_id.get_mut(&id) else { return };
        let place = if first { 0 } else { peer.addresses.len().min(MAX_ADDRESSES - 1) };
        peer.addresses.insert(place, address);
        self.by_address.insert(address, id);
        if peer.addresses.len() > MAX_ADDRESSES
            && let Some(oldest) = peer.addresses.pop()
        {
            self.by_address.remove(&oldest);
        }
    }

    /// Takes an address away from the peer that has it.
    pub(super) fn detach(&mut self, address: SocketAddr) {
        let Some(id) = self.by_address.remove(&address) else { return };
        if let Some(peer) = self.by_id.get_mut(&id) {
            peer.addresses.retain(|other| *other != address);
        }
    }

    /// The peer that a person is, if it is in the table. One of another program that is not where it was is
    /// recognised by its names, if nobody else has them.
    pub(super) fn find(&self, person: &Person) -> Option<PeerId> {
        match person {
            Person::Node(node) => self.node(*node),
            Person::Address(address) => self.at(*address),
            Person::Name { user, host, address } => {
                let mut named = self.named(user, host);
                let there = self.at(*address).and_then(|id| self.get(id)).filter(|peer| person.is(peer));
                match (there, named.next(), named.next()) {
                    (Some(there), ..) => Some(there.id),
                    (None, Some(only), None) => Some(only.id),
                    _ => None,
                }
            }
        }
    }
}

/// Names as one key: neither has a colon, or the packet would have ended there.
fn name_of(user: &str, host: &str) -> Box<str> {
    format!("{user}:{host}").into()
}
