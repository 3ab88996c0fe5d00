//! Who is who: what a packet claims, against what is known.
//!
//! Nothing in a packet is proved, not even its source. Three rules keep a claim from doing harm:
//!
//! 1. Whoever is at an address stays there until it is silent. A packet that contradicts what is known of its address
//!    is not taken; its address is asked, and who answers that is believed.
//! 2. A peer with a second address is written to at the first for as long as it answers there.
//! 3. Those of other programs are not joined by their names while both answer: a message to the wrong person is worse
//!    than a person who is listed twice. One of ours is its id, wherever it is.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::peers::{Claim, PeerId, Person, Standing};
use super::rate::{FORGETTING, FULL};
use super::{Event, Node, Peer, Task};

impl Node {
    /// Takes what a packet says of its sender; `is_answer` is whether we may have asked for it. None if it is not taken.
    pub(super) fn meet(&mut self, from: SocketAddr, claim: &Claim<'_>, is_answer: bool) -> Option<PeerId> {
        let holder = self.peers.at(from);
        if let Some(peer) = holder.and_then(|id| self.peers.get(id)) {
            let id = peer.id;
            if peer.is(claim) {
                self.take_news(id, claim);
                self.hear(id, from);
                return Some(id);
            }
            if peer.is_present() && !peer.is_placeholder() && !(is_answer && peer.doubt.is_some()) {
                self.doubt(id, Duration::ZERO);
                return None;
            }
            self.peers.detach(from);
        }
        let id = self.recognise(from, claim).or_else(|| self.welcome(from, claim));
        if let Some(holder) = holder {
            self.readdress(holder, from);
            self.leave_address(holder);
        }
        self.hear(id?, from);
        id
    }

    /// Notes that a peer was heard, from this address of it.
    pub(super) fn hear(&mut self, id: PeerId, from: SocketAddr) {
        let now = self.elapsed();
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.heard = now;
        let was = peer.standing;
        if was != Standing::Here || peer.addresses.first() == Some(&from) {
            peer.doubt = None;
        }
        if was != Standing::Here {
            self.peers.set_standing(id, Standing::Here);
            self.tell(if was == Standing::Gone { Event::PeerCame(id) } else { Event::PeerChanged(id) });
            self.watch(id);
        }
        self.wake(id);
    }

    /// A peer at an address where nobody was: with these names, heard or heard of. None if the table is full.
    pub(super) fn welcome(&mut self, address: SocketAddr, claim: &Claim<'_>) -> Option<PeerId> {
        if self.peers.is_full() {
            self.forget_one();
        }
        if !self.peers.has_room_for(address) {
            self.tell_full(address.ip());
            return None;
        }
        let id = self.peers.insert(claim);
        self.peers.attach(id, address, true);
        Some(id)
    }

    /// Somebody who was not heard yet, and for whom a message waits. None if the table is full.
    pub(super) fn add_absent(&mut self, claim: &Claim<'_>, address: Option<SocketAddr>) -> Option<PeerId> {
        if self.peers.is_full() {
            self.forget_one();
        }
        if self.peers.is_full() {
            return None;
        }
        let id = self.peers.insert(claim);
        // Where somebody else is now, he is not; he is recognised when he comes.
        if let Some(address) = address.filter(|address| self.peers.at(*address).is_none()) {
            self.peers.attach(id, address, true);
        }
        Some(id)
    }

    /// A peer that is known, at another address.
    fn recognise(&mut self, from: SocketAddr, claim: &Claim<'_>) -> Option<PeerId> {
        let Some(node) = claim.node else { return self.recognise_by_name(from, claim) };
        let id = self.peers.node(node)?;
        let is_here = self.peers.get(id).is_some_and(|peer| peer.standing == Standing::Here);
        if is_here {
            self.peers.attach(id, from, false);
            self.tell(Event::PeerAlsoAt { peer: id, address: from });
            self.doubt(id, Duration::ZERO);
        } else {
            self.move_to(id, from);
        }
        self.take_news(id, claim);
        Some(id)
    }

    fn recognise_by_name(&mut self, from: SocketAddr, claim: &Claim<'_>) -> Option<PeerId> {
        // Of many with the same names nobody can be told from another: they were cloned, or are forged.
        let named = self.peers.named(claim.user, claim.host).take(2);
        let named: Vec<(PeerId, Standing)> = named.map(|peer| (peer.id, peer.standing)).collect();
        if let [(only, Standing::Gone)] = named[..] {
            self.move_to(only, from);
            self.take_news(only, claim);
            return Some(only);
        }
        let id = self.welcome(from, claim)?;
        if let [(other, _)] = named[..] {
            self.tell(Event::SameNames { peer: id, other });
            self.doubt(other, Duration::ZERO);
        }
        Some(id)
    }

    /// A peer that was silent, or only told of, is at this address now.
    fn move_to(&mut self, id: PeerId, to: SocketAddr) {
        let before = self.peers.get(id).map(|peer| peer.addresses.clone()).unwrap_or_default();
        for address in &before {
            self.peers.detach(*address);
        }
        self.peers.attach(id, to, true);
        for address in &before {
            self.readdress(id, *address);
        }
        if let Some(&from) = before.first() {
            self.tell(Event::PeerMoved { peer: id, from, to });
        }
    }

    fn take_news(&mut self, id: PeerId, claim: &Claim<'_>) {
        if let Some(peer) = self.peers.get_mut(id)
            && peer.update(claim)
            && peer.is_present()
        {
            self.tell(Event::PeerChanged(id));
        }
    }

    /// Somebody else is where this peer was. If that was its only address, it is gone.
    fn leave_address(&mut self, id: PeerId) {
        if self.peers.get(id).is_some_and(|peer| peer.addresses.is_empty()) {
            self.part(id);
            if !self.outbox.has(id) {
                self.inbox.forget(id);
                self.peers.remove(id);
            }
        }
    }

    /// A peer is gone.
    pub(super) fn part(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.doubt = None;
        let was = peer.standing;
        if was == Standing::Gone {
            return;
        }
        self.peers.set_standing(id, Standing::Gone);
        self.schedule.clear(Task::Answer(id));
        self.schedule.clear(Task::Silence(id));
        self.tell(Event::PeerLeft(id));
        if was == Standing::Told && !self.outbox.has(id) {
            self.peers.remove(id);
        }
    }

    /// One of another program is silent at its address. If exactly one other has its names, that is where it is.
    pub(super) fn look_for_namesake(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(id).filter(|peer| peer.node.is_none()) else { return };
        let from = peer.addresses.first().copied();
        let mut others = self
            .peers
            .named(&peer.user, &peer.host)
            .filter(|other| other.standing == Standing::Here)
            .map(|other| (other.id, other.addresses.first().copied()));
        if let (Some((other, to)), None) = (others.next(), others.next()) {
            drop(others);
            self.hand_over(id, other, |message| !matches!(message.to, Person::Address(_)));
            if let (Some(from), Some(to)) = (from, to) {
                self.tell(Event::PeerMoved { peer: other, from, to });
            }
        }
    }

    /// Makes room for one peer: somebody who is gone, and for whom nothing waits, is forgotten; of these, whoever was
    /// heard longest ago.
    fn forget_one(&mut self) {
        if !self.buckets.forgetting.take(FORGETTING, self.elapsed()) {
            return;
        }
        let forgettable = |peer: &&Peer| !peer.is_present() && !self.outbox.has(peer.id);
        let oldest = self.peers.iter().filter(forgettable).min_by_key(|peer| peer.heard).map(|peer| peer.id);
        if let Some(id) = oldest {
            self.inbox.forget(id);
            self.peers.remove(id);
        }
    }

    fn tell_full(&mut self, address: IpAddr) {
        if self.buckets.full.take(FULL, self.elapsed()) {
            self.tell(Event::PeersFull { address });
        }
    }
}
