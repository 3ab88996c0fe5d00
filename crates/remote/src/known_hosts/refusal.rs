//! Why a host is not trusted, in words.

use std::fmt;
use std::path::Path;

use russh::keys::{Algorithm, HashAlg, PublicKey};

use super::{Name, Other, Place};

/// Why a host is not trusted. Its text says what happened, what it may mean, and how to mend it; it has several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The host.
    pub name: Name,
    /// The key that it showed.
    pub key: PublicKey,
    /// Why.
    pub reason: Reason,
}

/// What is wrong with a host's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is not known, and nobody said that it is right.
    Unknown,
    /// It has other keys.
    Changed(Vec<Other>),
    /// It must not be used any more.
    Revoked(Place),
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, key, .. } = self;
        let (kind, shown) = (kind(key), fingerprint(key));
        match &self.reason {
            Reason::Unknown => write!(
                f,
                "{name} is not known, and nobody confirmed its {kind} key {shown}\n\
                 Compare it with what `ssh-keygen -lf` says of the key on that machine, then connect once at a terminal \
                 and answer yes, or allow new machines with -o StrictHostKeyChecking=accept-new"
            ),
            Reason::Changed(others) => {
                writeln!(f, "THE KEY OF {name} HAS CHANGED")?;
                writeln!(f, "It shows now:  {kind} {shown}")?;
                for Other { place, key } in others {
                    writeln!(f, "Known until now:  {} {}, in {place}", self::kind(key), fingerprint(key))?;
                }
                writeln!(
                    f,
                    "Either the machine was set up anew, or its address now belongs to another machine, or somebody \
                     stands between you and it and would read all that you send, passwords too"
                )?;
                write!(
                    f,
                    "Ask whoever runs it for the fingerprint; only if it is the one above, forget the old key:"
                )?;
                let mut files: Vec<&Path> = others.iter().map(|other| &*other.place.file).collect();
                files.dedup();
                files.iter().try_for_each(|file| {
                    write!(
                        f,
                        "\n  ssh-keygen -f {} -R {}",
                        quoted(&file.to_string_lossy()),
                        quoted(&name.listed)
                    )
                })
            }
            Reason::Revoked(place) => write!(
                f,
                "THE {kind} KEY OF {name} IS REVOKED by {place}\n\
                 It shows {shown}, which may have been stolen: whoever answers may be another machine\n\
                 Have the machine given a new key; if the line is wrong, take it out"
            ),
        }
    }
}

/// `ED25519`, as ssh calls it.
pub(super) fn kind(key: &PublicKey) -> String {
    match key.algorithm() {
        Algorithm::Dsa => "DSA".to_owned(),
        Algorithm::Ecdsa { .. } => "ECDSA".to_owned(),
        Algorithm::Ed25519 => "ED25519".to_owned(),
        Algorithm::Rsa { .. } => "RSA".to_owned(),
        Algorithm::SkEcdsaSha2NistP256 => "ECDSA-SK".to_owned(),
        Algorithm::SkEd25519 => "ED25519-SK".to_owned(),
        other => other.to_string(),
    }
}

/// `SHA256:...`, as `ssh-keygen -l` shows it.
pub(super) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// So that a shell takes it as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
