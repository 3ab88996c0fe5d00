//! What faces ask for.

use std::net::SocketAddr;
use std::sync::Arc;

use ipmsg::node::{Command, Peer, Person as Whom, Refusal};
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::events::Then;
use super::{Back, Desk, now};
use crate::chat::recipients::{Recipient, recipients};
use crate::chat::settings::{Blocked, profile};
use crate::chat::view;
use crate::face::{Event, Message, Person, Refused, Reply, Request, Unsent};
use crate::journal::{Change, JournalError, State};
use crate::sshd::Guests;

/// Where the reply to a request goes. Whoever asked may have gone: then it goes nowhere.
pub(super) type Answer = oneshot::Sender<Result<Reply, Refused>>;

/// So many bits of a reference say which message of a request it is.
const REFERENCE_BITS: u32 = 12;

/// Receivers of one message: more are a slip of the finger.
const RECEIVERS_MAX: usize = 1 << REFERENCE_BITS;

/// A text whose receivers' addresses are known.
#[derive(Debug)]
pub(in crate::chat) struct Resolved {
    to: Vec<Recipient>,
    unsent: Vec<Unsent>,
    text: String,
    sealed: bool,
    reply: Answer,
}

/// A request of which not every message is on disk yet.
#[derive(Debug)]
pub(super) struct Sending {
    reply: Answer,
    /// In the order of the receivers; none for those that are not on disk yet.
    messages: Vec<Option<Message>>,
    unsent: Vec<Unsent>,
    on_the_way: usize,
}

/// Nothing is kept for later here: who opens the chat line later may be long in coming.
fn no_chat_line() -> Refused {
    let remedy = "it was started as up --no-chat; stop it, and trunkline up opens one".to_owned();
    Refused { remedy: Some(remedy), ..Refused::new("the node that runs here has no chat line") }
}

impl Desk {
    pub(super) fn request(&mut self, request: Request, reply: Answer) {
        let answer = match request {
            Request::Send { to, text, sealed } => return self.resolve(&to, text, sealed, reply),
            Request::Open { message } => return self.unseal(message, reply),
            Request::Look => Ok(Reply::Snapshot(Box::new(self.snapshot()))),
            Request::Refresh => {
                self.command(Command::Refresh);
                Ok(Reply::Done)
            }
            Request::Find { who } => self.find(&who),
            Request::Cancel { message } => self.cancel(message),
            Request::Profile { name, group } => {
                self.settings.name = name.or(self.settings.name.take());
                self.settings.group = group.or(self.settings.group.take());
                self.change_profile();
                Ok(Reply::Done)
            }
            Request::Away { text } => {
                self.settings.away = text;
                self.change_profile();
                Ok(Reply::Done)
            }
            Request::Block { who } => self.block(&who),
            Request::Unblock { who } => self.unblock(&who),
            Request::Guests => {
                Ok(Reply::Guests { guests: self.guests.as_ref().map(Guests::list).unwrap_or_default() })
            }
            Request::PutOut { guest } if self.guests.as_ref().is_some_and(|guests| guests.put_out(guest)) => {
                Ok(Reply::Done)
            }
            Request::PutOut { guest } => Err(Refused {
                remedy: Some("trunkline who shows who is in, with numbers".to_owned()),
                ..Refused::usage(format!("nobody is logged in here with the number {guest}"))
            }),
        };
        let _ = reply.send(answer);
    }

    fn find(&self, who: &str) -> Result<Reply, Refused> {
        let found = recipients(who, &self.directory, self.core.peers())?;
        Ok(Reply::Found { people: found.iter().map(|recipient| self.whoever(recipient)).collect() })
    }

    fn whoever(&self, recipient: &Recipient) -> Person {
        let (peer, address) = self.place(recipient);
        let person = peer.map(|peer| self.person(peer));
        person.unwrap_or_else(|| {
            let unheard = view::unheard(address, &self.directory);
            match recipient {
                Recipient::Host { name, .. } => Person { name: name.clone(), ..unheard },
                Recipient::Peer(_) | Recipient::At(_) => unheard,
            }
        })
    }

    /// Finds out for whom a text is; to look up a host may take a while.
    fn resolve(&mut self, to: &str, text: String, sealed: bool, reply: Answer) {
        if self.me.port.is_none() {
            return drop(reply.send(Err(no_chat_line())));
        }
        let to = match recipients(to, &self.directory, self.core.peers()) {
            Ok(to) if to.len() <= RECEIVERS_MAX => to,
            Ok(to) => {
                let refused = format!(
                    "{} people are too many: at most {RECEIVERS_MAX} get a message at once",
                    to.len()
                );
                return drop(reply.send(Err(Refused::usage(refused))));
            }
            Err(refused) => return drop(reply.send(Err(refused))),
        };
        if !to.iter().any(|one| matches!(one, Recipient::Host { .. })) {
            return self.send(Resolved { to, unsent: Vec::new(), text, sealed, reply });
        }
        let back = self.back.clone();
        tokio::spawn(async move {
            let mut resolved = Resolved { to: Vec::new(), unsent: Vec::new(), text, sealed, reply };
            for recipient in to {
                match recipient.resolved().await {
                    Ok(recipient) => resolved.to.push(recipient),
                    Err((to, error)) => resolved.unsent.push(Unsent { to, reason: error.to_string() }),
                }
            }
            // The node may have ended meanwhile.
            let _ = back.send(Back::Resolved(resolved));
        });
    }

    pub(super) fn send(&mut self, resolved: Resolved) {
        let Resolved { to, mut unsent, text, sealed, reply } = resolved;
        self.last_sending += 1;
        let sending = self.last_sending;
        let mut on_the_way = 0;
        for (place, recipient) in to.iter().enumerate() {
            let reference = sending << REFERENCE_BITS | place as u64;
            let (to, name) = self.whom(recipient);
            let Some(to) = to else {
                unsent.push(Unsent { to: name, reason: Refusal::NoPeer.to_string() });
                continue;
            };
            let command = Command::Send { to, text: text.clone(), sealed, reference };
            match self.core.handle_command(now(self.started), command) {
                Ok(()) => on_the_way += 1,
                Err(Refusal::NoPeer) => {
                    unsent.push(Unsent { to: name, reason: "that is this node itself".to_owned() });
                }
                Err(refusal) => unsent.push(Unsent { to: name, reason: refusal.to_string() }),
            }
        }
        let messages = vec![None; to.len()];
        self.sendings.insert(sending, Sending { reply, messages, unsent, on_the_way });
        self.hear_core();
        self.answer_if_stored(sending);
    }

    /// The disk has a message of a request, or could not take it.
    pub(super) fn is_stored(&mut self, reference: u64, stored: Result<Message, Arc<JournalError>>) {
        let (sending, place) = (reference >> REFERENCE_BITS, reference & (RECEIVERS_MAX as u64 - 1));
        let Some(waiting) = self.sendings.get_mut(&sending) else { return };
        waiting.on_the_way -= 1;
        let place = usize::try_from(place).ok().and_then(|place| waiting.messages.get_mut(place));
        match (stored, place) {
            (Ok(message), Some(place)) => *place = Some(message),
            (Ok(_), None) => {}
            (Err(error), _) => waiting.unsent.push(Unsent { to: String::new(), reason: error.to_string() }),
        }
        self.answer_if_stored(sending);
    }

    fn answer_if_stored(&mut self, sending: u64) {
        if self.sendings.get(&sending).is_none_or(|sending| sending.on_the_way > 0) {
            return;
        }
        let Some(Sending { reply, messages, unsent, .. }) = self.sendings.remove(&sending) else { return };
        let messages: Vec<Message> = messages.into_iter().flatten().collect();
        let answer = match (&messages[..], &unsent[..]) {
            ([], [only]) => Err(Refused::new(only.reason.clone())),
            _ => Ok(Reply::Accepted { messages, unsent }),
        };
        let _ = reply.send(answer);
    }

    /// Whom the chat line means by a recipient, and what to call him. Nobody, if he was forgotten meanwhile.
    fn whom(&self, recipient: &Recipient) -> (Option<Whom>, String) {
        let (peer, address) = self.place(recipient);
        let whom = peer.and_then(Peer::person).or(address.map(Whom::Address));
        let name = peer.map(|peer| self.person(peer).name).or(address.map(|address| address.to_string()));
        (whom, name.unwrap_or_default())
    }

    /// The peer that a recipient is, and the address at which it is sought, as far as they are known.
    fn place(&self, recipient: &Recipient) -> (Option<&Peer>, Option<SocketAddr>) {
        let address = match recipient {
            Recipient::Peer(id) => return (self.core.peer(*id), None),
            Recipient::At(address) => Some(*address),
            Recipient::Host { name, .. } => self.directory.address_of(name),
        };
        (address.and_then(|address| self.peer_at(address)), address)
    }

    fn peer_at(&self, address: SocketAddr) -> Option<&Peer> {
        self.core.find(&Whom::Address(address))
    }

    fn cancel(&mut self, message: i64) -> Result<Reply, Refused> {
        let id = self.waiting.iter().find(|(_, row)| **row == message).map(|(id, _)| *id);
        let id = id.ok_or_else(|| Refused::new(Refusal::NoMessage))?;
        self.core.handle_command(now(self.started), Command::Cancel(id)).map_err(Refused::new)?;
        self.waiting.remove(&id);
        self.write(Change::Cancelled { row: message, at: Timestamp::now() }, Then::Cancelled);
        self.hear_core();
        Ok(Reply::Done)
    }

    /// Opens a sealed message that has come.
    fn unseal(&self, message: i64, reply: Answer) {
        let refused = match self.reader.message(message) {
            Ok(Some(found)) if found.sealed && found.state == State::Received => {
                let change = Change::Unsealed { row: message, at: Timestamp::now() };
                return self.write(change, Then::Unsealed { reply });
            }
            Ok(Some(_)) => Refused::usage("this message is not sealed, or is not for this node"),
            Ok(None) => Refused::usage("there is no message of this number"),
            Err(error) => Refused::new(error),
        };
        let _ = reply.send(Err(refused));
    }

    /// The disk has it that the person has opened a message: now its sender is told, if he is in sight.
    pub(super) fn is_unsealed(&mut self, row: i64, reply: Answer, stored: Result<(), Arc<JournalError>>) {
        let found =
            stored.map_err(Refused::new).and_then(|()| self.reader.message(row).map_err(Refused::new));
        let answer = found.map(|found| {
            let Some(found) = found else { return Reply::Done };
            let sender = found.party.address.and_then(|address| self.peer_at(address)).map(|peer| peer.id);
            if let Some(peer) = sender {
                self.command(Command::Open { peer, number: found.number });
            }
            Reply::Opened { text: found.text.unwrap_or_default() }
        });
        let _ = reply.send(answer);
    }

    fn block(&mut self, who: &str) -> Result<Reply, Refused> {
        let found = recipients(who, &self.directory, self.core.peers())?;
        let [Recipient::Peer(_) | Recipient::At(_)] = found[..] else {
            return Err(Refused::usage(
                "one person is blocked at a time, by the name in sight or by the address",
            ));
        };
        let (whom, name) = self.whom(&found[0]);
        let blocked = Blocked::from(whom.ok_or_else(|| Refused::new(Refusal::NoPeer))?);
        if !self.settings.blocked.iter().any(|(_, one)| *one == blocked) {
            self.settings.blocked.push((name, blocked));
        }
        self.change_blocked();
        Ok(Reply::Done)
    }

    fn unblock(&mut self, who: &str) -> Result<Reply, Refused> {
        let before = self.settings.blocked.len();
        self.settings.blocked.retain(|(name, _)| name != who);
        if self.settings.blocked.len() == before {
            return Err(Refused::usage(format!("nobody is blocked as '{}'", net::Untrusted::from(who))));
        }
        self.change_blocked();
        Ok(Reply::Done)
    }

    fn change_blocked(&mut self) {
        self.command(Command::Block(self.settings.blocked()));
        self.remember();
    }

    fn change_profile(&mut self) {
        self.settings.describe(&mut self.me, &self.account);
        self.command(Command::Profile(profile(&self.me)));
        self.tell(Event::Me { me: self.me.clone() });
        self.remember();
    }
}
