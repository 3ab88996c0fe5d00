//! What a server proves itself with.

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PublicKey};
use thiserror::Error;
use zeroize::Zeroizing;

/// The key that a server proves itself with: Ed25519, the one kind that every client of these years takes.
#[derive(Clone)]
pub struct HostKey(PrivateKey);

/// A text that is not the host key it should be.
#[derive(Debug, Error)]
pub enum HostKeyError {
    /// Not the format.
    #[error("not a private key in OpenSSH's format: {0}")]
    Format(String),
    /// Another kind.
    #[error("a key of the kind {0}; a host key must be ssh-ed25519")]
    Kind(String),
}

impl HostKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> std::io::Result<Self> {
        let mut seed = Zeroizing::new([0u8; 32]);
        rustix::rand::getrandom(&mut *seed, rustix::rand::GetRandomFlags::empty())?;
        let pair = russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&seed);
        Ok(Self(pair.into()))
    }

    /// Reads what [`HostKey::to_text`] wrote, or ssh-keygen(1).
    ///
    /// # Errors
    /// When it is no such key, or needs a passphrase.
    pub fn from_text(text: &str) -> Result<Self, HostKeyError> {
        let key = PrivateKey::from_openssh(text).map_err(|error| HostKeyError::Format(error.to_string()))?;
        if key.is_encrypted() {
            return Err(HostKeyError::Format("it needs a passphrase".into()));
        }
        match key.algorithm() {
            Algorithm::Ed25519 => Ok(Self(key)),
            other => Err(HostKeyError::Kind(other.to_string())),
        }
    }

    /// For a file that nobody else may read.
    ///
    /// # Errors
    /// As [`HostKey::from_text`].
    pub fn to_text(&self) -> Result<Zeroizing<String>, HostKeyError> {
        self.0.to_openssh(LineEnding::LF).map_err(|error| HostKeyError::Format(error.to_string()))
    }

    pub(super) fn private(&self) -> &PrivateKey {
        &self.0
    }

    /// The half that clients may know.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        self.0.public_key()
    }

    /// `SHA256:...` of that half.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.public().fingerprint(HashAlg::Sha256).to_string()
    }
}
