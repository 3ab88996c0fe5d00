//! What a person has said of himself and of others, kept over restarts.

use std::net::SocketAddr;

use ipmsg::NodeId;
use ipmsg::node::{Person as Whom, Profile};
use serde::{Deserialize, Serialize};

use super::account::Account;
use crate::face::Me;

/// As it stands in the journal, in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    /// The name that others see; that of the account where none was chosen.
    pub(super) name: Option<String>,
    /// The group that others see.
    pub(super) group: Option<String>,
    /// The port of the chat line: a node that is there for a moment is found where the last one was.
    pub(super) port: Option<u16>,
    /// Why the person is away.
    pub(super) away: Option<String>,
    /// Whose messages are dropped, and what each is called.
    pub(super) blocked: Vec<(String, Blocked)>,
}

/// Somebody whose messages are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Blocked {
    /// A node of ours, by its number.
    Node(String),
    /// One of another program.
    Name { user: String, host: String, address: SocketAddr },
    /// Whoever is at an address.
    Address(SocketAddr),
}

impl Settings {
    /// What was remembered. What an older or newer program has written and this one cannot read is as if it had not
    /// been said.
    pub(super) fn read(json: Option<&str>) -> Self {
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Puts into words who this is.
    pub(super) fn describe(&self, me: &mut Me, account: &Account) {
        me.name = self.name.clone().unwrap_or_else(|| account.name.clone());
        me.group = self.group.clone().unwrap_or_default();
        me.away = self.away.clone();
    }

    pub(super) fn blocked(&self) -> Vec<Whom> {
        self.blocked.iter().filter_map(|(_, blocked)| blocked.whom()).collect()
    }
}

impl Blocked {
    fn whom(&self) -> Option<Whom> {
        Some(match self {
            Self::Node(node) => Whom::Node(NodeId(u128::from_str_radix(node, 16).ok()?)),
            Self::Name { user, host, address } => {
                Whom::Name { user: user.clone(), host: host.clone(), address: *address }
            }
            Self::Address(address) => Whom::Address(*address),
        })
    }
}

impl From<Whom> for Blocked {
    fn from(whom: Whom) -> Self {
        match whom {
            Whom::Node(node) => Self::Node(node.to_string()),
            Whom::Name { user, host, address } => Self::Name { user, host, address },
            Whom::Address(address) => Self::Address(address),
        }
    }
}

/// What others are told of this node's person.
pub(super) fn profile(me: &Me) -> Profile {
    Profile { nick: me.name.clone(), group: me.group.clone(), away: me.away.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_comes_back_and_what_cannot_be_read_was_never_said() {
        let settings = Settings {
            name: Some("王伟".to_owned()),
            blocked: vec![
                ("spam".to_owned(), Whom::Node(NodeId(0xab)).into()),
                ("10.0.0.9".to_owned(), Whom::Address(SocketAddr::from(([10, 0, 0, 9], 2425))).into()),
            ],
            ..Settings::default()
        };
        assert_eq!(Settings::read(Some(&settings.to_json())), settings);
        assert_eq!(settings.blocked()[0], Whom::Node(NodeId(0xab)));
        for nothing in [None, Some("{"), Some("[1]")] {
            assert_eq!(Settings::read(nothing), Settings::default());
        }
    }
}
