//! Who may log in, and what for.

use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;

use jiff::Timestamp;
use russh::keys::{Certificate, HashAlg, PublicKey};
use thiserror::Error;

use crate::authorized_keys::Forwarding;

/// Decides who may log in. That the user is the right one, and that the key is really his, is seen to elsewhere.
pub trait Access: Send + Sync + 'static {
    /// Whether this key or certificate is let in, and what it may do.
    ///
    /// It is asked for a key that somebody only claims to have, too, and again when he has proved it.
    fn judge(&self, login: Login) -> Judging<'_>;

    /// Whether any certificate may be let in. Then a key that is not known is asked for a proof all the same: the
    /// protocol's library does not say of which certificate it is until then.
    fn takes_certificates(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}

/// A decision under way.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Result<Grant, Refusal>> + Send + 'a>>;

/// Somebody who wants in.
#[derive(Clone, Debug)]
pub struct Login {
    /// As whom.
    pub user: String,
    /// With what.
    pub credential: Credential,
    /// From where.
    pub address: IpAddr,
    /// When.
    pub now: Timestamp,
}

/// What somebody shows.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A key.
    Key(PublicKey),
    /// A certificate, within its time and with a right signature of whoever signed it.
    Certificate(Box<Certificate>),
}

impl Credential {
    /// `SHA256:...` of whoever signed the certificate; None for a key.
    #[must_use]
    pub fn authority(&self) -> Option<String> {
        match self {
            Self::Key(_) => None,
            Self::Certificate(certificate) => {
                Some(certificate.signature_key().fingerprint(HashAlg::Sha256).to_string())
            }
        }
    }

    /// `SHA256:...` of the key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Key(key) => key.fingerprint(HashAlg::Sha256).to_string(),
            Self::Certificate(certificate) => {
                certificate.public_key().fingerprint(HashAlg::Sha256).to_string()
            }
        }
    }
}

/// What somebody who is in may do.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Whose key it is.
    pub label: String,
    /// Runs in place of whatever is asked for. `internal-sftp` stands for the SFTP server in here.
    pub command: Option<String>,
    /// Terminals are given.
    pub pty: bool,
    /// Connections are passed on, if the server passes on any.
    pub forwarding: Forwarding,
    /// Then the connection is ended.
    pub until: Option<Timestamp>,
}

/// Why somebody is not let in. He is told none of it.
#[derive(Debug, Error)]
pub enum Refusal {
    /// Only who started the server may log in.
    #[error("only {0} may log in here")]
    User(String),
    /// The server runs as root.
    #[error("root may not log in here (--allow-root)")]
    Root,
    /// Nobody knows the key.
    #[error("the key is not known here")]
    Unknown,
    /// `from=`, or `source-address` of a certificate.
    #[error("{place}: the key does not count from {address}")]
    From {
        /// `file:line`, or which certificate.
        place: String,
        /// Where it came from.
        address: IpAddr,
    },
    /// `expiry-time=`.
    #[error("{0}: the key's time is over")]
    Expired(String),
    /// Something is wrong with a certificate.
    #[error("certificate {id}: {wrong}")]
    Certificate {
        /// Its identity.
        id: String,
        /// What is wrong.
        wrong: String,
    },
    /// It signs with SHA-1.
    #[error("the client signs with SHA-1 (ssh-rsa), which is broken")]
    Algorithm,
    /// More keys than a connection may show.
    #[error("the client has shown more than {0} keys")]
    Offers(usize),
    /// The keys cannot be read.
    #[error("{file}: {wrong}")]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong, and how to mend it.
        wrong: String,
    },
}
