//! Messages on their way out: sent, sent again, and kept until they are acknowledged.
//!
//! Each peer has a lane. What is under way there is sent again at once in a while; when nobody answers, the lane rests, and
//! tries again when the peer is heard or at growing intervals, with the oldest message first. Towards other programs
//! one datagram is under way at a time, because iptux acknowledges and drops whatever has a number below the last one it
//! has seen; between ours a window is.

mod lane;
mod parcel;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use self::lane::Lane;
use self::parcel::Parcel;
use super::disk::Waiting;
use super::peers::{Claim, PeerId, Person};
use super::stream::WINDOW;
use super::voice::in_charset;
use super::{Event, Node, Refusal, Task, Transmit};
use crate::charset::PeerCharset;
use crate::command::Options;
use crate::extension::MessageId;
use crate::receipt::Receipt;

/// A message that is to be delivered: what is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Which message.
    pub id: MessageId,
    /// For whom.
    pub to: Person,
    /// The number of its first packet.
    pub number: u32,
    /// The text.
    pub text: String,
    /// Whether it is sealed.
    pub sealed: bool,
}

/// Bytes of a text in UTF-8. A longer one is a file.
pub const MAX_TEXT: usize = 32 * 1024;

/// Messages that wait for one peer: what a person can write to somebody who is on leave, and no program's backlog.
pub const MAX_QUEUED_FOR_ONE: usize = 1000;

/// Messages that wait in all: 300 MB, if all of them were as long as they may be.
pub const MAX_QUEUED: usize = 10_000;

/// The least bytes of text, in UTF-8, that one datagram takes: half of [`crate::limits::MAX_SENT`] in a charset that
/// needs twice as many. So many numbers are kept free for a text.
const LEAST_TEXT: usize = 512;

/// All lanes.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    lanes: BTreeMap<PeerId, Lane>,
    /// Messages in all lanes, and in which.
    queued: BTreeMap<MessageId, PeerId>,
}

impl Outbox {
    /// Whether something waits for this peer.
    pub(super) fn has(&self, id: PeerId) -> bool {
        self.lanes.contains_key(&id)
    }
}

impl Outgoing {
    /// The largest packet number that it may be sent with: the largest of all that were ever stored is the next start's
    /// [`crate::node::Config::last_number`].
    #[must_use]
    pub fn last_number(&self) -> u32 {
        self.number.saturating_add(numbers_of(&self.text) - 1)
    }
}

/// How many numbers are kept free for a text.
fn numbers_of(text: &str) -> u32 {
    u32::try_from(text.len() / LEAST_TEXT + 1).unwrap_or(u32::MAX)
}

impl Node {
    /// Takes over a message that was stored in an earlier run.
    pub(super) fn requeue(&mut self, message: Outgoing) {
        // A driver that kept more than there is room for keeps the rest for later.
        let Ok(id) = self.receiver(&message.to) else { return };
        self.outbox.queued.insert(message.id, id);
        self.outbox.lanes.entry(id).or_default().push(message, true, Vec::new());
        self.pump(id);
    }

    /// Takes a message to be sent.
    pub(super) fn accept(
        &mut self,
        to: &Person,
        text: String,
        sealed: bool,
        reference: u64,
    ) -> Result<(), Refusal> {
        if text.is_empty() {
            return Err(Refusal::Empty);
        }
        if text.len() > MAX_TEXT {
            return Err(Refusal::TooLong { length: text.len() });
        }
        if self.outbox.queued.len() >= MAX_QUEUED {
            return Err(Refusal::OutboxFull);
        }
        let id = self.receiver(to)?;
        let mut message =
            Outgoing { id: MessageId(self.chance.u128(..)), to: to.clone(), number: 0, text, sealed };
        let parcel = self.parcel(id);
        let texts = parcel.split(&message)?;
        let is_met = self.peers.get(id).is_some_and(|peer| peer.is_met);
        let lane = self.outbox.lanes.entry(id).or_default();
        if lane.len() >= MAX_QUEUED_FOR_ONE {
            return Err(Refusal::OutboxFull);
        }
        message.number = self.numbers.block(self.now.unix, numbers_of(&message.text));
        // Of what will soon be under way; and ours are always written to in the same way, others perhaps not when it is stored.
        let is_next = is_met && parcel.ours.is_some() && lane.len() < WINDOW;
        lane.push(message.clone(), false, if is_next { texts } else { Vec::new() });
        self.outbox.queued.insert(message.id, id);
        let token = self.await_disk(Waiting::Accepted(message.id));
        self.tell(Event::Accepted { token, reference, message });
        Ok(())
    }

    /// The datagrams of a message that is not on disk yet; none if others are on their way to its receiver, or it is none of
    /// ours.
    pub(super) fn send_ahead(&mut self, message: MessageId) -> Vec<Transmit> {
        let now = self.elapsed();
        let Some(&id) = self.outbox.queued.get(&message) else { return Vec::new() };
        let peer = self.peers.get(id).filter(|peer| peer.is_met && peer.node.is_some());
        let Some(&to) = peer.and_then(|peer| peer.addresses.first()) else { return Vec::new() };
        let parcel = self.parcel(id);
        let Some(lane) = self.outbox.lanes.get_mut(&id) else { return Vec::new() };
        let datagrams = lane.fill_ahead(message, &parcel, now);
        datagrams.into_iter().map(|bytes| Transmit { to, bytes }).collect()
    }

    /// A message that was accepted is on disk.
    pub(super) fn send_stored(&mut self, message: MessageId) {
        let Some(&id) = self.outbox.queued.get(&message) else { return };
        let now = self.elapsed();
        if let Some(lane) = self.outbox.lanes.get_mut(&id) {
            lane.stored(message, now);
        }
        self.pump(id);
    }

    pub(super) fn cancel(&mut self, message: MessageId) -> Result<(), Refusal> {
        let id = self.outbox.queued.remove(&message).ok_or(Refusal::NoMessage)?;
        if let Some(lane) = self.outbox.lanes.get_mut(&id) {
            lane.remove(message);
        }
        self.pump(id);
        Ok(())
    }

    /// A peer says that it has received the packet with this number.
    pub(super) fn acknowledge(&mut self, id: PeerId, receipt: &Receipt) {
        let now = self.elapsed();
        let parcel = self.parcel(id);
        let Some(lane) = self.outbox.lanes.get_mut(&id) else { return };
        let message = receipt.ours.map(|tag| tag.id);
        if let Some((delivered, took)) = lane.acknowledge(receipt.number, message, &parcel, now) {
            self.outbox.queued.remove(&delivered);
            self.tell(Event::Delivered { message: delivered, peer: id, took });
        }
        self.pump(id);
    }

    /// What is due in a lane.
    pub(super) fn send_again(&mut self, id: PeerId) {
        let now = self.elapsed();
        let parcel = self.parcel(id);
        let Some(lane) = self.outbox.lanes.get_mut(&id) else { return };
        let (datagrams, is_silent) = lane.send_again(&parcel, now);
        self.deliver(id, datagrams);
        if is_silent {
            self.doubt(id, Duration::ZERO);
        }
        self.pump(id);
    }

    /// A peer was heard: what waits for it is sent.
    pub(super) fn wake(&mut self, id: PeerId) {
        let now = self.elapsed();
        if let Some(lane) = self.outbox.lanes.get_mut(&id) {
            let is_met = self.peers.get(id).is_some_and(|peer| peer.is_met);
            lane.wake(is_met, now);
            self.pump(id);
        }
    }

    /// A peer has lost an address: what was written to the address, whoever is there, does not follow the peer.
    pub(super) fn readdress(&mut self, id: PeerId, address: SocketAddr) {
        let to = Person::Address(address);
        if self.outbox.lanes.get(&id).is_some_and(|lane| lane.is_for(&to))
            && let Ok(new) = self.receiver(&to)
            && new != id
        {
            self.hand_over(id, new, |message| message.to == to);
        }
    }

    /// Those of the messages that wait for one peer are for another from now on.
    pub(super) fn hand_over(&mut self, old: PeerId, new: PeerId, those: impl Fn(&Outgoing) -> bool) {
        let Some(mut lane) = self.outbox.lanes.remove(&old) else { return };
        let taken = lane.take(those);
        if lane.len() > 0 {
            self.outbox.lanes.insert(old, lane);
        }
        if !taken.is_empty() {
            self.outbox.queued.extend(taken.iter().map(|(message, _)| (message.id, new)));
            self.outbox.lanes.entry(new).or_default().join(taken);
            self.pump(new);
        }
        self.pump(old);
    }

    /// Sends as much as may be under way. Somebody who has not said who he is is asked first.
    fn pump(&mut self, id: PeerId) {
        if !self.outbox.has(id) {
            return self.schedule.clear(Task::Send(id));
        }
        let now = self.elapsed();
        let parcel = self.parcel(id);
        let is_met = self.peers.get(id).is_some_and(|peer| peer.is_met && !peer.addresses.is_empty());
        let Some(lane) = self.outbox.lanes.get_mut(&id) else { return };
        let (datagrams, failed) = if is_met { lane.fill(&parcel, now) } else { Default::default() };
        let is_to_be_asked = !is_met && lane.ask(now);
        let waiting = lane.newly_waiting();
        match lane.next() {
            Some(next) => self.schedule.set(Task::Send(id), next),
            None => self.schedule.clear(Task::Send(id)),
        }
        if lane.len() == 0 {
            self.outbox.lanes.remove(&id);
        }
        self.deliver(id, datagrams);
        if is_to_be_asked {
            self.doubt(id, Duration::ZERO);
        }
        for message in waiting {
            self.tell(Event::Queued { message, peer: id });
        }
        for (message, why) in failed {
            self.outbox.queued.remove(&message);
            self.tell(Event::Failed { message, why });
        }
    }

    fn deliver(&mut self, id: PeerId, datagrams: Vec<Vec<u8>>) {
        let Some(&to) = self.peers.get(id).and_then(|peer| peer.addresses.first()) else { return };
        for datagram in datagrams {
            self.transmit(to, datagram);
        }
    }

    /// The peer that a message for this person is for, in the table from now on.
    pub(super) fn receiver(&mut self, to: &Person) -> Result<PeerId, Refusal> {
        if let Some(id) = self.peers.find(to) {
            return Ok(id);
        }
        let mut claim = Claim {
            node: None,
            user: "",
            host: "",
            nick: "",
            group: "",
            options: Options::NONE,
            version: "",
            charset: PeerCharset::default(),
            is_presence: false,
        };
        let address = match to {
            Person::Node(node) if *node == self.config.node => return Err(Refusal::NoPeer),
            Person::Address(address) if self.is_own_address(*address) => return Err(Refusal::NoPeer),
            Person::Node(node) => {
                claim.node = Some(*node);
                None
            }
            Person::Name { user, host, address } => {
                (claim.user, claim.host, claim.nick) = (user, host, user);
                Some(*address)
            }
            Person::Address(address) => Some(*address),
        };
        self.add_absent(&claim, address).ok_or(Refusal::PeersFull)
    }

    fn parcel(&self, id: PeerId) -> Parcel {
        let dialect = self.dialect(id);
        let node = self.peers.get(id).and_then(|peer| peer.node);
        Parcel {
            user: in_charset(&self.config.user, dialect.charset),
            host: in_charset(&self.config.host, dialect.charset),
            dialect,
            ours: node.map(|node| (self.config.node, node)),
            // All parts of a message between ours are acknowledged together.
            window: if node.is_some() { WINDOW } else { 1 },
        }
    }
}
