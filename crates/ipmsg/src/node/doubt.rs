//! Whether a peer is still there.
//!
//! Anybody can say goodbye in somebody else's name, and nobody says goodbye when the power fails. So a peer leaves the
//! table only after it has not answered: a doubt sends it entries, which every program answers.

use std::net::SocketAddr;
use std::time::Duration;

use super::peers::{Claim, PeerId, Standing};
use super::rate::PROBES;
use super::{Event, Node, Task};
use crate::charset::Dialect;
use crate::extension::Wants;
use crate::presence::PresenceKind;

/// Entries without an answer after which a peer is gone: with one packet in three lost, one peer in a dozen is taken for
/// gone though it is there, and comes back with its next packet.
const PROBES_EACH: u8 = 4;

/// Time for an answer.
const PROBE_AGAIN: Duration = Duration::from_millis(750);

/// When too many are in doubt at once, one waits for so long and a random part of it more.
const PROBE_LATER: Duration = Duration::from_secs(5);

/// Time for the second goodbye of somebody who really goes, and to end.
const EXIT: Duration = Duration::from_millis(300);

/// One of ours that says nothing for so many times the time between its notes is in doubt: with half of all packets
/// lost, one in sixty is.
const SILENT_OURS: u32 = 6;

/// Nor is one of ours in doubt that others of ours have heard within so many of these times. Each note names a dozen, so that
/// all others would have to be lost as well.
const MENTIONED: u32 = 3;

/// One of another program is in doubt after so many times the time between two of our entries, which it should answer: with
/// half of all packets lost, one in thirty is.
const SILENT_OTHERS: u32 = 12;

impl Node {
    /// Asks whether a peer is still there, beginning after `pause`.
    pub(super) fn doubt(&mut self, id: PeerId, pause: Duration) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.doubt.is_none() && !peer.addresses.is_empty() {
            peer.doubt = Some(0);
            self.schedule.set(Task::Probe(id), self.elapsed() + pause);
        }
    }

    pub(super) fn handle_exit(&mut self, from: SocketAddr, claim: &Claim<'_>) {
        let Some(peer) = self.peers.at(from).and_then(|id| self.peers.get(id)) else { return };
        if peer.is_present() && peer.is(claim) {
            let id = peer.id;
            let pause = EXIT + self.spread();
            self.doubt(id, pause);
        }
    }

    pub(super) fn probe(&mut self, id: PeerId) {
        let now = self.elapsed();
        let Some(peer) = self.peers.get_mut(id) else { return };
        let (Some(asked), Some(&to)) = (peer.doubt, peer.addresses.first()) else { return };
        if asked == PROBES_EACH {
            peer.doubt = None;
            return self.miss(id);
        }
        if !self.buckets.probes.take(PROBES, now) {
            let later = PROBE_LATER + self.jitter(PROBE_LATER);
            return self.schedule.set(Task::Probe(id), now + later);
        }
        (peer.doubt, peer.asked) = (Some(asked + 1), now);
        let entry = self.presence(PresenceKind::Entry, Wants::Answer, Dialect::UTF_8, None);
        self.transmit(to, entry);
        self.schedule.set(Task::Probe(id), now + PROBE_AGAIN);
    }

    /// A peer does not answer at its first address.
    fn miss(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(id) else { return };
        if let [from, to, ..] = peer.addresses[..] {
            self.peers.detach(from);
            self.readdress(id, from);
            self.tell(Event::PeerMoved { peer: id, from, to });
            return self.doubt(id, Duration::ZERO);
        }
        let was_here = peer.standing == Standing::Here;
        self.part(id);
        if was_here {
            self.look_for_namesake(id);
        }
    }

    /// Looks at a peer again when it has been silent for too long.
    pub(super) fn watch(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(id) else { return };
        let at = peer.heard + self.patience(id);
        self.schedule.set(Task::Silence(id), at.max(self.elapsed() + PROBE_LATER));
    }

    pub(super) fn look_at_silence(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(id) else { return };
        let mentioned = peer.mentioned + MENTIONED * self.refresh_interval();
        if self.elapsed() >= mentioned.max(peer.heard + self.patience(id)) {
            let pause = self.spread();
            self.doubt(id, pause);
        }
        self.watch(id);
    }

    /// How long a peer may be silent.
    pub(super) fn patience(&self, id: PeerId) -> Duration {
        let is_ours = self.peers.get(id).is_some_and(|peer| peer.node.is_some());
        if is_ours { SILENT_OURS * self.refresh_interval() } else { SILENT_OTHERS * self.entry_interval() }
    }
}
