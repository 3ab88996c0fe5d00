//! What the chat line tells, on its way to the disk and to the faces.

use std::net::SocketAddr;
use std::sync::Arc;

use ipmsg::MessageId;
use ipmsg::node::{Command, Event as Told, Incoming, Outgoing, Peer, PeerId, Token};
use jiff::Timestamp;
use net::Untrusted;

use super::{CONTRADICTIONS_MAX, Desk, now};
use crate::chat::view;
use crate::face::{Direction, Event, Message, Person};
use crate::journal::{Appearance, Change, JournalError, Party, Presence, ReceivedMessage, Written};

/// What is done when the disk has a change.
#[derive(Debug)]
pub(in crate::chat) enum Then {
    /// A message that a face has written is sent.
    Accept { token: Token, reference: u64, id: MessageId, message: Box<Message> },
    /// A message that has come is shown and acknowledged.
    Receive { token: Token, message: Box<Message> },
    /// A receiver learns that we know that he has opened a message.
    Opened { token: Token, discarded: bool },
    /// The faces are told that a message can never be delivered.
    Failed { reason: String },
    /// The faces are told that it was cancelled.
    Cancelled,
    /// The sender of a sealed message learns that it was opened here.
    Unsealed { reply: super::requests::Answer },
    /// Nobody waits for it.
    Nothing,
}

impl Desk {
    /// Takes what the chat line has to tell.
    pub(super) fn hear_core(&mut self) {
        while let Some(told) = self.core.poll_event() {
            self.hear(told);
        }
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::PeerCame(peer) => {
                self.note(peer, Appearance::Came);
                self.tell_of(peer, |person| Event::Came { person });
            }
            Told::PeerChanged(peer) => {
                self.note(peer, Appearance::Changed);
                self.tell_of(peer, |person| Event::Changed { person });
            }
            Told::PeerLeft(peer) => {
                self.note(peer, Appearance::Left);
                self.tell_of(peer, |person| Event::Left { person });
            }
            Told::PeerMoved { peer, from, .. } => {
                self.note(peer, Appearance::Moved);
                self.tell_of(peer, |person| Event::Moved { person, from });
            }
            Told::PeerAlsoAt { peer, .. } => self.tell_of(peer, |person| Event::Changed { person }),
            Told::SameNames { peer, other } => self.tell_of_namesakes(peer, other),
            Told::SameNode { address } => self.contradiction(format!(
                "{address} says that it is this very node: was the state folder copied to another machine? Remove \
                 journal.db from the copy"
            )),
            Told::PeersFull { address } => self.notice(format!(
                "the table of people is full: {address} and others who are new are left out until somebody leaves"
            )),
            Told::Accepted { token, reference, message } => self.accept(token, reference, message),
            Told::Delivered { message, took, .. } => {
                // Told before it is on disk: if a power cut takes it away, it is sent again, known by its receiver, and
                // told again.
                if let Some(row) = self.waiting.remove(&message) {
                    self.journal.note(Change::Delivered { row, took, at: Timestamp::now() });
                    let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                    self.tell(Event::Delivered { message: row, took });
                }
            }
            Told::Queued { message, .. } => {
                if let Some(&message) = self.waiting.get(&message) {
                    self.tell(Event::Queued { message });
                }
            }
            Told::Failed { message, why } => {
                if let Some(row) = self.waiting.remove(&message) {
                    let reason = why.to_string();
                    let change = Change::Failed { row, reason: reason.clone(), at: Timestamp::now() };
                    self.write(change, Then::Failed { reason });
                }
            }
            Told::Message { token, message } => self.receive_message(token, message),
            Told::Opened { token, peer, number, discarded } => {
                let change =
                    Change::Opened { by: self.party(peer, None), number, discarded, at: Timestamp::now() };
                self.write(change, Then::Opened { token, discarded });
            }
            Told::Unreadable { peer } => {
                let name = self.name(peer);
                self.notice(format!("{name} has sent something encrypted, which cannot be read here"));
            }
            Told::Typing { peer, now } => self.tell_of(peer, |person| Event::Typing { person, now }),
            // Nobody here asks, and no files are offered.
            Told::Answered { .. } | Told::FilesReleased { .. } => {}
            Told::Left => self.has_left = true,
        }
    }

    fn accept(&mut self, token: Token, reference: u64, message: Outgoing) {
        let at = Timestamp::now();
        let peer = self.core.find(&message.to);
        let to = peer.map_or_else(|| Party::from(&message.to), Party::from);
        let with = peer.map_or_else(|| view::unmet(&to, &self.directory), |peer| self.person(peer));
        let shown = Message {
            id: 0,
            at,
            with,
            direction: Direction::Out,
            text: message.text.clone(),
            sealed: message.sealed,
            automatic: false,
            broadcast: false,
            files: Vec::new(),
        };
        let then = Then::Accept { token, reference, id: message.id, message: Box::new(shown) };
        self.write_and_send(token, Change::Accepted { message, to, at }, then);
    }

    fn receive_message(&mut self, token: Token, incoming: Incoming) {
        let at = Timestamp::now();
        let from = self.party(incoming.peer, Some(incoming.address));
        let with = match self.core.peer(incoming.peer) {
            Some(peer) => self.person(peer),
            None => view::unmet(&from, &self.directory),
        };
        let Incoming { id, number, text, offers, sealed, automatic, broadcast, .. } = incoming;
        let shown = Message {
            id: 0,
            at,
            with,
            direction: Direction::In,
            text: if sealed { String::new() } else { text.clone() },
            sealed,
            automatic,
            broadcast,
            files: offers.into_iter().flatten().map(|offer| offer.name.as_str().to_owned()).collect(),
        };
        let message = ReceivedMessage { from, id, number, text, sealed, automatic, broadcast };
        let then = Then::Receive { token, message: Box::new(shown) };
        self.write_and_send(token, Change::Received { message, at }, then);
    }

    /// The disk has a change, or could not take it.
    pub(super) fn on_disk(&mut self, then: Then, written: Result<Written, Arc<JournalError>>) {
        if let Err(error) = &written {
            self.notice(error.to_string());
        }
        let is_stored = written.is_ok();
        let row = written.as_ref().map_or(0, |written| written.row);
        match then {
            Then::Accept { token, reference, id, mut message } => {
                message.id = row;
                if is_stored {
                    self.waiting.insert(id, row);
                    self.tell(Event::Accepted { message: (*message).clone() });
                }
                self.settle(token, is_stored);
                self.is_stored(reference, written.map(|_| *message));
            }
            Then::Receive { token, mut message } => {
                if written.is_ok_and(|written| written.is_new) {
                    message.id = row;
                    self.tell(Event::Message { message: *message });
                }
                self.settle(token, is_stored);
            }
            Then::Opened { token, discarded } => {
                if row > 0 {
                    self.tell(Event::Opened { message: row, discarded });
                }
                self.settle(token, is_stored);
            }
            Then::Unsealed { reply } => self.is_unsealed(row, reply, written.map(drop)),
            // A message that was forgotten meanwhile has no row.
            _ if row == 0 => {}
            Then::Failed { reason } => self.tell(Event::Failed { message: row, reason }),
            Then::Cancelled => self.tell(Event::Cancelled { message: row }),
            Then::Nothing => {}
        }
    }

    fn settle(&mut self, token: Token, is_stored: bool) {
        let command = if is_stored { Command::Stored(token) } else { Command::NotStored(token) };
        // A message that was cancelled meanwhile has no token any more.
        let _ = self.core.handle_command(now(self.started), command);
        self.hear_core();
    }

    /// Who comes and goes is worth less than a message: at a flood it is left out.
    fn note(&mut self, peer: PeerId, what: Appearance) {
        if self.journal.is_busy() {
            return;
        }
        let presence = Presence { at: Timestamp::now(), party: self.party(peer, None), what };
        self.journal.note(Change::Presence(presence));
    }

    fn tell_of(&mut self, peer: PeerId, event: impl FnOnce(Person) -> Event) {
        if let Some(person) = self.core.peer(peer).map(|peer| self.person(peer)) {
            self.tell(event(person));
        }
    }

    fn tell_of_namesakes(&mut self, peer: PeerId, other: PeerId) {
        let name = self.name(peer);
        let at = |peer: Option<&Peer>| peer.and_then(|peer| peer.addresses.first().copied());
        if let (Some(one), Some(two)) = (at(self.core.peer(peer)), at(self.core.peer(other))) {
            self.contradiction(format!(
                "{name} is at {one} and at {two}: two machines, or one with two addresses; both are listed"
            ));
        }
    }

    /// Told, and remembered for whoever looks later.
    fn contradiction(&mut self, text: String) {
        if !self.contradictions.contains(&text) {
            self.contradictions.truncate(CONTRADICTIONS_MAX - 1);
            self.contradictions.push_front(text.clone());
        }
        self.notice(text);
    }

    pub(in crate::chat) fn notice(&mut self, text: String) {
        self.tell(Event::Notice { text });
    }

    /// For notices: what a peer is called, made safe.
    fn name(&self, peer: PeerId) -> String {
        let name = self.core.peer(peer).map(|peer| self.person(peer).name).unwrap_or_default();
        Untrusted::from(name.as_str()).to_string()
    }

    fn party(&self, peer: PeerId, address: Option<SocketAddr>) -> Party {
        let known = self.core.peer(peer).map(Party::from).unwrap_or_default();
        Party { address: address.or(known.address), ..known }
    }
}
