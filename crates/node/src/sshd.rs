//! The line at which others log in here by SSH, with stock programs: [`remote::server`] behind the front door of `net`.
//!
//! It runs on a thread of its own, one for all its connections: what somebody copies at full speed does not make the chat
//! wait, and the bytes of a connection wake no other thread. Keys are those of `~/.ssh/authorized_keys` and of
//! [`crate::allow`]; each session goes into the journal's connections when it is over, and so does who was refused.
//! Connections are passed on to elsewhere only where the plan says so.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use net::door::{self, Census, Shutdown};
use net::throttle::Throttle;
use net::{Address, Bound, Endpoint, HostPort, ListenError, ListenOptions, Listener, listen};
use remote::dial::Dial;
use remote::server::{Account, Config, HostKeyError, KeyFiles, Server};
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::home::Home;
use crate::journal::{Journal, JournalError, Writer};
use crate::node::Node;
use crate::ssh::Dialer;
use crate::store::StoreError;

mod guest;
mod guests;
mod happening;
mod host_key;
mod refusals;
mod strangers;

pub use guests::Guests;
pub use happening::{Happening, What};
pub use refusals::REFUSALS_KEPT;
pub use remote::server::{HostKey, KeyExchanges};

use guest::Host;
use refusals::Refusals;
use strangers::Strangers;

/// The port unless told otherwise: 22 is sshd's, and root's to open.
pub const PORT: u16 = 2222;

/// Connections at one time. Each takes a descriptor and each of its commands some more; programs are usually allowed 1,024.
pub const CONNECTIONS_MAX: usize = 300;

/// Connections at one time on which nobody has logged in yet. Each may stay so for
/// [`remote::server::limits::LOGIN_GRACE`], if there is room. They never take more than a fifth of the descriptors that this
/// program may have, so that strangers cannot fill the table.
pub const STRANGERS_MAX: usize = 200;

/// Of these, from one address: `run` opens 64 at once, and whoever opens more leaves half of the places to others.
pub const STRANGERS_PER_ADDRESS: usize = 100;

/// So long everybody may try to log in, however many there are; then he makes room for another address when all places are
/// taken. A login takes a tenth of a second.
pub const SETTLING: Duration = Duration::from_secs(3);

/// Connections of one address that may end without a login before further ones are closed at once. A person tries a few
/// keys, `ssh-keyscan` and `ssh-audit` take five. Those that log in never count, however many they are.
pub const FRUITLESS_AT_ONCE: u32 = 10;

/// One of these is forgiven so often. It is what one address can make the server do: five key exchanges a second, which are
/// a hundredth of a core; `ssh-audit` calls up to twenty safe.
pub const FRUITLESS_FORGIVEN: Duration = Duration::from_millis(200);

/// What the line is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    at: HostPort,
    account: Account,
    allow_root: bool,
    forwards: bool,
    key_exchanges: KeyExchanges,
}

/// Why the line cannot be opened.
#[derive(Debug, Error)]
pub enum SshdError {
    /// Whoever logged in would be root.
    #[error("whoever logs in would be root")]
    Root,
    /// The address cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The file of the host key cannot be read or made.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of the host key has no such key.
    #[error("the host key {}: {error}", path.display())]
    HostKey {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: HostKeyError,
    },
    /// Others could read the host key.
    #[error("the host key {} can be read by others, who could pass for this machine", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{doing}: {error}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system says.
        error: io::Error,
    },
}

/// The line, open until it is stopped.
#[derive(Debug)]
pub struct Sshd {
    /// Where it listens.
    pub places: Vec<Endpoint>,
    /// `SHA256:...` of the key that it proves itself with.
    pub fingerprint: String,
    /// The public half of that key, as a line of known_hosts(5) has it behind the host.
    pub public_key: String,
    shutdown: Shutdown,
    ended: oneshot::Receiver<()>,
}

impl Plan {
    /// A line at an address, at which whoever runs this program lets others in as himself.
    ///
    /// # Errors
    /// When that is root, who has to allow it.
    pub fn new(at: HostPort, allow_root: bool) -> Result<Self, SshdError> {
        let account = Account::of_this_process();
        if account.uid == 0 && !allow_root {
            return Err(SshdError::Root);
        }
        Ok(Self { at, account, allow_root, forwards: false, key_exchanges: KeyExchanges::default() })
    }

    /// The same, but clients may have connections passed on to elsewhere, where their keys allow it.
    #[must_use]
    pub fn forwarding(self) -> Self {
        Self { forwards: true, ..self }
    }

    /// The same, but keys are agreed on with clients in these ways only.
    #[must_use]
    pub fn with_key_exchanges(self, key_exchanges: KeyExchanges) -> Self {
        Self { key_exchanges, ..self }
    }
}

impl Sshd {
    /// Opens the line. The node is asked about its guests from now on, and its faces hear who comes and goes. `tell` hears
    /// what happens, on the line's thread, and must not wait. The host key is made at the first start.
    ///
    /// # Errors
    /// When something it needs cannot be had.
    pub async fn start(
        home: &Home,
        plan: Plan,
        node: &Node,
        tell: impl Fn(Happening) + Send + Sync + 'static,
    ) -> Result<Self, SshdError> {
        let Plan { at, account, allow_root, forwards, key_exchanges } = plan;
        let host_key = host_key::of(home)?;
        let fingerprint = host_key.fingerprint();
        let public_key = host_key.public().to_openssh().map_err(|error| SshdError::System {
            doing: "writing the host key's public half",
            error: io::Error::other(error),
        })?;
        let keys = KeyFiles::new(vec![authorized_keys(&account), home.allow()]);
        let tell = Arc::new(tell);
        for note in keys.notes() {
            tell(Happening::trouble(note.to_string()));
        }
        let told = Arc::clone(&tell);
        let writer = Writer::start(Journal::open(home.state())?, move |trouble| {
            told(Happening::trouble(trouble.to_string()));
        })?;
        let config = Config {
            host_key,
            key_exchanges,
            account,
            allow_root,
            limits: remote::server::Limits::default(),
            folder: home.state().to_owned(),
            dial: forwards.then(|| Arc::new(Dialer) as Arc<dyn Dial>),
        };
        let server = Server::new(config, Arc::new(keys));
        let guests = Guests::new(server.clone());
        let line = Line {
            server,
            host: Arc::new(Host {
                tell,
                writer,
                node: node.clone(),
                guests: guests.clone(),
                inside: Arc::new(Census::default()),
                strangers: Arc::new(Strangers::default()),
                fruitless: Throttle::new(FRUITLESS_AT_ONCE, FRUITLESS_FORGIVEN),
                refusals: Refusals::default(),
            }),
            shutdown: Shutdown::default(),
        };
        let shutdown = line.shutdown.clone();
        let (opened, places) = oneshot::channel();
        let (running, ended) = oneshot::channel();
        let failed = |error| SshdError::System { doing: "starting the thread of the SSH line", error };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let at = Address::Tcp(at);
        let run = move || {
            line.run(&runtime, &at, opened);
            drop::<oneshot::Sender<()>>(running);
        };
        thread::Builder::new().name("ssh".to_owned()).spawn(run).map_err(failed)?;
        let places = places.await.map_err(|_| failed(io::Error::other("it has ended")))??;
        let gone = |_| failed(io::Error::other("the node has ended"));
        node.host(guests).await.map_err(gone)?;
        Ok(Self { places, fingerprint, public_key, shutdown, ended })
    }

    /// Ends the line: nobody comes in any more, what runs gets SIGHUP, and SIGKILL if it stays. Comes back when all of it
    /// has ended and is on disk.
    pub async fn stop(self) {
        self.shutdown.drain.cancel();
        // It never sends: it is dropped.
        let _ = self.ended.await;
    }
}

/// The file of keys that OpenSSH's sshd lets in as whoever runs this program; they count here, too.
#[must_use]
pub fn own_authorized_keys() -> PathBuf {
    authorized_keys(&Account::of_this_process())
}

fn authorized_keys(account: &Account) -> PathBuf {
    account.home.join(".ssh/authorized_keys")
}

/// What the thread has.
struct Line {
    server: Server,
    host: Arc<Host>,
    shutdown: Shutdown,
}

impl Line {
    fn run(
        self,
        runtime: &Runtime,
        at: &Address,
        opened: oneshot::Sender<Result<Vec<Endpoint>, ListenError>>,
    ) {
        runtime.block_on(async {
            let listeners = match listen(at, &ListenOptions::default()).await {
                Ok(Bound::Stream(listeners)) => listeners,
                // No address of TCP gives datagrams.
                Ok(Bound::Datagram(_)) => return,
                Err(error) => return drop(opened.send(Err(error))),
            };
            let places = listeners.iter().map(|listener| listener.local().clone()).collect();
            // Whoever asked may have gone; then the line ends with the program.
            let _ = opened.send(Ok(places));
            // A task of its own: to wake the outermost future takes a system call each time.
            let _ = tokio::spawn(async move { self.serve(listeners).await }).await;
        });
    }

    async fn serve(&self, listeners: Vec<Listener>) {
        // Whoever is turned away takes no place meanwhile: the limits that count are `guest`'s, where strangers come first.
        let limits = net::Limits::default();
        let reporter = Arc::clone(&self.host) as Arc<dyn net::Reporter>;
        // What goes over a connection is counted by its sessions. Boxed: the door's task has room for it twice otherwise.
        let attend = |stream, peer, _| {
            Box::pin(guest::attend(self.server.clone(), Arc::clone(&self.host), stream, peer))
        };
        let serving = door::serve(listeners, &limits, &self.shutdown, reporter, attend);
        let ending = async {
            self.shutdown.drain.cancelled().await;
            self.server.end_all();
        };
        tokio::join!(serving, ending);
        self.host.writer.flush().await;
    }
}
