//! The SSH server: stock `ssh`, `scp`, `sftp` and what is built on them come in here, as the user who runs it.
//!
//! It is given ready streams and says what happens; whoever calls listens, keeps the number of connections in bounds, and
//! writes the journal. What is asked of the caller:
//!
//! 1. Each connection is one [`Server::serve`] on a runtime of the current thread, so that its bytes never wake another
//!    thread. Several such threads may share one [`Server`].
//! 2. A TCP stream has TCP_NODELAY set, and TCP_QUICKACK for its first reads: stock `ssh` waits for acknowledgements
//!    while it logs in.
//! 3. The [`Report`] of a connection tells when somebody is logged in, which is when the connection stops counting as a
//!    stranger's.
//!
//! Keys only: no passwords, no forwarding of agents and X11, no listening for the client. Known limit: a stock `ssh` whose
//! own output is closed (`ssh HOST yes | head -1`) tells servers that call themselves OpenSSH with a message of OpenSSH's
//! own (eow@openssh.com), and others not at all; it goes on until somebody ends it.

pub mod access;
mod budget;
mod certificate;
mod channels;
mod event;
mod files;
mod forward;
mod gather;
mod handler;
mod host_key;
mod input;
mod key_exchange;
pub mod limits;
mod pace;
mod pipe;
mod process;
mod session;
pub mod sftp;
mod spawn;
mod stream;
mod terminal;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use russh::keys::Algorithm;
use russh::{MethodKind, MethodSet, Preferred, SshId, cipher, compression, mac};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use crate::account::Account;
pub use access::{Access, Credential, Grant, Login, Refusal};
pub use event::{Closed, Connection, Event, Exit, Key, Report, What};
pub use files::KeyFiles;
pub use host_key::{HostKey, HostKeyError};
pub use key_exchange::{KeyExchanges, KeyExchangesError};
pub use limits::Limits;

use crate::dial::Dial;
use budget::Budget;
use gather::Gather;
use handler::Handler;
use pace::Pace;
use stream::Cuttable;

/// What a server is.
pub struct Config {
    /// What it proves itself with.
    pub host_key: HostKey,
    /// How it agrees on keys with its clients.
    pub key_exchanges: KeyExchanges,
    /// The only user who may log in: who runs this process.
    pub account: Account,
    /// That may be root.
    pub allow_root: bool,
    /// What one client may cost.
    pub limits: Limits,
    /// A folder for input that waits for commands; see [`limits::INPUT_ON_DISK`].
    pub folder: PathBuf,
    /// Makes the connections that are passed on for clients; None: none are.
    pub dial: Option<Arc<dyn Dial>>,
}

/// A server; its clones are the same.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

/// What all connections share.
struct Shared {
    config: Config,
    protocol: Arc<russh::server::Config>,
    access: Arc<dyn Access>,
    open: Mutex<Open>,
    /// Ends every connection.
    end: CancellationToken,
}

#[derive(Default)]
struct Open {
    last_id: u64,
    connections: HashMap<u64, Entry>,
}

/// A connection in the list.
struct Entry {
    peer: SocketAddr,
    since: Timestamp,
    key: Option<Key>,
    sessions: BTreeMap<u32, What>,
    end: CancellationToken,
}

/// What a connection is to its sessions.
struct Line {
    server: Arc<Shared>,
    id: u64,
    peer: SocketAddr,
    local: SocketAddr,
    report: Report,
    /// What its input may take of the memory.
    budget: Budget,
    /// Everything that runs for it.
    sessions: TaskTracker,
    /// Why it was ended from here.
    put_out: Arc<OnceLock<Closed>>,
}

impl Server {
    /// A server that nobody has connected to yet.
    #[must_use]
    pub fn new(config: Config, access: Arc<dyn Access>) -> Self {
        let protocol = Arc::new(protocol(&config));
        let end = CancellationToken::new();
        Self(Arc::new(Shared { config, protocol, access, open: Mutex::default(), end }))
    }

    /// Serves a connection to its end, and to the end of everything that it started. Returns why it ended. Dropped, it
    /// ends the connection and tells nothing more.
    ///
    /// `peer` and `local` are its two addresses, for `from=` and for the commands' environment.
    pub async fn serve<S>(&self, stream: S, peer: SocketAddr, local: SocketAddr, report: Report) -> Closed
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let since = Instant::now();
        let end = self.0.end.child_token();
        let id = self.0.enter(peer, end.clone());
        let sessions = TaskTracker::new();
        let line = Line {
            server: self.0.clone(),
            id,
            peer,
            local,
            report: report.clone(),
            budget: Budget::new(&self.0.config.limits),
            sessions: sessions.clone(),
            put_out: Arc::default(),
        };
        let why = self.converse(stream, line, end).await;
        sessions.close();
        sessions.wait().await;
        report(Event::Closed { why: why.clone(), took: since.elapsed() });
        why
    }

    /// Who is here, the first to come first.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        let open = self.0.open();
        let mut connections: Vec<_> = open.connections.iter().map(|(id, entry)| entry.shown(*id)).collect();
        connections.sort_by_key(|connection| connection.id);
        connections
    }

    /// One of them.
    #[must_use]
    pub fn connection(&self, id: u64) -> Option<Connection> {
        self.0.open().connections.get(&id).map(|entry| entry.shown(id))
    }

    /// Ends a connection and what it started. `false`: there is none of this number.
    #[must_use]
    pub fn end(&self, id: u64) -> bool {
        self.0.open().connections.get(&id).map(|entry| entry.end.cancel()).is_some()
    }

    /// Ends every connection and what it started, also of those that are still to come.
    pub fn end_all(&self) {
        self.0.end.cancel();
    }

    async fn converse<S>(&self, stream: S, line: Line, end: CancellationToken) -> Closed
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let cut = CancellationToken::new();
        // Whoever drops this future ends the connection.
        let _cut = cut.clone().drop_guard();
        let (login, logged_in) = oneshot::channel();
        let (put_out, pace) = (line.put_out.clone(), Pace::new(line.budget.clone()));
        let handler = Handler::new(line, login, cut.child_token());
        let stream = Cuttable::new(stream, cut.clone(), self.0.config.limits.silence(), pace);
        // Boxed, since the library keeps room for it four times over.
        let stream = Box::new(Gather::new(stream));
        // Boxed, so that what the first lines take is given back before the session that may be idle for long.
        let mut session = Box::pin(russh::server::run_stream(self.0.protocol.clone(), stream, handler));
        let grace = self.0.config.limits.login_grace;
        let too_late = tokio::time::sleep(grace);
        tokio::pin!(too_late);
        let mut running = tokio::select! {
            running = &mut session => match running {
                Ok(running) => running,
                Err(error) => return closed(&error),
            },
            () = &mut too_late => return Closed::LoginGrace(grace),
            () = end.cancelled() => return Closed::ByOwner,
        };
        drop(session);
        let why = tokio::select! {
            result = &mut running => return result.err().map_or(Closed::ByClient, |error| closed(&error)),
            () = end.cancelled() => Closed::ByOwner,
            why = time_is_up(logged_in, too_late, grace) => why,
        };
        // Only this sets it.
        let _ = put_out.set(why.clone());
        cut.cancel();
        let _ = running.await;
        why
    }
}

impl Entry {
    fn shown(&self, id: u64) -> Connection {
        let sessions = self.sessions.iter().map(|(number, what)| (*number, what.clone())).collect();
        Connection { id, peer: self.peer, key: self.key.clone(), since: self.since, sessions }
    }
}

/// Comes back when the time to log in is over, or the time of whoever has.
async fn time_is_up(
    login: oneshot::Receiver<Option<Timestamp>>,
    too_late: Pin<&mut Sleep>,
    grace: Duration,
) -> Closed {
    tokio::select! {
        () = too_late => Closed::LoginGrace(grace),
        Ok(until) = login => {
            sleep_until(until).await;
            Closed::Expired
        }
    }
}

impl Shared {
    fn enter(&self, peer: SocketAddr, end: CancellationToken) -> u64 {
        let since = Timestamp::now();
        let mut open = self.open();
        open.last_id += 1;
        let id = open.last_id;
        open.connections.insert(id, Entry { peer, since, key: None, sessions: BTreeMap::new(), end });
        id
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last of what belongs to the connection is gone.
impl Drop for Line {
    fn drop(&mut self) {
        self.server.open().connections.remove(&self.id);
    }
}

impl Line {
    /// Changes the connection's entry in the list.
    fn in_list(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.server.open().connections.get_mut(&self.id) {
            change(entry);
        }
    }
}

/// None: for ever.
async fn sleep_until(until: Option<Timestamp>) {
    let Some(until) = until else { return std::future::pending().await };
    // The clock may be set meanwhile, and a timer knows nothing of it.
    let look_again = Duration::from_secs(60);
    while let Ok(left) = Duration::try_from(until - Timestamp::now())
        && !left.is_zero()
    {
        tokio::time::sleep(left.min(look_again)).await;
    }
}

fn closed(error: &russh::Error) -> Closed {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match error {
        russh::Error::Disconnect | russh::Error::HUP => Closed::ByClient,
        russh::Error::IO(error) if matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe) => {
            Closed::ByClient
        }
        other => {
            let mut reason = other.to_string();
            reason.truncate(reason.floor_char_boundary(limits::MAX_REASON));
            Closed::Failed(reason)
        }
    }
}

/// What is spoken. Key exchange by ML-KEM or X25519, no MAC before encryption, no compression: a client that can only do
/// with less is not let in.
fn protocol(config: &Config) -> russh::server::Config {
    let limits = &config.limits;
    let ed25519_and_what_users_have = Preferred::DEFAULT
        .key
        .iter()
        .filter(|algorithm| **algorithm != Algorithm::Rsa { hash: None })
        .cloned()
        .collect::<Vec<_>>();
    russh::server::Config {
        server_id: SshId::Standard(concat!("SSH-2.0-trunkline_", env!("CARGO_PKG_VERSION")).into()),
        methods: MethodSet::from([MethodKind::PublicKey].as_slice()),
        auth_rejection_time: limits::REFUSAL_TIME,
        // A client asks first, without a key, which methods there are. That is no try.
        auth_rejection_time_initial: Some(Duration::ZERO),
        max_auth_attempts: limits.max_tries + 1,
        keys: vec![config.host_key.private().clone()],
        limits: russh::Limits {
            rekey_write_limit: limits.rekey_bytes,
            rekey_read_limit: limits.rekey_bytes,
            rekey_time_limit: limits.rekey_time,
        },
        window_size: limits::WINDOW,
        maximum_packet_size: limits::MAX_PACKET,
        // Pieces of output on their way to the encryption: enough for one large read of each of two commands.
        event_buffer_size: 64,
        preferred: Preferred {
            kex: config.key_exchanges.names().into(),
            key: ed25519_and_what_users_have.into(),
            cipher: vec![
                cipher::AES_128_GCM,
                cipher::AES_256_GCM,
                cipher::CHACHA20_POLY1305,
                cipher::AES_256_CTR,
                cipher::AES_192_CTR,
                cipher::AES_128_CTR,
            ]
            .into(),
            mac: vec![mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM].into(),
            compression: vec![compression::NONE].into(),
            ..Preferred::DEFAULT
        },
        // The keep-alive below is what ends a silent client; an idle one that answers may stay.
        inactivity_timeout: None,
        keepalive_interval: Some(limits.keepalive),
        keepalive_max: limits.keepalive_max,
        ..russh::server::Config::default()
    }
}
