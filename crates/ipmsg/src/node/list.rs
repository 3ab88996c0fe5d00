//! One answer that speaks for many: the list of ours, for those of ours who have just come.
//!
//! All who hear a newcomer wait for a random time; those who know more wait less. Whoever is first sends everybody the
//! list of those it has heard itself, page by page, and all others keep silent. Within a few seconds there is one such list at
//! most, for however many have come.
//!
//! A list is hearsay. It only adds: whoever is on it and not known yet is [`Standing::Told`] until it is heard, nobody
//! is changed by it, and who is gone is asked before it is believed. A message for one who was only told of waits until
//! that one has answered an entry. Only addresses of the subnet are taken. Nobody tells
//! what he was only told, so that those who are gone are forgotten. Whoever is missing on a page that should have him,
//! or is on it wrongly, announces himself; so a forged list cannot make anybody vanish.
//!
//! Those of other programs are heard by whoever their packets reach, and say nothing by themselves for hours. So each note names
//! some of their addresses, and where a node knows nobody, it asks.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fastrand::Rng;

use super::config::Interface;
use super::peers::{Claim, Peer, PeerId, Person, Standing};
use super::presence::is_answerable;
use super::{Event, Node, Task};
use crate::charset::{Dialect, PeerCharset};
use crate::extension::{NodeId, Wants};
use crate::limits::MAX_SENT;
use crate::page::{Listed, Page};
use crate::presence::PresenceKind;

/// An interface, and what is going on there.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) interface: Interface,
    /// When somebody last gave the list, we or another.
    listed: Option<Duration>,
    /// While we give it, the first id of the next page.
    giving: Option<NodeId>,
    /// The first id of the page that goes with our next note.
    next: NodeId,
}

/// Peers that were only told of, at most, and as many that are gone or not there: forged lists fill no more of the table.
pub const MAX_TOLD: u32 = 4096;

/// Addresses of other programs that go with a note: some two hundred bytes of it.
const OTHERS_EACH: usize = 8;

/// Pages are so far apart that a list of thousands does not overrun a socket's buffer.
const PAGE_PACE: Duration = Duration::from_millis(5);

impl Line {
    /// The pages of its notes begin anywhere: nodes that power up together shall not all send the same page.
    pub(super) fn new(interface: Interface, chance: &mut Rng) -> Self {
        Self { interface, listed: None, giving: None, next: NodeId(chance.u128(..)) }
    }
}

impl Node {
    /// Somebody of ours has come to this interface and wants the list.
    pub(super) fn want_list(&mut self, interface: IpAddr) {
        if self.schedule.at(Task::List(interface)).is_some() {
            return;
        }
        let most = self.spread_most();
        let Some(line) = self.sight.lines.get(&interface) else { return };
        let earliest = line.listed.map_or(Duration::ZERO, |listed| listed + most);
        let wait = (self.jitter(most) + most.mul_f64(self.ignorance())) / 2;
        self.schedule.set(Task::List(interface), self.elapsed().max(earliest) + wait);
    }

    /// Which part of ours in sight was only told of.
    fn ignorance(&self) -> f64 {
        f64::from(self.peers.told()) / f64::from(self.peers.ours().max(1))
    }

    pub(super) fn begin_list(&mut self, interface: IpAddr) {
        if let Some(line) = self.sight.lines.get_mut(&interface) {
            line.giving = Some(NodeId(0));
            self.send_page(interface);
        }
    }

    /// Sends the next page of the list.
    pub(super) fn send_page(&mut self, interface: IpAddr) {
        let now = self.elapsed();
        let Some(line) = self.sight.lines.get_mut(&interface) else { return };
        let Some(from) = line.giving else { return };
        line.listed = Some(now);
        let everybody = line.interface.everybody;
        let (note, next) = self.note(interface, PresenceKind::Note, true, from);
        self.transmit(everybody, note);
        if let Some(line) = self.sight.lines.get_mut(&interface) {
            line.giving = next;
        }
        if next.is_some() {
            self.schedule.set(Task::Page(interface), now + PAGE_PACE);
        }
    }

    /// Our own news, with the page of the list whose turn it is.
    pub(super) fn send_note(&mut self, interface: IpAddr, kind: PresenceKind) {
        let Some(line) = self.sight.lines.get(&interface) else { return };
        let (from, everybody) = (line.next, line.interface.everybody);
        let (note, next) = self.note(interface, kind, false, from);
        self.transmit(everybody, note);
        if let Some(line) = self.sight.lines.get_mut(&interface) {
            line.next = next.unwrap_or(NodeId(0));
        }
    }

    /// A presence with a page that begins at this id, and where the next page begins.
    fn note(
        &mut self,
        interface: IpAddr,
        kind: PresenceKind,
        answer: bool,
        from: NodeId,
    ) -> (Vec<u8>, Option<NodeId>) {
        // Newcomers are answered by those of other programs themselves.
        let others = if answer { Vec::new() } else { self.some_others(interface) };
        let mut page = Page { answer, from, to: NodeId(u128::MAX), nodes: Vec::new(), others };
        let bare = self.presence(kind, Wants::Nothing, Dialect::UTF_8, Some(page.section()));
        let most = MAX_SENT.saturating_sub(bare.len());
        let (mut size, mut next) = (0, None);
        if let Some(line) = self.sight.lines.get(&interface) {
            let nodes = self.peers.nodes_from(from).filter(|peer| self.is_fresh(peer));
            let nodes = nodes.filter_map(|peer| listed(peer, &line.interface));
            // Names of ours are short enough; others' are left out, so that every page has a place for the next node.
            for (listed, length) in nodes.filter(|(_, length)| *length <= most) {
                if size + length > most {
                    next = Some(listed.node);
                    page.to = NodeId(listed.node.0.saturating_sub(1));
                    break;
                }
                size += length;
                page.nodes.push(listed);
            }
        }
        let section = page.section();
        (self.presence(kind, Wants::Nothing, Dialect::UTF_8, Some(section)), next)
    }

    /// Where programs of others are heard, on this interface.
    fn some_others(&mut self, interface: IpAddr) -> Vec<SocketAddr> {
        let is_heard = |peer: &&Peer| {
            peer.node.is_none() && peer.is_met && peer.standing == Standing::Here && self.is_fresh(peer)
        };
        let addresses = self.peers.iter().filter(is_heard).filter_map(|peer| peer.addresses.first().copied());
        let here: Vec<SocketAddr> =
            addresses.filter(|address| self.sight.interface(address.ip()) == Some(interface)).collect();
        self.chance.choose_multiple(here, OTHERS_EACH)
    }

    /// Nobody is told of who has been silent for so long that others doubt him too: they would wait for each other.
    fn is_fresh(&self, peer: &Peer) -> bool {
        self.elapsed() < peer.heard + self.patience(peer.id)
    }

    /// Reads a page that one of ours has sent.
    pub(super) fn handle_page(&mut self, from: SocketAddr, sender: NodeId, page: &Page<'_>) {
        let Some(interface) = self.sight.interface(from.ip()) else { return };
        if page.answer {
            self.hear_list(interface, sender);
        }
        let own = self.config.node;
        if (page.from..=page.to).contains(&own) && !page.nodes.iter().any(|listed| self.is_own(listed)) {
            self.contradict();
        }
        for listed in &page.nodes {
            if listed.node != own {
                self.hear_of(interface, listed);
            }
        }
        for address in &page.others {
            self.hear_of_other(interface, *address);
        }
    }

    /// Somebody gives the list, so we need not. Of two who do so at once, one stops.
    fn hear_list(&mut self, interface: IpAddr, giver: NodeId) {
        let now = self.elapsed();
        let Some(line) = self.sight.lines.get_mut(&interface) else { return };
        line.listed = Some(now);
        if giver < self.config.node {
            line.giving = None;
        }
        self.sight.is_answered = true;
        self.schedule.clear(Task::List(interface));
    }

    /// Whether this is what we say of ourselves.
    fn is_own(&self, listed: &Listed<'_>) -> bool {
        let config = &self.config;
        listed.node == config.node
            && self.is_own_address(listed.address)
            && listed.options == self.options()
            && listed.user == config.user
            && listed.host == config.host
            && listed.nick == config.profile.nick
            && listed.group == config.profile.group
    }

    /// Somebody of ours is said to be there.
    fn hear_of(&mut self, interface: IpAddr, listed: &Listed<'_>) {
        if let Some(known) = self.peers.node(listed.node) {
            return self.hear_more_of(known);
        }
        let is_free = self.peers.at(listed.address).is_none();
        if !is_free || !self.may_be_at(interface, listed.address) || self.peers.told() >= MAX_TOLD {
            return;
        }
        let claim = Claim {
            node: Some(listed.node),
            user: &listed.user,
            host: &listed.host,
            nick: &listed.nick,
            group: &listed.group,
            options: listed.options,
            version: "",
            charset: PeerCharset::default(),
            is_presence: false,
        };
        if let Some(id) = self.welcome(listed.address, &claim) {
            self.peers.set_standing(id, Standing::Told);
            if let Some(peer) = self.peers.get_mut(id) {
                peer.heard = self.now.elapsed;
            }
            self.tell(Event::PeerCame(id));
            self.watch(id);
        }
    }

    /// Somebody who is not ours is said to be there.
    fn hear_of_other(&mut self, interface: IpAddr, address: SocketAddr) {
        let may_be_added = self.may_be_at(interface, address) && self.peers.gone() < MAX_TOLD;
        if (self.peers.at(address).is_some() || may_be_added)
            && let Ok(id) = self.receiver(&Person::Address(address))
        {
            self.hear_more_of(id);
        }
    }

    /// Whether one who was told of may be at this address, which is then asked.
    fn may_be_at(&self, interface: IpAddr, address: SocketAddr) -> bool {
        self.sight.interface(address.ip()) == Some(interface)
            && is_answerable(address)
            && !self.sight.is_everybody(address)
            && !self.is_own_address(address)
    }

    /// Another of ours hears one that is known: so it is not in doubt for a while, and asked if it was taken for gone.
    fn hear_more_of(&mut self, id: PeerId) {
        let (now, interval) = (self.elapsed(), self.refresh_interval());
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.mentioned = now;
        if !peer.is_present() && now >= peer.asked + interval {
            let pause = self.spread();
            self.doubt(id, pause);
        }
    }
}

/// A peer as it stands on a page, and the bytes it takes; none if it has no place there.
fn listed<'p>(peer: &'p Peer, interface: &Interface) -> Option<(Listed<'p>, usize)> {
    let address = *peer.addresses.first()?;
    if peer.standing != Standing::Here || !interface.contains(address.ip()) {
        return None;
    }
    let listed = Listed {
        node: peer.node?,
        address,
        options: peer.options,
        user: (&*peer.user).into(),
        host: (&*peer.host).into(),
        nick: (&*peer.nick).into(),
        group: (&*peer.group).into(),
    };
    let size = listed.size()?;
    Some((listed, size))
}
