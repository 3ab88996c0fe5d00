//! A key to show, with whoever can sign by it; and in which order keys are shown.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::client::{AuthResult, Handle, Handler};
use russh::keys::agent::AgentIdentity;
use russh::keys::signature::Signer;
use russh::keys::ssh_encoding::Encode;
use russh::keys::ssh_key::Signature;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PublicKey};
use thiserror::Error;

use super::agent::Agent;
use super::file::{self, KeyError, KeyFile};
use super::{Candidates, Keyring};
use crate::algorithms::Algorithms;
use crate::ask::Answers;
use crate::config::Settings;

/// A key to show to a server. Its private half is touched only when the server would take the public one.
#[derive(Clone)]
pub struct Candidate {
    certificate: Option<Certificate>,
    holder: Holder,
    /// `None`: nobody may be asked.
    answers: Option<Arc<dyn Answers>>,
    /// With which signatures it may be shown.
    algorithms: Arc<Algorithms>,
}

/// Who has the private half.
#[derive(Clone)]
enum Holder {
    File(Arc<KeyFile>),
    Agent(Arc<Agent>, Arc<AgentIdentity>),
}

/// A key could not be shown. The connection is still good, but for [`ShowError::Gone`].
#[derive(Debug, Error)]
pub enum ShowError {
    /// The connection is gone.
    #[error("the connection is gone: {0}")]
    Gone(russh::Error),
    /// The file of the key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The agent does not sign.
    #[error("the agent did not sign: {0}")]
    Agent(russh::keys::Error),
    /// The key cannot sign.
    #[error("{file} cannot sign: {error}", file = file.display())]
    Sign {
        /// The file of the key.
        file: PathBuf,
        /// Why.
        error: String,
    },
    /// The person wants no such signatures.
    #[error("PubkeyAcceptedAlgorithms leaves it out")]
    NotWanted,
    /// The server takes signatures of RSA keys by SHA-1 only.
    #[error("the server takes RSA keys only with SHA-1, which is not safe: use an ed25519 key there")]
    Sha1,
}

impl Candidate {
    /// Logs in by this key, if the server takes it.
    ///
    /// # Errors
    /// When it could not be shown; the next one may be.
    pub async fn show<H: Handler>(
        &self,
        session: &mut Handle<H>,
        user: &str,
    ) -> Result<AuthResult, ShowError> {
        let public = self.public().await?;
        let hash = match public.algorithm() {
            Algorithm::Rsa { .. } => {
                let best = session.best_supported_rsa_hash().await.map_err(ShowError::Gone)?;
                self.rsa_hash(best)?
            }
            algorithm if self.shows(&algorithm) => None,
            _ => return Err(ShowError::NotWanted),
        };
        let mut signer = Signing(self);
        match &self.certificate {
            Some(certificate) => {
                session.authenticate_certificate_with(user, certificate.clone(), hash, &mut signer).await
            }
            None => session.authenticate_publickey_with(user, public, hash, &mut signer).await,
        }
    }

    fn shows(&self, signature: &Algorithm) -> bool {
        self.algorithms.shows(signature, self.certificate.is_some())
    }

    /// With what to sign by an RSA key, from the best that the server takes down to what the person wants.
    fn rsa_hash(&self, best: Option<Option<HashAlg>>) -> Result<Option<HashAlg>, ShowError> {
        let offers: &[Option<HashAlg>] = match best {
            Some(None) => &[None],
            Some(Some(HashAlg::Sha512)) => &[Some(HashAlg::Sha512), Some(HashAlg::Sha256), None],
            // Where it does not say: a server that knows SHA-2 at all knows this.
            _ => &[Some(HashAlg::Sha256), Some(HashAlg::Sha512), None],
        };
        let wanted = offers.iter().find(|hash| self.shows(&Algorithm::Rsa { hash: **hash }));
        wanted.copied().ok_or(if best == Some(None) { ShowError::Sha1 } else { ShowError::NotWanted })
    }

    /// Asks for a passphrase only where the file alone has the public half, and does not show it without.
    async fn public(&self) -> Result<PublicKey, KeyError> {
        match &self.holder {
            Holder::Agent(_, identity) => Ok(identity.public_key().into_owned()),
            Holder::File(file) => match &file.seen().await.public {
                Some(public) => Ok(public.clone()),
                None => Ok(file.private(self.answers.as_deref()).await?.public_key().clone()),
            },
        }
    }
}

/// Signs for russh, which asks when the server has said that it takes the public half.
struct Signing<'a>(&'a Candidate);

impl russh::Signer for Signing<'_> {
    type Error = ShowError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        mut data: Vec<u8>,
    ) -> Result<Vec<u8>, ShowError> {
        match &self.0.holder {
            Holder::Agent(agent, identity) => {
                agent.sign(identity, hash, data).await.map_err(ShowError::Agent)
            }
            Holder::File(file) => {
                let failed = |error: String| ShowError::Sign { file: file.path.clone(), error };
                let key = file.private(self.0.answers.as_deref()).await?;
                let signed = if is_quick(&key) {
                    sign(&key, hash, &data)
                } else {
                    let data = data.clone();
                    let signing = tokio::task::spawn_blocking(move || sign(&key, hash, &data));
                    signing.await.map_err(|error| failed(error.to_string()))?
                };
                let signature = signed.map_err(|error| failed(error.to_string()))?;
                signature.encode_prefixed(&mut data).map_err(|error| failed(error.to_string()))?;
                Ok(data)
            }
        }
    }
}

impl From<russh::SendError> for ShowError {
    fn from(_: russh::SendError) -> Self {
        Self::Gone(russh::Error::SendError)
    }
}

/// Whether a signature takes less time than a thread that makes it. RSA takes milliseconds, in which hundreds of connections
/// would wait.
fn is_quick(key: &PrivateKey) -> bool {
    matches!(key.key_data(), KeypairData::Ed25519(_))
}

fn sign(key: &PrivateKey, hash: Option<HashAlg>, data: &[u8]) -> russh::keys::signature::Result<Signature> {
    match key.key_data() {
        KeypairData::Rsa(pair) => (pair, hash).try_sign(data),
        _ => key.try_sign(data),
    }
}

/// Its file, or where the agent has it, its comment or else its fingerprint.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.certificate.is_some() {
            f.write_str("the certificate of ")?;
        }
        let identity = match &self.holder {
            Holder::File(file) => return write!(f, "{}", file.path.display()),
            Holder::Agent(_, identity) => identity,
        };
        match &**identity {
            AgentIdentity::PublicKey { comment, .. } | AgentIdentity::Certificate { comment, .. }
                if !comment.is_empty() =>
            {
                write!(f, "the agent's key '{comment}'")
            }
            identity => write!(f, "the agent's key {}", identity.public_key().fingerprint(HashAlg::Sha256)),
        }
    }
}

/// Nothing of its private half.
impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({self})")
    }
}

/// Certificates, then keys of the agent that the person's files name, then the agent's others, then files.
pub(super) async fn collect(keyring: &Keyring, settings: &Settings) -> Candidates {
    let answers = settings.ask.then(|| keyring.answers.clone());
    let mut all = Collection {
        keyring,
        answers,
        notes: Vec::new(),
        files: Vec::new(),
        agent: Vec::new(),
        algorithms: Arc::new(settings.algorithms.clone()),
    };
    all.list_files(settings);
    all.list_agent(settings).await;
    all.tell_useless_files(settings).await;
    let mut keys = all.certified(settings).await;
    keys.extend(all.plain(settings).await);
    Candidates { keys, notes: all.notes }
}

struct Collection<'a> {
    keyring: &'a Keyring,
    answers: Option<Arc<dyn Answers>>,
    notes: Vec<String>,
    files: Vec<Arc<KeyFile>>,
    agent: Vec<(Arc<Agent>, Arc<AgentIdentity>)>,
    algorithms: Arc<Algorithms>,
}

impl Collection<'_> {
    fn list_files(&mut self, settings: &Settings) {
        for identity in &settings.identity_files {
            let file = self.keyring.file(&identity.path);
            if !self.files.iter().any(|known| Arc::ptr_eq(known, &file)) {
                self.files.push(file);
            }
        }
    }

    async fn list_agent(&mut self, settings: &Settings) {
        let Some(path) = &settings.agent else { return };
        let agent = self.keyring.agent(path);
        match agent.keys().await {
            Ok(keys) => self.agent.extend(keys.iter().map(|key| (agent.clone(), key.clone()))),
            Err(error) => self.notes.push(error.clone()),
        }
    }

    /// Files without a private half that is not in the agent either; those that nobody has named only if they are there.
    async fn tell_useless_files(&mut self, settings: &Settings) {
        for identity in &settings.identity_files {
            let file = self.keyring.file(&identity.path);
            let seen = file.seen().await;
            if let Err(error) = &seen.private
                && (identity.named || !seen.absent)
                && seen.public.as_ref().is_none_or(|key| self.in_agent(key).is_none())
            {
                self.notes.push(error.to_string());
            }
        }
    }

    async fn certified(&mut self, settings: &Settings) -> Vec<Candidate> {
        let mut keys: Vec<Candidate> = Vec::new();
        let mut paths: Vec<(PathBuf, bool)> =
            settings.certificate_files.iter().map(|path| (path.clone(), true)).collect();
        if paths.is_empty() {
            paths.extend(self.files.iter().map(|file| (file::with_suffix(&file.path, "-cert.pub"), false)));
        }
        for (path, named) in paths {
            let Some(certificate) = self.certificate(&path, named).await else { continue };
            match self.holder(&PublicKey::from(certificate.public_key().clone())).await {
                Some(holder) => keys.push(self.candidate(Some(certificate), holder)),
                None => self.notes.push(format!(
                    "the private key of the certificate {} is in no file that is named, and not in the agent",
                    path.display()
                )),
            }
        }
        for (agent, identity) in &self.agent {
            let AgentIdentity::Certificate { certificate, .. } = &**identity else { continue };
            let is_new = !keys.iter().any(|key| {
                key.certificate.as_ref().is_some_and(|known| known.signature() == certificate.signature())
            });
            let is_wanted = !settings.identities_only || self.file_of(&identity.public_key()).await.is_some();
            if is_new && is_wanted {
                keys.push(
                    self.candidate(Some(certificate.clone()), Holder::Agent(agent.clone(), identity.clone())),
                );
            }
        }
        keys
    }

    async fn plain(&self, settings: &Settings) -> Vec<Candidate> {
        let (mut named, mut others, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for (agent, identity) in &self.agent {
            let AgentIdentity::PublicKey { key, .. } = &**identity else { continue };
            let candidate = self.candidate(None, Holder::Agent(agent.clone(), identity.clone()));
            if self.file_of(key).await.is_some() {
                named.push(candidate);
            } else if !settings.identities_only {
                others.push(candidate);
            }
        }
        for file in &self.files {
            let seen = file.seen().await;
            let in_agent = seen.public.as_ref().is_some_and(|key| self.in_agent(key).is_some());
            if seen.private.is_ok() && !in_agent {
                files.push(self.candidate(None, Holder::File(file.clone())));
            }
        }
        named.into_iter().chain(others).chain(files).collect()
    }

    fn candidate(&self, certificate: Option<Certificate>, holder: Holder) -> Candidate {
        let (answers, algorithms) = (self.answers.clone(), Arc::clone(&self.algorithms));
        Candidate { certificate, holder, answers, algorithms }
    }

    /// Who can sign by this key.
    async fn holder(&self, key: &PublicKey) -> Option<Holder> {
        if let Some((agent, identity)) = self.in_agent(key) {
            return Some(Holder::Agent(agent.clone(), identity.clone()));
        }
        let file = self.file_of(key).await?;
        file.seen().await.private.is_ok().then(|| Holder::File(file.clone()))
    }

    fn in_agent(&self, key: &PublicKey) -> Option<&(Arc<Agent>, Arc<AgentIdentity>)> {
        self.agent.iter().find(|(_, identity)| {
            matches!(&**identity, AgentIdentity::PublicKey { key: held, .. } if held.key_data() == key.key_data())
        })
    }

    async fn file_of(&self, key: &PublicKey) -> Option<&Arc<KeyFile>> {
        for file in &self.files {
            if file.seen().await.public.as_ref().is_some_and(|public| public.key_data() == key.key_data()) {
                return Some(file);
            }
        }
        None
    }

    async fn certificate(&mut self, path: &Path, named: bool) -> Option<Certificate> {
        match self.keyring.certificate(path).await {
            Ok(Some(certificate)) if certificate.cert_type() == CertType::User => return Some(certificate),
            Ok(Some(_)) => {
                self.notes.push(format!("{} is the certificate of a host, not of a user", path.display()));
            }
            Ok(None) if named => self.notes.push(format!("the certificate {} is not there", path.display())),
            Ok(None) => {}
            Err(error) => self.notes.push(error.to_string()),
        }
        None
    }
}
