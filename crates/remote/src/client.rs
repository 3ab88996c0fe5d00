//! SSH to machines (RFC 4251 to 4254), by russh.
//!
//! A machine behind others is reached by channels through them. Their connections are shared: three hundred machines behind
//! a gate make one connection to it, and whoever waits for it shares its failure too. A slow reader of one machine then makes
//! all behind the same gate wait, since russh has one queue for a connection; whoever runs many reads them all.

mod connection;
mod gates;
mod handler;
mod line;
mod login;
mod session;
mod terms;
mod tunnel;
mod words;

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use russh::client::Handle;
use tokio_util::sync::CancellationToken;

pub use connection::Connection;
pub(crate) use connection::GOODBYE;
pub use session::{Running, StandardInput};

use crate::ask::{Answers, Asking};
use crate::command::Command;
use crate::config::Settings;
use crate::dial::Dial;
use crate::identity::Keyring;
use crate::known_hosts::{Admission, KnownHosts, Name};
use crate::machine::{Hop, Machine};
use crate::outcome::{ConnectError, Unreachable};
use crate::transport::{Doing, Transport};
use gates::Gates;
use handler::{Banners, Failure, Handler, in_words};
use line::{FirstWords, Line};
use words::LastWords;
pub(crate) use words::capped;

/// Runs commands by SSH.
pub struct Client {
    dial: Arc<dyn Dial>,
    answers: Arc<Asking>,
    keyring: Keyring,
    flow: Flow,
    known_hosts: Mutex<HashMap<Files, Arc<KnownHosts>>>,
    gates: Gates,
}

/// The user's files of known hosts, the machine's, and that of revoked keys.
type Files = (Vec<PathBuf>, Vec<PathBuf>, Option<PathBuf>);

/// On the way to a machine.
type Reaching<'a> = Pin<Box<dyn Future<Output = Result<Connection, Unreachable>> + Send + 'a>>;

/// How much a machine may send ahead of whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Bytes that may be under way: at most this much arrives in one round trip.
    pub window: u32,
    /// Messages that wait to be read, of at most 32 KiB each, before the machine has to wait.
    pub ahead: usize,
}

impl Flow {
    /// For one machine: at most 1 MiB waits.
    pub const ONE: Self = Self { window: 2 * 1024 * 1024, ahead: 32 };

    /// For each of many: at most 128 KiB wait, so that a thousand machines that are not read have 128 MiB.
    pub const MANY: Self = Self { window: 256 * 1024, ahead: 4 };
}

impl Client {
    /// A client that has no connection yet, nor a key.
    #[must_use]
    pub fn new(dial: Arc<dyn Dial>, answers: Arc<dyn Answers>, flow: Flow) -> Self {
        let answers = Arc::new(Asking::new(answers));
        let keyring = Keyring::new(answers.clone());
        Self { dial, answers, keyring, flow, known_hosts: Mutex::default(), gates: Gates::default() }
    }

    /// How much each machine may send ahead.
    pub(crate) fn flow(&self) -> Flow {
        self.flow
    }

    /// Connects to a machine and logs in there.
    ///
    /// # Errors
    /// With the hop that failed, and why.
    pub async fn connect(&self, machine: &Machine, doing: &Doing) -> Result<Connection, Unreachable> {
        doing.heed(&self.answers);
        let gate = self.gate(&machine.via, doing).await?;
        self.hop(&machine.end, gate, doing).await
    }

    /// In a box: else each future that waits for it would have room for it, and each crate that connects would have it and russh
    /// compiled into it once more.
    fn hop<'a>(&'a self, hop: &'a Hop, through: Option<Arc<Connection>>, doing: &'a Doing) -> Reaching<'a> {
        Box::pin(async move {
            let reached = self.reach(hop, through, doing).await;
            reached.map_err(|reason| Unreachable { hop: hop.to_string(), reason })
        })
    }

    async fn reach(
        &self,
        hop: &Hop,
        through: Option<Arc<Connection>>,
        doing: &Doing,
    ) -> Result<Connection, ConnectError> {
        let cut = CancellationToken::new();
        let guard = cut.clone().drop_guard();
        doing.begin(hop, "looking up and connecting");
        let stream = match &through {
            None => self.dial.dial(&hop.host, hop.port).await,
            Some(gate) => gate.tunnel(hop, cut.clone()).await,
        };
        doing.begin(hop, "the handshake");
        let line = Line::new(stream.map_err(ConnectError::Dial)?, cut.clone());
        let hear_out = line.hear_out();
        let (handle, last_words, admission) = self.shake_hands(hop, line, cut).await?;
        let mut connection =
            Connection { hop: hop.clone(), handle, last_words, hear_out, _cut: guard, _through: through };
        admission.notes.iter().for_each(|note| self.answers.note(hop, note));
        doing.begin(hop, login::LOGGING_IN);
        self.log_in(&mut connection, admission.keys_only, doing).await?;
        Ok(connection)
    }

    async fn shake_hands(
        &self,
        hop: &Hop,
        line: Line,
        cut: CancellationToken,
    ) -> Result<(Handle<Handler>, LastWords, Admission), ConnectError> {
        let known_hosts = self.known_hosts(hop)?;
        let preference = known_hosts.preference(&Name::of(hop), &hop.settings.algorithms);
        let terms = terms::terms(&hop.settings, preference, self.flow)?;
        let (last_words, admission) = <(LastWords, Arc<OnceLock<Admission>>)>::default();
        let first_words = line.first_words();
        let handler = Handler {
            hop: hop.clone(),
            answers: self.answers.clone(),
            known_hosts,
            admission: Arc::clone(&admission),
            last_words: last_words.clone(),
            cut,
            banners: Banners::default(),
        };
        let shaken = russh::client::connect_stream(terms, line, handler).await;
        let handle = shaken.map_err(|failure| no_handshake(failure, &first_words, &last_words))?;
        Ok((handle, last_words, admission.get().cloned().unwrap_or_default()))
    }

    /// Read once for each list of files; what is broken in them is told then.
    fn known_hosts(&self, hop: &Hop) -> Result<Arc<KnownHosts>, ConnectError> {
        let Settings { user_known_hosts, global_known_hosts, revoked_host_keys, .. } = &*hop.settings;
        let files = (user_known_hosts.clone(), global_known_hosts.clone(), revoked_host_keys.clone());
        let mut read = self.known_hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known_hosts) = read.get(&files) {
            return Ok(Arc::clone(known_hosts));
        }
        let known_hosts = KnownHosts::load(&files.0, &files.1)
            .and_then(|known_hosts| known_hosts.with_revoked(files.2.as_deref()));
        let known_hosts = Arc::new(known_hosts.map_err(|error| ConnectError::Own(error.to_string()))?);
        read.insert(files, Arc::clone(&known_hosts));
        if let [first, others @ ..] = known_hosts.broken() {
            let others =
                if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
            self.answers
                .note(hop, &format!("lines passed over, which name no host and key: {first}{others}"));
        }
        Ok(known_hosts)
    }
}

/// Why there was no handshake.
fn no_handshake(failure: Failure, first_words: &FirstWords, last_words: &LastWords) -> ConnectError {
    let first_words = first_words.text();
    let reason = match failure {
        Failure::HostKey(refusal) => return ConnectError::HostKey(refusal.to_string()),
        _ if first_words.is_empty() => "it hung up without a word".to_owned(),
        _ if !first_words.lines().any(|line| line.starts_with("SSH-")) => {
            format!("it does not speak SSH, but said: {}", capped(&first_words))
        }
        Failure::Russh(russh::Error::NoCommonAlgo { kind, theirs, .. }) => {
            capped(&format!("nothing in common ({kind:?}); it has: {}", theirs.join(", ")))
        }
        failure => last_words.heard().unwrap_or_else(|| in_words(&failure)),
    };
    ConnectError::Handshake(reason)
}

impl Transport for Client {
    type Session = Running;

    async fn start(
        &self,
        machine: &Machine,
        command: &Command,
        doing: &Doing,
    ) -> Result<Running, Unreachable> {
        let connection = self.connect(machine, doing).await?;
        doing.begin(&machine.end, "starting the command");
        let started = Running::start(connection, command).await;
        started.map_err(|reason| Unreachable { hop: machine.end.to_string(), reason })
    }
}
