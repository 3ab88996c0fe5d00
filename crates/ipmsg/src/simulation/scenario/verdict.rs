//! Whether a story has come right: what was accepted has arrived, and everybody knows who is there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::Story;
use crate::extension::NodeId;
use crate::node::{Person, Standing};
use crate::simulation::world::{Host, Other, Ours, address, host_at};

impl Story {
    /// Whether everybody has got everything, and knows who is there.
    pub(super) fn is_right(&self) -> Result<(), String> {
        for (host, from) in self.world.hosts.iter().enumerate() {
            let Host::Ours(ours) = from else { continue };
            if ours.is_up() {
                self.all_has_arrived(host, ours)?;
                self.knows_everybody(host, ours)?;
            }
            Self::shows_each_once(host, ours)?;
            self.shows_in_order(host, ours)?;
        }
        self.others_have_arrived()
    }

    /// What was accepted here is where it should be; what is for those who are not there waits.
    fn all_has_arrived(&self, host: usize, ours: &Ours) -> Result<(), String> {
        for (to, message) in &ours.disk.accepted {
            let by_address = message.to == Person::Address(address(*to));
            let is_there = match &self.world.hosts[*to] {
                Host::Ours(receiver) => {
                    let id = Some((ours.id, message.id));
                    let history = &receiver.disk.history;
                    let without_id =
                        history.iter().filter(|line| line.id.is_none() && line.from == address(host));
                    history.iter().any(|line| line.id == id && line.text == message.text)
                        // Somebody had forged that a program of others is there.
                        || by_address && make(without_id.map(|line| &*line.text), &message.text)
                }
                Host::Other(receiver) => make(shown_by(receiver, address(host)), &message.text),
            };
            let waits = ours.disk.outbox.contains_key(&message.id);
            let (text, id) = (&message.text[..message.text.floor_char_boundary(20)], message.id);
            if self.is_up(*to) && (!is_there || waits) {
                return Err(format!(
                    "host {host} has accepted {text:?} ({id}) for host {to}: arrived: {is_there}, waits: {waits}"
                ));
            }
            if !is_there && !waits {
                return Err(format!("host {host} has lost {text:?} ({id}) for host {to}"));
            }
        }
        Ok(())
    }

    /// Between ours everything is in the history once.
    fn shows_each_once(host: usize, ours: &Ours) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for line in ours.disk.history.iter().filter(|line| line.id.is_some()) {
            if !seen.insert(line.id) {
                return Err(format!("host {host} shows {:?} twice", line.id));
            }
        }
        Ok(())
    }

    /// What one of ours has written to another is in the history in the order of writing. Only what was written to an
    /// address, when nobody knew whose it is, has an order of its own.
    fn shows_in_order(&self, host: usize, ours: &Ours) -> Result<(), String> {
        let mut last: BTreeMap<(NodeId, bool), u32> = BTreeMap::new();
        for line in &ours.disk.history {
            let Some((node, id)) = line.id else { continue };
            let sender = host_at(line.from).and_then(|sender| self.world.ours(sender));
            let message =
                sender.and_then(|sender| sender.disk.accepted.iter().find(|(_, sent)| sent.id == id));
            let Some((_, message)) = message else { continue };
            let by_address = matches!(message.to, Person::Address(_));
            let before = last.insert((node, by_address), message.number);
            if before.is_some_and(|before| before > message.number) {
                return Err(format!("host {host} shows {:?} of {node} too late", message.number));
            }
        }
        Ok(())
    }

    /// What others were told has arrived, has.
    fn others_have_arrived(&self) -> Result<(), String> {
        for (host, from) in self.world.hosts.iter().enumerate() {
            let Host::Other(other) = from else { continue };
            for (to, text) in &other.delivered {
                let is_there = match host_at(*to).map(|to| &self.world.hosts[to]) {
                    Some(Host::Ours(ours)) => ours.disk.history.iter().any(|line| line.text == *text),
                    Some(Host::Other(receiver)) => {
                        shown_by(receiver, address(host)).any(|shown| shown == text)
                    }
                    None => false,
                };
                if !is_there {
                    return Err(format!(
                        "{to} has acknowledged {text:?} to host {host} and does not have it"
                    ));
                }
            }
        }
        Ok(())
    }

    fn knows_everybody(&self, host: usize, ours: &Ours) -> Result<(), String> {
        let Some(node) = &ours.node else { return Ok(()) };
        let mut expected: BTreeMap<SocketAddr, String> = BTreeMap::new();
        for (other, is) in self.world.hosts.iter().enumerate().filter(|(other, _)| *other != host) {
            match is {
                Host::Ours(ours) if ours.is_up() => {
                    expected.insert(address(other), ours.profile.nick.clone());
                }
                Host::Other(_) if self.is_up(other) => {
                    expected.insert(address(other), format!("other{other}"));
                }
                _ => {}
            }
        }
        for peer in node.peers().filter(|peer| peer.is_present()) {
            let at = peer.addresses.first().copied();
            let nick = at.and_then(|at| expected.remove(&at));
            // One of another program is missed only when it is asked, which takes its time.
            let is_expected = nick.as_deref() == Some(&*peer.nick) || nick.is_none() && peer.node.is_none();
            if !is_expected || peer.standing != Standing::Here && peer.node.is_none() {
                let (is, nick) = (peer.standing, &peer.nick);
                return Err(format!("host {host} knows {nick} at {at:?} ({is:?}), which is not so"));
            }
        }
        match expected.first_key_value() {
            Some((at, nick)) => Err(format!("host {host} does not know {nick} at {at}")),
            None => Ok(()),
        }
    }
}

/// What a program of others has shown of this sender.
fn shown_by(other: &Other, sender: SocketAddr) -> impl Iterator<Item = &str> {
    other.shown.iter().filter(move |(from, _)| *from == sender).map(|(_, text)| text.as_str())
}

/// Whether these make a text, in their order and perhaps with others between them: a long one is several messages to
/// those who are not ours.
fn make<'t>(shown: impl Iterator<Item = &'t str>, text: &str) -> bool {
    let mut reached = BTreeSet::from([0]);
    for part in shown.filter(|part| !part.is_empty()) {
        let next: Vec<usize> = reached
            .iter()
            .filter(|start| text[**start..].starts_with(part))
            .map(|start| start + part.len())
            .collect();
        reached.extend(next);
    }
    reached.contains(&text.len())
}
