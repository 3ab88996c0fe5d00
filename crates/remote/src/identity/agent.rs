//! Keys that an agent holds (draft-miller-ssh-agent).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use russh::keys::HashAlg;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use tokio::sync::{Mutex, OnceCell};

/// How long an agent may take to say what it holds. It has the keys in memory; one that takes longer hangs, and must not hold
/// up machines that need no agent.
const LISTING: Duration = Duration::from_secs(5);

/// Keys that are looked at; an agent with more is asked no further. Each is shown to each machine, and servers end a connection
/// after a few.
pub(super) const MAX_KEYS: usize = 256;

/// An agent.
#[derive(Debug)]
pub(super) struct Agent {
    path: PathBuf,
    keys: OnceCell<Result<Vec<Arc<AgentIdentity>>, String>>,
    /// Some agents fail when they are asked for several signatures at once, and some ask a person each time.
    turn: Mutex<()>,
}

impl Agent {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), keys: OnceCell::new(), turn: Mutex::default() }
    }

    /// What it holds, or why it does not say.
    pub(super) async fn keys(&self) -> &Result<Vec<Arc<AgentIdentity>>, String> {
        self.keys.get_or_init(|| self.list()).await
    }

    async fn list(&self) -> Result<Vec<Arc<AgentIdentity>>, String> {
        let listing = async { AgentClient::connect_uds(&self.path).await?.request_identities().await };
        match tokio::time::timeout(LISTING, listing).await {
            Ok(Ok(mut keys)) => {
                keys.truncate(MAX_KEYS);
                Ok(keys.into_iter().map(Arc::new).collect())
            }
            Ok(Err(error)) => Err(format!("the agent at {} does not answer: {error}", self.path.display())),
            Err(_) => Err(format!("the agent at {} says nothing for {LISTING:?}", self.path.display())),
        }
    }

    /// What was to be signed, with the signature after it, as russh wants it.
    ///
    /// # Errors
    /// When it does not sign: its person said no, or the key is gone.
    pub(super) async fn sign(
        &self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, russh::keys::Error> {
        let _turn = self.turn.lock().await;
        // A connection of its own: if this is dropped half-way, the next must not read its answer.
        AgentClient::connect_uds(&self.path).await?.sign_request(key, hash, data).await
    }
}
