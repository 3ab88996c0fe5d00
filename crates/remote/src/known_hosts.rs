//! The keys of hosts that are trusted: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
//!
//! What ssh decides is decided here, with one difference: a key that is revoked for a host is revoked on each of its ports.

mod certificate;
mod decide;
mod line;
mod name;
mod pattern;
mod refusal;
mod remember;
mod revoked;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use russh::keys::{Algorithm, Certificate, PublicKey};
use thiserror::Error;

pub use certificate::CertificateFault;
pub use decide::Admission;
pub use name::Name;
pub use refusal::{Reason, Refusal};
pub use remember::RememberError;

use crate::algorithms::Algorithms;
use line::{Line, Marker};
use revoked::RevokedKeys;

/// Bytes in one file. A hundred thousand hosts, hashed and with RSA keys, need 60 MB; a file beyond this is no list of hosts, and
/// reading on would cost memory in every run.
pub const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Lines in one file: each costs memory of its own, however short it is, and each hashed one costs time at every look-up.
pub const MAX_LINES: usize = 500_000;

/// The keys of hosts that are trusted, of one list of files. Shared by all connections that have the same list.
#[derive(Debug)]
pub struct KnownHosts {
    /// New keys are added to it.
    user: Option<PathBuf>,
    book: Mutex<Book>,
    broken: Vec<Place>,
    revoked: Option<RevokedKeys>,
    /// Held while a person is asked about a new key. Whether he has said that all new keys are right.
    asking: tokio::sync::Mutex<bool>,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// From 1.
    pub line: usize,
}

/// A key that is not the one that a host showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Where it is.
    pub place: Place,
    /// The key.
    pub key: PublicKey,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this host's, by this line.
    Known(Place),
    /// Nothing is known of this host.
    Unknown,
    /// This host has other keys, of the same kind or of other kinds; never empty.
    Changed(Vec<Other>),
    /// It must not be used any more, by this line.
    Revoked(Place),
}

/// In which order a host is asked for its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// All that are taken; those that are known of the host stand first.
    pub keys: Vec<Algorithm>,
    /// The kinds of certificates, where an authority is trusted for the host; else empty.
    pub certificates: Vec<Algorithm>,
}

/// The files could not be read. An unreadable file is never an empty one: it may say what is revoked.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The system's words.
    #[error("the keys of known hosts in {} could not be read: {error}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The list of revoked keys: without it no host can be trusted.
    #[error("RevokedHostKeys {} cannot be read, so that every key may be revoked: {error}", file.display())]
    Revoked {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is a list of revoked keys in OpenSSH's own format (PROTOCOL.krl), which is not read here.
    #[error(
        "RevokedHostKeys {} is a KRL, which is not read here: name a file with the keys themselves, one on a line",
        file.display()
    )]
    Krl {
        /// The file.
        file: PathBuf,
    },
    /// It has more than [`MAX_FILE`] bytes.
    #[error("{} has more than {MAX_FILE} bytes and is no list of known hosts", file.display())]
    Size {
        /// The file.
        file: PathBuf,
    },
    /// It has more than [`MAX_LINES`] lines.
    #[error("{} has more than {MAX_LINES} lines: take out the hosts that are gone", file.display())]
    Lines {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug)]
struct Book {
    entries: Vec<Arc<Entry>>,
    /// What was found for each host so far: hashed names make looking costly, and each host is looked for several times.
    found: HashMap<String, Vec<Arc<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    line: Line,
}

impl KnownHosts {
    /// Reads the files; those that are not there are empty. Lines that mean nothing are passed over, as ssh does, and
    /// told by [`KnownHosts::broken`].
    ///
    /// # Errors
    /// When a file is there and cannot be read, or is too large.
    pub fn load(user: &[PathBuf], global: &[PathBuf]) -> Result<Self, LoadError> {
        let (mut entries, mut broken) = (Vec::new(), Vec::new());
        for file in user.iter().chain(global) {
            let text = read(file)?;
            let file: Arc<Path> = Arc::from(file.as_path());
            for (place, line) in lines(&text, &file) {
                match line {
                    Ok(Some(line)) => entries.push(Arc::new(Entry { place, line })),
                    Ok(None) => {}
                    Err(line::Broken) => broken.push(place),
                }
            }
        }
        let book = Mutex::new(Book { entries, found: HashMap::new() });
        Ok(Self {
            user: user.first().cloned(),
            book,
            broken,
            revoked: None,
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// With the keys that a file revokes, whatever host shows them (`RevokedHostKeys`).
    ///
    /// # Errors
    /// When the file is not there, cannot be read or is too large, or is no list of keys.
    pub fn with_revoked(mut self, file: Option<&Path>) -> Result<Self, LoadError> {
        self.revoked = file.map(RevokedKeys::read).transpose()?;
        Ok(self)
    }

    /// The lines that mean nothing here.
    #[must_use]
    pub fn broken(&self) -> &[Place] {
        &self.broken
    }

    /// Whether a key is this host's.
    #[must_use]
    pub fn check(&self, name: &Name, key: &PublicKey) -> Verdict {
        if let Some(place) = self.find_for(name, Marker::Revoked, key) {
            return Verdict::Revoked(place);
        }
        let listed = self.find(&name.listed, Marker::None);
        if let Some(same) = listed.iter().find(|other| other.key.key_data() == key.key_data()) {
            return Verdict::Known(same.place.clone());
        }
        if !listed.is_empty() {
            return Verdict::Changed(listed);
        }
        match self.find_for(name, Marker::None, key) {
            Some(place) => Verdict::Known(place),
            None => Verdict::Unknown,
        }
    }

    /// Whether a certificate is this host's. One that is not from a trusted authority, or that is not valid (the second value
    /// says why), counts as the bare key in it.
    #[must_use]
    pub fn check_certificate(
        &self,
        name: &Name,
        certificate: &Certificate,
        now: SystemTime,
    ) -> (Verdict, Option<CertificateFault>) {
        let authority = PublicKey::from(certificate.signature_key().clone());
        if let Some(place) = self.find_for(name, Marker::Revoked, &authority) {
            return (Verdict::Revoked(place), None);
        }
        let bare = self.check(name, &PublicKey::from(certificate.public_key().clone()));
        if matches!(bare, Verdict::Revoked(_)) {
            return (bare, None);
        }
        match self.find_for(name, Marker::Authority, &authority) {
            None => (bare, None),
            Some(place) => match certificate::check(certificate, &name.principal, now) {
                Ok(()) => (Verdict::Known(place), None),
                Err(fault) => (bare, Some(fault)),
            },
        }
    }

    /// In which order to ask this host for its keys, so that it shows one that is known, unless a person has given the order.
    #[must_use]
    pub fn preference(&self, name: &Name, algorithms: &Algorithms) -> Preference {
        let known: Vec<Algorithm> =
            self.find_any(name, Marker::None).iter().map(|other| other.key.algorithm()).collect();
        let mut keys = algorithms.bare_host_keys();
        let mut certificates = match self.find_any(name, Marker::Authority).as_slice() {
            [] => Vec::new(),
            _ => algorithms.certified_host_keys(),
        };
        if !algorithms.host_keys_in_order {
            keys.sort_by_key(|algorithm| !known.contains(&kind(algorithm)));
            certificates.sort_by_key(|algorithm| !known.contains(&kind(algorithm)));
        }
        Preference { keys, certificates }
    }

    /// Adds a key to the first of the user's files, and makes the file if need be. Whoever else adds the same key at the same
    /// time, here or in another process, is waited for, and it is added once. Blocks.
    ///
    /// # Errors
    /// When there is no file to add to, or it cannot be written.
    pub fn remember(&self, name: &Name, key: &PublicKey, hash: bool) -> Result<(), RememberError> {
        let file = self.user.as_deref().ok_or(RememberError::NoFile)?;
        let (place, line) = remember::append(file, &name.listed, key, hash)?;
        self.lock().add(Entry { place, line });
        Ok(())
    }

    /// The keys of a host with this marker.
    fn find(&self, host: &str, marker: Marker) -> Vec<Other> {
        let entries = self.lock().entries_of(host);
        let marked = entries.iter().filter(|entry| entry.line.marker == marker);
        marked.map(|entry| Other { place: entry.place.clone(), key: entry.line.key.clone() }).collect()
    }

    /// The line that has this key, for the host with its port or without.
    fn find_for(&self, name: &Name, marker: Marker, key: &PublicKey) -> Option<Place> {
        let same = |other: &Other| other.key.key_data() == key.key_data();
        name.forms().flat_map(|form| self.find(form, marker)).find(same).map(|other| other.place)
    }

    /// The keys of the host with its port, or else without.
    fn find_any(&self, name: &Name, marker: Marker) -> Vec<Other> {
        name.forms().map(|form| self.find(form, marker)).find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn entries_of(&mut self, host: &str) -> Vec<Arc<Entry>> {
        if let Some(found) = self.found.get(host) {
            return found.clone();
        }
        let found: Vec<_> =
            self.entries.iter().filter(|entry| entry.line.hosts.contain(host)).cloned().collect();
        self.found.insert(host.to_owned(), found.clone());
        found
    }

    fn add(&mut self, entry: Entry) {
        let entry = Arc::new(entry);
        for (host, found) in &mut self.found {
            if entry.line.hosts.contain(host) {
                found.push(entry.clone());
            }
        }
        self.entries.push(entry);
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// The kind of key that an algorithm signs with: one RSA key serves several.
fn kind(algorithm: &Algorithm) -> Algorithm {
    match algorithm {
        Algorithm::Rsa { .. } => Algorithm::Rsa { hash: None },
        other => other.clone(),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, LoadError> {
    match File::open(file) {
        Ok(opened) => read_opened(&opened, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(LoadError::Read { file: file.to_owned(), error }),
    }
}

fn read_opened(opened: &File, file: &Path) -> Result<Vec<u8>, LoadError> {
    let mut text = Vec::new();
    let length = opened
        .take(MAX_FILE + 1)
        .read_to_end(&mut text)
        .map_err(|error| LoadError::Read { file: file.to_owned(), error })?;
    if u64::try_from(length).is_ok_and(|length| length > MAX_FILE) {
        return Err(LoadError::Size { file: file.to_owned() });
    }
    if text.iter().filter(|byte| **byte == b'\n').count() > MAX_LINES {
        return Err(LoadError::Lines { file: file.to_owned() });
    }
    Ok(text)
}

fn lines<'a>(
    text: &'a [u8],
    file: &'a Arc<Path>,
) -> impl Iterator<Item = (Place, Result<Option<Line>, line::Broken>)> + 'a {
    text.split(|byte| *byte == b'\n').enumerate().map(|(index, line)| {
        let place = Place { file: file.clone(), line: index + 1 };
        (place, Line::parse(&String::from_utf8_lossy(line)))
    })
}

#[cfg(test)]
mod tests;
