//! What is shown to log in: keys in files and agents, their certificates, passwords.

mod agent;
mod candidate;
mod file;
mod tries;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use russh::keys::Certificate;
use tokio::sync::OnceCell;

use crate::ask::Answers;
use crate::config::Settings;
use crate::machine::Hop;
use agent::Agent;
use file::KeyFile;
use tries::Asked;

pub use candidate::{Candidate, ShowError};
pub use file::KeyError;
pub use tries::Tries;

/// What is shown to log in, shared by all connections of one run: each file is read once, each passphrase and password
/// asked for once, each agent listed once. A clone is the same keyring.
#[derive(Clone)]
pub struct Keyring {
    answers: Arc<dyn Answers>,
    shelf: Arc<Mutex<Shelf>>,
}

/// What is there so far. Locked for moments only.
#[derive(Default)]
struct Shelf {
    files: HashMap<PathBuf, Arc<KeyFile>>,
    certificates: HashMap<PathBuf, Arc<CertificateFile>>,
    agents: HashMap<PathBuf, Arc<Agent>>,
    asked: HashMap<tries::Subject, Arc<Asked>>,
}

/// `None`: it is not there.
type CertificateFile = OnceCell<Result<Option<Certificate>, KeyError>>;

/// The keys to show, in this order, and what should be told when none of them is taken.
#[derive(Debug, Default)]
pub struct Candidates {
    /// The keys.
    pub keys: Vec<Candidate>,
    /// Files that a person named and that cannot be used, an agent that does not answer.
    pub notes: Vec<String>,
}

impl Keyring {
    /// An empty one.
    #[must_use]
    pub fn new(answers: Arc<dyn Answers>) -> Self {
        Self { answers, shelf: Arc::default() }
    }

    /// What to show to a host.
    pub async fn candidates(&self, settings: &Settings) -> Candidates {
        candidate::collect(self, settings).await
    }

    /// The passwords and answers for one connection.
    #[must_use]
    pub fn tries(&self, hop: &Hop) -> Tries {
        Tries::new(self.clone(), hop)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, path: &Path) -> Arc<KeyFile> {
        self.shelf().files.entry(path.to_owned()).or_insert_with(|| Arc::new(KeyFile::new(path))).clone()
    }

    async fn certificate(&self, path: &Path) -> Result<Option<Certificate>, KeyError> {
        let file = self.shelf().certificates.entry(path.to_owned()).or_default().clone();
        file.get_or_init(|| file::certificate(path)).await.clone()
    }

    fn agent(&self, path: &Path) -> Arc<Agent> {
        self.shelf().agents.entry(path.to_owned()).or_insert_with(|| Arc::new(Agent::new(path))).clone()
    }

    fn asked(&self, subject: &tries::Subject) -> Arc<Asked> {
        self.shelf().asked.entry(subject.clone()).or_default().clone()
    }
}

/// Without anything that is in it.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

#[cfg(test)]
mod tests;
