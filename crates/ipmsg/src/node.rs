//! The state machine of a node; how it is driven is at the top of the crate.

mod config;
mod disk;
mod doubt;
mod event;
mod inbox;
mod inquiries;
mod list;
mod meeting;
mod numbers;
mod outbox;
mod peers;
mod presence;
mod rate;
mod receipts;
mod schedule;
mod stream;
mod voice;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fastrand::Rng;

pub use config::{ANSWER_SENT, Config, Interface, NAME_SENT, Now, PORT, Profile};
pub use event::{Command, Event, Incoming, Refusal, Token, Transmit};
pub use inbox::MAX_UNSTORED;
pub use list::MAX_TOLD;
pub use outbox::{MAX_QUEUED, MAX_QUEUED_FOR_ONE, MAX_TEXT, Outgoing};
pub use peers::{MAX_ADDRESSES, MAX_PEERS, MAX_PEERS_AT_ONE_IP, Peer, PeerId, Person, Standing};
pub use presence::MAX_ASKED;

use crate::body::Body;
use crate::charset::Reader;
use crate::packet::Packet;
use crate::presence::PresenceKind;
use disk::Waiting;
use inbox::Inbox;
use inquiries::Inquiries;
use numbers::Numbers;
use outbox::Outbox;
use peers::Peers;
use presence::{Sight, is_answerable};
use rate::Bucket;
use schedule::Schedule;

/// A node, without its sockets, clocks and disk.
#[derive(Debug)]
pub struct Node {
    config: Config,
    /// What the last call was told.
    now: Now,
    chance: Rng,
    numbers: Numbers,
    schedule: Schedule<Task>,
    peers: Peers,
    sight: Sight,
    outbox: Outbox,
    inbox: Inbox,
    inquiries: Inquiries,
    buckets: Buckets,
    waiting: BTreeMap<Token, Waiting>,
    last_token: u64,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

/// What is done when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    /// A message to this peer is sent again, or its outbox tries again.
    Send(PeerId),
    /// The news that a sealed message was opened is sent again.
    Opened(PeerId, u32),
    /// This peer's entry is answered.
    Answer(PeerId),
    /// Whether this peer is still there is asked (again).
    Probe(PeerId),
    /// This peer has perhaps been silent for too long.
    Silence(PeerId),
    /// Nobody has answered our entry.
    Enter,
    /// The next address of other subnets is asked.
    Ask,
    /// Our own news for those who missed them, and a page of the list.
    Refresh,
    /// Somebody of ours does not know us.
    Announce,
    /// Those who have come to this interface get the list, from us if nobody was faster.
    List(IpAddr),
    /// The next page of the list.
    Page(IpAddr),
    /// The second goodbye.
    Leave,
}

/// The buckets of all peers together; see [`rate`].
#[derive(Debug, Default)]
struct Buckets {
    presence: Bucket,
    probes: Bucket,
    repeats: Bucket,
    strangers: Bucket,
    full: Bucket,
    forgetting: Bucket,
}

impl Node {
    /// A node that is nowhere yet: [`Command::Interfaces`] lets it enter. The same seed makes the same choices; two
    /// nodes, and two runs of one, must have different ones.
    #[must_use]
    pub fn new(mut config: Config, now: Now, seed: u64) -> Self {
        let mut outbox = std::mem::take(&mut config.outbox);
        outbox.sort_by_key(|message| message.number);
        let last = outbox.iter().map(Outgoing::last_number).fold(config.last_number, u32::max);
        let mut node = Self {
            config: config.cleaned(),
            now,
            chance: Rng::with_seed(seed),
            numbers: Numbers::after(last),
            schedule: Schedule::default(),
            peers: Peers::default(),
            sight: Sight::default(),
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            inquiries: Inquiries::default(),
            buckets: Buckets::default(),
            waiting: BTreeMap::new(),
            last_token: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        };
        for message in outbox {
            node.requeue(message);
        }
        node
    }

    /// Takes a datagram that came to the socket.
    pub fn handle_datagram(&mut self, now: Now, from: SocketAddr, datagram: &[u8]) {
        self.advance(now);
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        if !is_answerable(from) || self.sight.is_everybody(from) || self.sight.has_left {
            return;
        }
        let Ok(packet) = Packet::parse(datagram) else { return };
        let peer = self.peers.at(from).and_then(|id| self.peers.get(id)).map(|peer| peer.charset);
        let mut reader = Reader { peer: peer.unwrap_or_default(), ..Reader::new(self.config.fallback) };
        let Ok(body) = Body::parse(&packet, &mut reader) else { return };
        if self.is_own_address(from) {
            if matches!(&body, Body::Presence(presence) if presence.kind == PresenceKind::Exit) {
                self.contradict();
            }
            return;
        }
        match body {
            Body::Presence(presence) => self.handle_presence(from, &packet, presence, reader),
            Body::Message(message) => self.handle_message(from, &packet, message, reader),
            Body::Receipt(receipt) => self.handle_receipt(from, receipt),
            Body::Question(topic) => self.handle_question(from, topic),
            Body::Answer(topic, text) => self.handle_answer(from, topic, text),
            Body::Typing { now } => self.handle_typing(from, now),
            Body::Encrypted(_) => self.handle_encrypted(from),
            // Keys are not given as long as encryption is not announced, and files are asked for over TCP.
            Body::KeyRequest(_) | Body::PublicKey(_) | Body::FileRequest(_) | Body::Other => {}
        }
    }

    /// Does what the driver wants.
    ///
    /// # Errors
    /// Why it cannot be done; then nothing has changed.
    pub fn handle_command(&mut self, now: Now, command: Command) -> Result<(), Refusal> {
        self.advance(now);
        match command {
            Command::Interfaces(interfaces) => self.set_interfaces(interfaces),
            Command::Ask(addresses) => self.set_asked(addresses),
            Command::Refresh => self.enter(),
            Command::Profile(profile) => self.set_profile(profile),
            Command::Block(persons) => self.config.blocked = persons,
            Command::Send { to, text, sealed, reference } => {
                return self.accept(&to, text, sealed, reference);
            }
            Command::Cancel(message) => return self.cancel(message),
            Command::Stored(token) => return self.stored(token),
            Command::NotStored(token) => return self.not_stored(token),
            Command::Open { peer, number } => return self.open(peer, number),
            Command::Question { peer, topic } => return self.question(peer, topic),
            Command::Leave => self.leave(),
        }
        Ok(())
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        while let Some(task) = self.schedule.pop(self.now.elapsed) {
            match task {
                Task::Send(peer) => self.send_again(peer),
                Task::Opened(peer, number) => self.tell_opened(peer, number),
                Task::Answer(peer) => self.answer_entry(peer),
                Task::Probe(peer) => self.probe(peer),
                Task::Silence(peer) => self.look_at_silence(peer),
                Task::Enter => self.enter_again(),
                Task::Ask => self.ask_next(),
                Task::Refresh => self.refresh(),
                Task::Announce => self.announce(),
                Task::List(interface) => self.begin_list(interface),
                Task::Page(interface) => self.send_page(interface),
                Task::Leave => self.leave_again(),
            }
        }
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Node::handle_timeout`] is to be called at the latest, on the clock of [`Now::elapsed`]; never if none.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.schedule.next()
    }

    /// A peer, as far as it is known.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get(id)
    }

    /// The peer that a message for this person goes to, if it is in the table.
    #[must_use]
    pub fn find(&self, person: &Person) -> Option<&Peer> {
        self.peers.find(person).and_then(|id| self.peers.get(id))
    }

    /// All peers that are in the table, also those who are gone, in the order in which they were met.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter()
    }

    /// Whether the messages of a peer are dropped, as [`Config::blocked`] or the last [`Command::Block`] said.
    #[must_use]
    pub fn is_blocked(&self, peer: &Peer) -> bool {
        self.config.blocked.iter().any(|person| person.is(peer))
    }

    /// Clocks that go back do not take the node back with them.
    fn advance(&mut self, now: Now) {
        self.now = Now { elapsed: now.elapsed.max(self.now.elapsed), unix: now.unix };
    }

    fn elapsed(&self) -> Duration {
        self.now.elapsed
    }

    /// Some time up to this, every one as likely.
    fn jitter(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.chance.f64())
    }

    fn next_number(&mut self) -> u32 {
        self.numbers.next(self.now.unix)
    }

    fn transmit(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        self.transmits.push_back(Transmit { to, bytes });
    }

    fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }
}
