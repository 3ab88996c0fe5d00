//! Where the chat line, the disk and the faces meet. It waits for nothing: what takes time comes back as a [`Back`], and
//! a message is told of when the disk has it.

mod events;
mod requests;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use ipmsg::node::{Command, Config, Interface, Node as Core, Now, Peer, Token, Transmit};
use ipmsg::{MessageId, NodeId};
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::account::Account;
use super::directory::{Directory, Listings, listings};
use super::driver::{Plan, StartError};
use super::settings::{Settings, profile};
use super::socket::{Outlet, Socket};
use super::view;
use crate::book::CHAT_PORT;
use crate::face::{Event, Me, Numbered, Person, Refused, Reply, Request, Snapshot};
use crate::home::Home;
use crate::journal::{Change, Journal, JournalError, Trouble, Writer, Written};
use crate::sshd::Guests;
use events::Then;
use requests::{Resolved, Sending};

/// Events that a face may fall behind. A person's screen is behind by a few; so many take a few megabytes.
pub(crate) const EVENTS_KEPT: usize = 4096;

/// Contradictions that are remembered, the last ones: anybody can make more of them.
const CONTRADICTIONS_MAX: usize = 16;

/// What a face asks of the node, or the SSH line tells it.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Something that has one answer.
    Request(Request, oneshot::Sender<Result<Reply, Refused>>),
    /// How things stand, and whatever happens from then on.
    Watch(oneshot::Sender<(Snapshot, broadcast::Receiver<Arc<Numbered>>)>),
    /// These are the guests who may be asked about.
    Host(Guests),
    /// Something has happened that the node does not know by itself.
    Tell(Box<Event>),
    /// The node's end.
    Stop,
}

/// What took its time.
#[derive(Debug)]
pub(super) enum Back {
    /// The disk has a change, or could not take it.
    Disk(Then, Result<Written, Arc<JournalError>>),
    /// What was noted is not on disk.
    Trouble(Trouble),
    /// The addresses of those for whom a text is are known.
    Resolved(Resolved),
    /// The hosts of the book were looked up.
    Listings(Option<SystemTime>, Listings),
}

/// The state of a node's chat line.
pub(super) struct Desk {
    core: Core,
    started: Instant,
    me: Me,
    account: Account,
    settings: Settings,
    /// Whether others are told when it ends. A node that is there for one message says no goodbye: it would make
    /// everybody believe that its person has left.
    says_goodbye: bool,
    directory: Directory,
    journal: Writer,
    /// For what the journal's thread sends.
    outlet: Option<Outlet>,
    /// For what a face wants to see of it.
    reader: Journal,
    /// Claims that contradict each other, as a person should know them.
    contradictions: VecDeque<String>,
    /// The numbers in the journal of the messages that wait.
    waiting: BTreeMap<MessageId, i64>,
    sendings: BTreeMap<u64, Sending>,
    last_sending: u64,
    faces: broadcast::Sender<Arc<Numbered>>,
    last_event: u64,
    back: mpsc::UnboundedSender<Back>,
    /// Who is logged in by SSH; none where nobody can.
    guests: Option<Guests>,
    has_left: bool,
}

impl Desk {
    /// Takes up what the journal has of earlier runs. The settings are those from now on, and are written down; the socket
    /// is where others reach this node, if it has a chat line.
    pub(super) fn open(
        home: &Home,
        plan: &Plan,
        settings: Settings,
        reader: Journal,
        socket: &Socket,
        faces: broadcast::Sender<Arc<Numbered>>,
        back: mpsc::UnboundedSender<Back>,
    ) -> Result<Self, StartError> {
        let account = Account::of_this_user();
        let port = socket.port();
        let (id, seed) = (random()?, random()?);
        let state = reader.chat_state(|| NodeId(id))?;
        let mut me = Me {
            name: String::new(),
            group: String::new(),
            away: None,
            user: account.user.clone(),
            host: account.host.clone(),
            node: state.node.to_string(),
            port,
            addresses: Vec::new(),
        };
        settings.describe(&mut me, &account);
        let config = Config {
            profile: profile(&me),
            port: port.unwrap_or(CHAT_PORT),
            program: format!("trunkline {}", env!("CARGO_PKG_VERSION")),
            last_number: state.last_number,
            outbox: state.outbox,
            blocked: settings.blocked(),
            ..Config::new(state.node, &me.user, &me.host)
        };
        let started = Instant::now();
        let tell = back.clone();
        // The node may have ended meanwhile.
        let tell = move |trouble: &Trouble| drop(tell.send(Back::Trouble(trouble.clone())));
        let mut desk = Self {
            core: Core::new(config, now(started), seed as u64),
            started,
            me,
            account,
            settings,
            says_goodbye: plan.says_goodbye,
            directory: Directory::at(&home.book()),
            journal: Writer::start(Journal::open(home.state())?, tell)?,
            outlet: socket.outlet(),
            contradictions: VecDeque::new(),
            waiting: reader.waiting()?.into_iter().collect(),
            reader,
            sendings: BTreeMap::new(),
            last_sending: 0,
            faces,
            last_event: 0,
            back,
            guests: None,
            has_left: false,
        };
        // Who is there for one message needs none.
        if plan.chat && plan.says_goodbye {
            desk.journal.make_room();
        }
        desk.remember();
        desk.look_at_book();
        Ok(desk)
    }

    /// These are the interfaces now, under the addresses of which others reach this node.
    pub(super) fn see_interfaces(&mut self, interfaces: Vec<Interface>) {
        let addresses: Vec<IpAddr> = interfaces.iter().map(|interface| interface.address).collect();
        let have_changed = addresses != self.me.addresses;
        self.me.addresses = addresses;
        self.command(Command::Interfaces(interfaces));
        if have_changed {
            self.tell(Event::Me { me: self.me.clone() });
        }
    }

    /// A datagram has come.
    pub(super) fn receive(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.core.handle_datagram(now(self.started), from, datagram);
        self.hear_core();
    }

    /// The time has come for which [`Desk::deadline`] asked.
    pub(super) fn wake(&mut self) {
        self.core.handle_timeout(now(self.started));
        self.hear_core();
    }

    /// When [`Desk::wake`] is to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        // Without a chat line nothing is sent again, and nobody is waited for.
        self.me.port?;
        self.core.poll_timeout().map(|elapsed| self.started + elapsed)
    }

    /// The next datagram to be sent.
    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.core.poll_transmit()
    }

    /// A face asks something.
    pub(super) fn ask(&mut self, ask: Ask) {
        match ask {
            Ask::Watch(reply) => {
                self.look_at_book();
                // Whoever asked may have gone.
                let _ = reply.send((self.snapshot(), self.faces.subscribe()));
            }
            Ask::Request(request, reply) => {
                self.look_at_book();
                self.request(request, reply);
            }
            Ask::Host(guests) => self.guests = Some(guests),
            Ask::Tell(event) => self.tell(*event),
            Ask::Stop => self.stop(),
        }
    }

    /// Something is ready that took its time.
    pub(super) fn take_back(&mut self, back: Back) {
        match back {
            Back::Disk(then, written) => self.on_disk(then, written),
            Back::Trouble(trouble) => self.notice(trouble.to_string()),
            Back::Resolved(resolved) => self.send(resolved),
            Back::Listings(edition, listings) => {
                if self.directory.set_listings(edition, listings) {
                    self.ask_listed();
                }
            }
        }
    }

    /// Says goodbye, if it does.
    pub(super) fn stop(&mut self) {
        if self.says_goodbye && self.me.port.is_some() && !self.has_left {
            self.command(Command::Leave);
        } else {
            self.has_left = true;
        }
    }

    /// Waits until the disk has everything.
    pub(super) async fn end(self) {
        self.journal.flush().await;
    }

    /// Whether all is over.
    pub(super) fn has_left(&self) -> bool {
        self.has_left
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            number: self.last_event,
            me: self.me.clone(),
            people: view::people(&self.core, &self.directory),
            blocked: self.settings.blocked.iter().map(|(name, _)| name.clone()).collect(),
            waiting: self.waiting.len(),
            troubles: self.directory.trouble.iter().chain(&self.contradictions).cloned().collect(),
        }
    }

    /// Reads the book, if it has changed: whoever was written into it can be written to at once. To look up all its hosts
    /// takes longer.
    fn look_at_book(&mut self) {
        if !self.directory.refresh() {
            return;
        }
        if let Some(trouble) = self.directory.trouble.clone() {
            self.notice(trouble);
        }
        let (book, edition, back) =
            (self.directory.book.clone(), self.directory.edition(), self.back.clone());
        tokio::spawn(async move {
            let listings = listings(&book).await;
            // The node may have ended meanwhile.
            let _ = back.send(Back::Listings(edition, listings));
        });
    }

    /// Those of the book are asked whether they are there: they may be of other subnets.
    fn ask_listed(&mut self) {
        let port = self.me.port;
        let is_here = |address: &SocketAddr| address.ip().is_loopback() && Some(address.port()) == port;
        let listed = self.directory.iter().map(|(address, _)| address);
        let addresses = listed.filter(|address| !is_here(address)).collect();
        self.command(Command::Ask(addresses));
    }

    /// For commands that are never refused.
    fn command(&mut self, command: Command) {
        let _ = self.core.handle_command(now(self.started), command);
        self.hear_core();
    }

    fn write(&self, change: Change, then: Then) {
        let back = self.back.clone();
        // The node may have ended meanwhile.
        self.journal.write(change, move |written| drop(back.send(Back::Disk(then, written))));
    }

    /// Writes something that another node waits for. The thread that has written it sends what follows: to come back here
    /// first would take longer than to write the journal's pages.
    fn write_and_send(&mut self, token: Token, change: Change, then: Then) {
        let (ahead, outlet, back) = (self.core.take_ahead(token), self.outlet.clone(), self.back.clone());
        self.journal.write(change, move |written| {
            if let (Ok(_), Some(outlet)) = (&written, outlet) {
                for Transmit { to, bytes } in ahead {
                    // What has no room, or no network, is sent again in time.
                    let _ = outlet.send(to, &bytes);
                }
            }
            // The node may have ended meanwhile.
            drop(back.send(Back::Disk(then, written)));
        });
    }

    fn tell(&mut self, event: Event) {
        self.last_event += 1;
        // Perhaps no face watches.
        let _ = self.faces.send(Arc::new(Numbered { number: self.last_event, event }));
    }

    fn person(&self, peer: &Peer) -> Person {
        view::person(peer, &self.core, &self.directory)
    }

    /// Writes down what was said of this node and of others.
    fn remember(&self) {
        self.write(Change::Settings(self.settings.to_json()), Then::Nothing);
    }
}

/// Both clocks: that of waiting, and that of the world.
fn now(started: Instant) -> Now {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    Now { elapsed: started.elapsed(), unix }
}

fn random() -> Result<u128, StartError> {
    let mut bytes = [0; 16];
    // Less than 256 bytes are given whole or not at all (getrandom(2)).
    getrandom(&mut bytes, GetRandomFlags::empty())
        .map_err(|error| StartError::System { doing: "asking for randomness", error: error.into() })?;
    Ok(u128::from_ne_bytes(bytes))
}
