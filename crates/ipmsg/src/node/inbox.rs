//! Messages that come in: once each, and acknowledged when they are on disk.

use std::collections::{BTreeMap, VecDeque};
use std::mem::take;
use std::net::SocketAddr;
use std::time::Duration;

use super::disk::Waiting;
use super::peers::{Claim, PeerId};
use super::rate::STRANGERS;
use super::stream::{Content, Piece, Stream, Whole};
use super::voice::in_charset;
use super::{Event, Incoming, Node};
use crate::body::Body;
use crate::charset::Reader;
use crate::command::{MessageOptions, Options};
use crate::extension::{MessageId, MessageTag, NodeId, Part};
use crate::limits::MAX_SENT;
use crate::message::Message;
use crate::packet::Packet;
use crate::seal::crc32;

/// Messages that were told and are not stored yet, at most: a disk that does not keep up makes senders wait, not memory
/// grow.
pub const MAX_UNSTORED: usize = 1024;

/// Messages of ours that are remembered by their ids, so that the disk need not be asked about each repetition: some
/// minutes at a busy node's pace.
const REMEMBERED: usize = 16_384;

/// Messages of one peer of another program that are remembered: as many as IP Messenger remembers.
const REMEMBERED_OF_OTHERS: usize = 32;

/// Datagrams of all streams together that wait for others before them, at most: some 11 MB.
const MAX_HELD: usize = 8192;

/// A peer is told why its person is away once in so long.
const AWAY_AGAIN: Duration = Duration::from_secs(600);

/// What has come in.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    talks: BTreeMap<PeerId, Talk>,
    /// Messages of ours, and whether they are stored.
    known: BTreeMap<(NodeId, MessageId), bool>,
    /// The same, as they came.
    order: VecDeque<(NodeId, MessageId)>,
    /// Messages that were told and are not stored.
    unstored: usize,
    /// Datagrams that wait in all streams.
    held: usize,
    /// Sealed messages that were opened here, and how often that was told.
    pub(super) opened: BTreeMap<(PeerId, u32), u8>,
}

/// What one peer has sent.
#[derive(Debug, Default)]
struct Talk {
    /// Of another program: the latest messages.
    seen: VecDeque<Seen>,
    /// Of ours: what is not whole yet.
    stream: Stream,
    /// When it was told last why the person is away.
    told_away: Option<Duration>,
}

#[derive(Debug)]
struct Seen {
    number: u32,
    /// Of its text: iptux begins to count at 1 with each start.
    sum: u32,
    is_stored: bool,
}

/// A message that was told.
#[derive(Debug)]
pub(super) struct Arrived {
    peer: PeerId,
    /// Where its receipts go.
    from: SocketAddr,
    /// Of its packet, or of the first of them.
    number: u32,
    /// Of ours.
    id: Option<(NodeId, MessageId)>,
    wants_receipt: bool,
    is_automatic: bool,
}

impl Arrived {
    /// Where one of ours is to be told that its message is stored, and what; it is told only so from now on.
    pub(super) fn take_receipt(&mut self) -> Option<(SocketAddr, u32, (NodeId, MessageId))> {
        let key = self.id?;
        take(&mut self.wants_receipt).then_some((self.from, self.number, key))
    }
}

impl Inbox {
    /// Forgets a peer.
    pub(super) fn forget(&mut self, id: PeerId) {
        if let Some(talk) = self.talks.remove(&id) {
            self.held -= talk.stream.waiting();
        }
    }

    /// A peer has sent an entry with this number. If that is below those of its messages, it was started anew and counts
    /// from the beginning.
    pub(super) fn restarted(&mut self, id: PeerId, number: u32) {
        if let Some(talk) = self.talks.get_mut(&id)
            && talk.seen.iter().any(|seen| seen.number > number)
        {
            talk.seen.clear();
        }
    }

    fn remember(&mut self, id: (NodeId, MessageId)) {
        self.known.insert(id, false);
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Puts a datagram into its stream, and gives the messages that are whole now.
    fn take(&mut self, id: PeerId, piece: Piece) -> Vec<Whole> {
        if self.held >= MAX_HELD {
            // Somebody fills the streams. What is dropped is sent again, if anybody means it.
            self.talks.values_mut().for_each(|talk| talk.stream.clear());
            self.held = 0;
        }
        let stream = &mut self.talks.entry(id).or_default().stream;
        self.held -= stream.waiting();
        let whole = stream.take(piece);
        self.held += stream.waiting();
        whole
    }
}

impl Node {
    pub(super) fn handle_message(
        &mut self,
        from: SocketAddr,
        packet: &Packet<'_>,
        message: Message<'_>,
        reader: Reader,
    ) {
        if message.ours.is_some_and(|tag| tag.to != self.config.node) {
            return;
        }
        let node = message.ours.map(|tag| tag.from);
        let Some(id) = self.sender(from, packet, node, message.options, reader) else { return };
        if self.peers.get(id).is_none_or(|peer| self.is_blocked(peer)) {
            return;
        }
        let wants_receipt = message.wants_receipt();
        let content = Content {
            options: message.options,
            text: message.text.into_owned(),
            offers: message.offers,
            recipients: message
                .recipients
                .into_iter()
                .map(|recipient| (recipient.user.into_owned(), recipient.host.into_owned()))
                .collect(),
        };
        match message.ours {
            // No datagram of ours is longer, so that this bounds what a stream holds.
            Some(tag) if wants_receipt && packet.body.len() <= MAX_SENT => {
                let piece =
                    Piece { number: packet.number, after: tag.after, id: tag.id, part: tag.part, content };
                self.take_ours(id, from, tag, piece);
            }
            _ => self.take_other(id, from, packet.number, content, wants_receipt),
        }
    }

    /// Who sends a message; none if it is not taken.
    fn sender(
        &mut self,
        from: SocketAddr,
        packet: &Packet<'_>,
        node: Option<NodeId>,
        options: Options<MessageOptions>,
        mut reader: Reader,
    ) -> Option<PeerId> {
        if node == Some(self.config.node) {
            return None;
        }
        if let Some(holder) = self.peers.at(from).and_then(|id| self.peers.get_mut(id)) {
            let id = holder.id;
            if holder.node == node && !holder.is_placeholder() {
                holder.charset = reader.peer;
                self.hear(id, from);
                return Some(id);
            }
            if holder.is_present() && !holder.is_placeholder() {
                self.doubt(id, Duration::ZERO);
                return None;
            }
        }
        if !self.buckets.strangers.take(STRANGERS, self.elapsed()) {
            return None;
        }
        let utf8 = packet.command.options().has(Options::UTF8);
        let (user, host) = (reader.read(packet.user, utf8), reader.read(packet.host, utf8));
        let version = String::from_utf8_lossy(packet.version);
        // A message says less than a presence: what is known of one of ours stays.
        let known = node.and_then(|node| self.peers.node(node)).and_then(|id| self.peers.get(id)).cloned();
        let claim = match &known {
            Some(known) => known.claim(),
            None => Claim {
                node,
                user: &user,
                host: &host,
                nick: &user,
                group: "",
                options: Options::NONE,
                version: &version,
                charset: reader.peer,
                is_presence: false,
            },
        };
        let id = self.meet(from, &claim, false)?;
        if !options.has(Options::NOADDLIST) {
            self.doubt(id, Duration::ZERO);
        }
        Some(id)
    }

    fn take_ours(&mut self, id: PeerId, from: SocketAddr, tag: MessageTag, piece: Piece) {
        match self.inbox.known.get(&(tag.from, tag.id)) {
            Some(true) => return self.repeat_receipt(id, from, piece.number, Some((tag.from, tag.id))),
            Some(false) => return,
            None => {}
        }
        for whole in self.inbox.take(id, piece) {
            let key = (tag.from, whole.id);
            if self.inbox.unstored >= MAX_UNSTORED || self.inbox.known.contains_key(&key) {
                continue;
            }
            self.inbox.remember(key);
            let arrived = Arrived {
                peer: id,
                from,
                number: whole.number,
                id: Some(key),
                wants_receipt: true,
                is_automatic: false,
            };
            self.tell_message(arrived, whole.content);
        }
    }

    fn take_other(
        &mut self,
        id: PeerId,
        from: SocketAddr,
        number: u32,
        content: Content,
        wants_receipt: bool,
    ) {
        let sum = crc32(content.text.as_bytes());
        let talk = self.inbox.talks.entry(id).or_default();
        match talk.seen.iter().find(|seen| (seen.number, seen.sum) == (number, sum)) {
            Some(seen) if seen.is_stored && wants_receipt => {
                return self.repeat_receipt(id, from, number, None);
            }
            Some(_) => return,
            None if self.inbox.unstored >= MAX_UNSTORED => return,
            None => {}
        }
        talk.seen.push_back(Seen { number, sum, is_stored: false });
        if talk.seen.len() > REMEMBERED_OF_OTHERS {
            talk.seen.pop_front();
        }
        let is_automatic = content.options.has(Options::AUTORET) || content.options.has(Options::BROADCAST);
        let arrived = Arrived { peer: id, from, number, id: None, wants_receipt, is_automatic };
        self.tell_message(arrived, content);
    }

    fn tell_message(&mut self, arrived: Arrived, content: Content) {
        let message = Incoming {
            peer: arrived.peer,
            address: arrived.from,
            id: arrived.id,
            number: arrived.number,
            text: content.text,
            offers: content.offers,
            recipients: content.recipients,
            sealed: content.options.has(Options::SECRET),
            automatic: content.options.has(Options::AUTORET),
            broadcast: content.options.has(Options::BROADCAST),
        };
        self.inbox.unstored += 1;
        let token = self.await_disk(Waiting::Message(arrived));
        self.tell(Event::Message { token, message });
    }

    /// A message is on disk: its sender may know.
    pub(super) fn arrived(&mut self, arrived: &Arrived) {
        self.inbox.unstored -= 1;
        let Arrived { peer, from, number, id, wants_receipt, is_automatic } = *arrived;
        match id {
            Some(key) => {
                if let Some(is_stored) = self.inbox.known.get_mut(&key) {
                    *is_stored = true;
                }
            }
            None => {
                let talk = self.inbox.talks.get_mut(&peer);
                let seen =
                    talk.and_then(|talk| talk.seen.iter_mut().rev().find(|seen| seen.number == number));
                if let Some(seen) = seen {
                    seen.is_stored = true;
                }
            }
        }
        if wants_receipt {
            self.send_receipt(from, number, id);
        }
        if !is_automatic {
            self.tell_away(peer);
        }
    }

    /// A message could not be stored: when it comes again, it is a new one.
    pub(super) fn forget_arrived(&mut self, arrived: &Arrived) {
        self.inbox.unstored -= 1;
        match arrived.id {
            Some(key) => {
                self.inbox.known.remove(&key);
                self.inbox.order.retain(|other| *other != key);
            }
            None => {
                if let Some(talk) = self.inbox.talks.get_mut(&arrived.peer) {
                    talk.seen.retain(|seen| seen.number != arrived.number);
                }
            }
        }
    }

    /// Tells a peer that has written why nobody is there. Not while a message waits for it, for its number is lower, and
    /// iptux would throw it away.
    fn tell_away(&mut self, id: PeerId) {
        let now = self.elapsed();
        if self.outbox.has(id) {
            return;
        }
        let Some(away) = self.config.profile.away.clone() else { return };
        let Some(talk) = self.inbox.talks.get_mut(&id) else { return };
        if talk.told_away.is_some_and(|last| now - last < AWAY_AGAIN) {
            return;
        }
        talk.told_away = Some(now);
        let Some((node, to)) =
            self.peers.get(id).and_then(|peer| Some((peer.node, *peer.addresses.first()?)))
        else {
            return;
        };
        let dialect = self.dialect(id);
        let text = in_charset(&away, dialect.charset);
        // Without it, one of ours would not take it for ours.
        let tag = node.map(|to| MessageTag {
            from: self.config.node,
            to,
            id: MessageId(self.chance.u128(..)),
            part: Part::WHOLE,
            after: 0,
        });
        let message = Message { options: Options::AUTORET, ours: tag, ..Message::new(&text) };
        self.send_plain(to, &Body::Message(message), dialect);
    }
}

#[cfg(test)]
mod tests;
