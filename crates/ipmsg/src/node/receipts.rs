//! What has become of a packet: told to its sender, and heard from its receiver.

use std::net::SocketAddr;
use std::time::Duration;

use super::disk::Waiting;
use super::peers::PeerId;
use super::rate::{REPEATS_TO_ALL, REPEATS_TO_ONE};
use super::{Event, Node, Refusal, Task, Transmit};
use crate::body::Body;
use crate::charset::Dialect;
use crate::command::Options;
use crate::extension::{MessageId, MessageTag, NodeId, Part};
use crate::receipt::{Receipt, ReceiptKind};

/// The news that a sealed message was opened is sent so often, so far apart, as IP Messenger does it.
const OPENED_SENDS: u8 = 12;
const OPENED_AGAIN: Duration = Duration::from_millis(750);

impl Node {
    /// Acknowledges the packet with this number; `id` is which message of which node it is, between ours. One receipt
    /// is for all parts of a message, for none is acknowledged before all are stored.
    pub(super) fn send_receipt(&mut self, to: SocketAddr, number: u32, id: Option<(NodeId, MessageId)>) {
        let receipt = self.receipt(to, number, id);
        self.transmits.extend(receipt);
    }

    /// The same, to be sent.
    pub(super) fn receipt(
        &mut self,
        to: SocketAddr,
        number: u32,
        id: Option<(NodeId, MessageId)>,
    ) -> Option<Transmit> {
        let from = self.config.node;
        let ours = id.map(|(to, id)| MessageTag { from, to, id, part: Part::WHOLE, after: 0 });
        let receipt = Receipt { ours, ..Receipt::new(ReceiptKind::Received, number) };
        self.plain(to, &Body::Receipt(receipt), Dialect::UTF_8)
    }

    /// Acknowledges again what is stored already: the first receipt was lost, or somebody wants us to send.
    pub(super) fn repeat_receipt(
        &mut self,
        peer: PeerId,
        to: SocketAddr,
        number: u32,
        id: Option<(NodeId, MessageId)>,
    ) {
        let now = self.elapsed();
        let Some(peer) = self.peers.get_mut(peer) else { return };
        if peer.repeats.take(REPEATS_TO_ONE, now) && self.buckets.repeats.take(REPEATS_TO_ALL, now) {
            self.send_receipt(to, number, id);
        }
    }

    /// What a peer says of a packet of ours.
    pub(super) fn handle_receipt(&mut self, from: SocketAddr, receipt: Receipt) {
        let Some(peer) = self.peers.at(from).and_then(|id| self.peers.get(id)) else { return };
        let id = peer.id;
        // Between ours a receipt says whose it is, and is sealed.
        if !peer.is_met
            || receipt.kind == ReceiptKind::Received && peer.node != receipt.ours.map(|tag| tag.from)
            || receipt.ours.is_some_and(|tag| tag.to != self.config.node)
        {
            return;
        }
        if self.is_blocked(peer) && receipt.kind != ReceiptKind::Received {
            return;
        }
        self.hear(id, from);
        match receipt.kind {
            ReceiptKind::Received => self.acknowledge(id, &receipt),
            ReceiptKind::Opened | ReceiptKind::Discarded => self.hear_opened(id, &receipt),
            ReceiptKind::OpenedNoted => {
                self.inbox.opened.remove(&(id, receipt.number));
                self.schedule.clear(Task::Opened(id, receipt.number));
            }
            ReceiptKind::FilesReleased => {
                self.tell(Event::FilesReleased { peer: id, number: receipt.number });
            }
        }
    }

    fn hear_opened(&mut self, id: PeerId, receipt: &Receipt) {
        let now = self.elapsed();
        let number = receipt.number;
        let is_told = self.waiting.values().any(
            |waiting| matches!(waiting, Waiting::Opened { peer, number: other, .. } if (*peer, *other) == (id, number)),
        );
        let Some(peer) = self.peers.get_mut(id) else { return };
        if is_told || !peer.repeats.take(REPEATS_TO_ONE, now) {
            return;
        }
        let waiting = Waiting::Opened { peer: id, number, wants_answer: receipt.wants_answer() };
        let token = self.await_disk(waiting);
        let discarded = receipt.kind == ReceiptKind::Discarded;
        self.tell(Event::Opened { token, peer: id, number, discarded });
    }

    /// The news that our sealed message was opened is on disk.
    pub(super) fn note_opened(&mut self, id: PeerId, number: u32) {
        if let Some(&to) = self.peers.get(id).and_then(|peer| peer.addresses.first()) {
            let receipt = Receipt::new(ReceiptKind::OpenedNoted, number);
            self.send_plain(to, &Body::Receipt(receipt), Dialect::UTF_8);
        }
    }

    /// The person has opened a sealed message.
    pub(super) fn open(&mut self, id: PeerId, number: u32) -> Result<(), Refusal> {
        let peer = self.peers.get(id).filter(|peer| !peer.addresses.is_empty());
        peer.ok_or(Refusal::NoPeer)?;
        self.inbox.opened.insert((id, number), 0);
        self.tell_opened(id, number);
        Ok(())
    }

    pub(super) fn tell_opened(&mut self, id: PeerId, number: u32) {
        let Some(sends) = self.inbox.opened.get_mut(&(id, number)) else { return };
        *sends += 1;
        let is_last = *sends >= OPENED_SENDS;
        if is_last {
            self.inbox.opened.remove(&(id, number));
        } else {
            self.schedule.set(Task::Opened(id, number), self.elapsed() + OPENED_AGAIN);
        }
        let receipt = Receipt { options: Options::READCHECK, ..Receipt::new(ReceiptKind::Opened, number) };
        if let Some(&to) = self.peers.get(id).and_then(|peer| peer.addresses.first()) {
            self.send_plain(to, &Body::Receipt(receipt), Dialect::UTF_8);
        }
    }
}
