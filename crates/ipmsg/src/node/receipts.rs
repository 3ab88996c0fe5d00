//! What has become of a packet: told to its sender, and heard from its receiver.

use std::net::SocketAddr;
use std::time::Duration;

use super::disk::Waiting;
use super::peers::PeerId;
use super::rate::{REPEATS_TO_ALL, REPEATS_TO_ONE};
use super::{Event, Node, Refusal, Task};
use crate::body::Body;
use crate::charset::Dialect;
use crate::command::Options;
use crate::extension::{MessageId, MessageTag, Part};
use crate::receipt::{Receipt, ReceiptKind};

/// The news that a sealed message was opened is sent so often, so far apart, as IP Messenger does it.
const OPENED_SENDS: u8 = 12;
const OPENED_AGAIN: Duration = Duration::from_millis(750);

impl Node {
    /// Acknowledges again what is stored already: the first receipt was lost, or somebody wants us to send.
    pub(super) fn repeat_receipt(
        &mut self,
        id: PeerId,
        to: SocketAddr,
        number: u32,
        tag: Option<MessageTag>,
    ) {
        let now = self.elapsed();
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.repeats.take(REPEATS_TO_ONE, now) && self.buckets.repeats.take(REPEATS_TO_ALL, now) {
            let tag = tag.and_then(|tag| self.own_tag(tag.id, tag.part));
            self.send_receipt(to, Receipt { ours: tag, ..Receipt::new(ReceiptKind::Received, number) });
        }
    }

    pub(super) fn own_tag(&self, id: MessageId, part: Part) -> Option<MessageTag> {
        Some(MessageTag { node: self.config.node, id, part, after: 0 })
    }

    pub(super) fn send_receipt(&mut self, to: SocketAddr, receipt: Receipt) {
        self.send_plain(to, &Body::Receipt(receipt), Dialect::UTF_8);
    }

    /// What a peer says of a packet of ours.
    pub(super) fn handle_receipt(&mut self, from: SocketAddr, receipt: Receipt) {
        let Some(peer) = self.peers.at(from).and_then(|id| self.peers.get(id)) else { return };
        // Between ours a receipt says whose it is, and is sealed.
        if receipt.kind == ReceiptKind::Received && peer.node != receipt.ours.map(|tag| tag.node) {
            return;
        }
        let (id, is_known) = (peer.id, !peer.is_placeholder());
        if self.is_blocked(peer) && receipt.kind != ReceiptKind::Received {
            return;
        }
        if is_known {
            self.hear(id, from);
        }
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
            self.send_receipt(to, Receipt::new(ReceiptKind::OpenedNoted, number));
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
            self.send_receipt(to, receipt);
        }
    }
}
