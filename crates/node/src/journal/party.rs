//! Who is at the other end, as it stands in the journal.

use std::net::{IpAddr, SocketAddr};

use ipmsg::NodeId;
use ipmsg::node::{Peer, Person};
use rusqlite::Row;

use super::value::{self, unreadable};

/// Whoever is at the other end: what it said of itself at that time. All of it is a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Which node it is, if it is one of ours.
    pub node: Option<NodeId>,
    /// Its login name; empty where it is not known, like all names here.
    pub user: String,
    /// Its host name.
    pub host: String,
    /// The name that people see.
    pub nick: String,
    /// The group that people see.
    pub group: String,
    /// Where it is.
    pub address: Option<SocketAddr>,
}

/// Whose messages are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A node's of ours, wherever it was.
    Node(NodeId),
    /// Those of the one with these names, whatever it called itself.
    Name {
        /// The login name.
        user: String,
        /// The host name.
        host: String,
    },
    /// Those of all who called themselves so.
    Nick(String),
    /// Those of all who were at this host, whatever the port.
    Host(IpAddr),
    /// Those of all who were exactly there.
    Address(SocketAddr),
}

impl Party {
    /// This party, with all that names the person: it can be taken for no other after a restart.
    pub(super) fn named_by(mut self, person: &Person) -> Self {
        match person {
            Person::Node(node) => self.node = Some(*node),
            Person::Name { user, host, address } => {
                self.user.clone_from(user);
                self.host.clone_from(host);
                self.address = Some(*address);
            }
            Person::Address(address) => self.address = Some(*address),
        }
        self
    }

    /// Whether this person was meant. One of another program may be at another address by now.
    pub(super) fn is(&self, person: &Person) -> bool {
        match person {
            Person::Node(node) => self.node == Some(*node),
            Person::Name { user, host, .. } => {
                self.node.is_none() && self.user == *user && self.host == *host
            }
            Person::Address(address) => self.address == Some(*address),
        }
    }

    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let address: Option<String> = row.get("address")?;
        Ok(Self {
            node: value::node(row, "node")?,
            user: row.get("user")?,
            host: row.get("host")?,
            nick: row.get("nick")?,
            group: row.get("group")?,
            address: address.map(|address| address.parse().map_err(unreadable)).transpose()?,
        })
    }
}

impl From<&Peer> for Party {
    fn from(peer: &Peer) -> Self {
        Self {
            node: peer.node,
            user: peer.user.to_string(),
            host: peer.host.to_string(),
            nick: peer.nick.to_string(),
            group: peer.group.to_string(),
            address: peer.addresses.first().copied(),
        }
    }
}

impl From<&Person> for Party {
    fn from(person: &Person) -> Self {
        Self::default().named_by(person)
    }
}
