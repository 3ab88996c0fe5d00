//! The one loop of the chat line: whatever happens is handed to the desk, and what the desk wants sent is sent.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipmsg::node::{Interface, Transmit};
use net::ListenError;
use net::interfaces::{Watch, interfaces};
use tokio::sync::{broadcast, mpsc};
use tokio::time::sleep_until;

use super::desk::{Ask, Back, Desk};
use super::settings::Settings;
use super::socket::Socket;
use crate::book::CHAT_PORT;
use crate::face::Numbered;
use crate::home::Home;
use crate::journal::{Journal, JournalError};

/// How a node is started.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The port of the chat line, from now on; 0 for any free one; none for that of before, or the usual one.
    pub port: Option<u16>,
    /// The only interface that it uses; none for all.
    pub interface: Option<String>,
    /// The name that others see, from now on; none for what it was before.
    pub name: Option<String>,
    /// The group that others see, likewise.
    pub group: Option<String>,
    /// Whether it has a chat line. One without is neither seen nor written to; faces, the journal and what others start beside
    /// it are there.
    pub chat: bool,
    /// Whether others are told when it ends. A node that is there for one message says no goodbye, for everybody would
    /// believe that its person has left.
    pub says_goodbye: bool,
}

/// Why a node cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another node has the state folder.
    #[error(transparent)]
    Lock(#[from] crate::home::LockError),
    /// The chat line cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The kernel does not tell of the interfaces, or has no randomness.
    #[error("{doing}: {error}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system says.
        error: io::Error,
    },
}

/// Changes of interfaces come several at once: a cable, an address, a route.
const SETTLING: Duration = Duration::from_millis(300);

/// Datagrams that wait for room in the socket's buffer. What is beyond is dropped, as the network would: whatever
/// matters is sent again.
const UNSENT_MAX: usize = 4096;

/// A chat line that is open, and has not begun to run.
pub(crate) struct Driver {
    socket: Socket,
    desk: Desk,
    watch: Watch,
    /// The only interface that is used, if it is one.
    interface: Option<String>,
    /// When the interfaces are looked at again, after a change.
    look_at: Option<Instant>,
    unsent: VecDeque<Transmit>,
    asks: mpsc::Receiver<Ask>,
    back: mpsc::UnboundedReceiver<Back>,
}

impl Driver {
    /// Opens the chat line and the journal.
    pub(crate) async fn open(
        home: &Home,
        plan: &Plan,
        asks: mpsc::Receiver<Ask>,
        faces: broadcast::Sender<Arc<Numbered>>,
    ) -> Result<Self, StartError> {
        let watch =
            Watch::new().map_err(|error| StartError::System { doing: "watching the interfaces", error })?;
        let reader = Journal::open(home.state())?;
        let mut settings = Settings::read(reader.settings()?.as_deref());
        settings.name = plan.name.clone().or(settings.name);
        settings.group = plan.group.clone().or(settings.group);
        settings.port = plan.port.or(settings.port);
        let socket = if plan.chat {
            Socket::open(settings.port.unwrap_or(CHAT_PORT), plan.interface.clone()).await?
        } else {
            Socket::none()
        };
        let (back, came_back) = mpsc::unbounded_channel();
        let desk = Desk::open(home, plan, settings, reader, &socket, faces, back)?;
        let mut driver = Self {
            socket,
            desk,
            watch,
            interface: plan.interface.clone(),
            look_at: None,
            unsent: VecDeque::new(),
            asks,
            back: came_back,
        };
        driver.look_at_interfaces();
        Ok(driver)
    }

    /// Runs until the node is stopped. What the disk has done comes first, then what is due, then what people want; what
    /// strangers send comes last, so that nobody can keep the node from the rest.
    pub(crate) async fn run(mut self) {
        while !self.desk.has_left() {
            self.transmit();
            let (wake, look) = (self.desk.deadline(), self.look_at);
            tokio::select! {
                biased;
                Some(back) = self.back.recv() => self.desk.take_back(back),
                () = at(wake) => self.desk.wake(),
                () = at(look) => self.look_at_interfaces(),
                ask = self.asks.recv() => self.desk.ask(ask.unwrap_or(Ask::Stop)),
                Ok(()) = self.socket.writable(), if !self.unsent.is_empty() => {}
                Ok(()) = self.watch.changed() => self.look_at = Some(Instant::now() + SETTLING),
                Ok(()) = self.socket.readable() => self.socket.receive(|from, bytes| self.desk.receive(from, bytes)),
            }
        }
        self.transmit();
        self.desk.end().await;
    }

    /// Sends what there is, as far as there is room.
    fn transmit(&mut self) {
        while let Some(transmit) = self.desk.poll_transmit() {
            if self.unsent.len() < UNSENT_MAX {
                self.unsent.push_back(transmit);
            }
        }
        while let Some(Transmit { to, bytes }) = self.unsent.front() {
            match self.socket.send(*to, bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // A network that is not there is as one that loses datagrams.
                Ok(()) | Err(_) => drop(self.unsent.pop_front()),
            }
        }
    }

    fn look_at_interfaces(&mut self) {
        self.look_at = None;
        let Some(port) = self.socket.port() else { return };
        match interfaces() {
            Ok(found) => {
                let is_used = |name: &str| self.interface.as_ref().is_none_or(|only| only == name);
                let lines = found.iter().filter(|one| is_used(&one.name)).filter_map(|interface| {
                    let everybody = (interface.everybody()?, port).into();
                    Some(Interface { address: interface.address, prefix: interface.prefix, everybody })
                });
                self.desk.see_interfaces(lines.collect());
            }
            Err(error) => self.desk.notice(format!("asking the kernel for its interfaces: {error}")),
        }
    }
}

/// Waits until then; for ever, if there is no such time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}
