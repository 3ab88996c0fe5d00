//! Our own file of keys that are let in by `up --ssh`, beside `~/.ssh/authorized_keys` and in the same format
//! ([`remote::authorized_keys`]). Every line that a change is not about stays as it is, byte by byte.
//!
//! ```
//! use node::allow::{self, Terms};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("allow");
//! let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJeCwZ7tb8b9jqOjrtx3MfPmDxCGEF+d+ELep1S6YNZQ ann";
//! allow::add(&path, key, &Terms { only: Some("uptime".to_owned()), ..Terms::default() })?;
//! assert_eq!(std::fs::read_to_string(&path)?, format!("restrict,pty,command=\"uptime\" {key}\n"));
//! assert_eq!(allow::list(&path)?.lines[0].comment, "ann");
//! allow::remove(&path, "ann")?;
//! assert!(allow::list(&path)?.lines.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use net::Untrusted;
use remote::authorized_keys::AuthorizedKeys;
use thiserror::Error;

use crate::store::{Store, StoreError};

#[cfg(test)]
mod tests;

pub use remote::authorized_keys::Line;

/// What a key may do, and what it is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// From then on it lets nobody in. Kept to the second.
    pub until: Option<Timestamp>,
    /// Runs in place of whatever is asked for; and no connection is passed on.
    pub only: Option<String>,
    /// It is not let in itself, but whoever has a certificate that it has signed.
    pub authority: bool,
    /// Whose it is, in place of the comment behind the key.
    pub label: Option<String>,
}

/// Why the file was not changed, or not read.
#[derive(Debug, Error)]
pub enum AllowError {
    /// The system refuses.
    #[error(transparent)]
    System(#[from] StoreError),
    /// The file cannot be read.
    #[error("reading {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The half of a key that nobody else may have.
    #[error(
        "this is a private key, which stays with its owner; what is needed is the public half, the file that ends in .pub"
    )]
    Private,
    /// The text is no public key.
    #[error("not a public key: {0}")]
    NotAKey(String),
    /// More than one, or none.
    #[error("one public key is needed, and there are {0}")]
    Count(usize),
    /// Options stand in front of the key, which were not asked for.
    #[error(
        "options stand in front of the key; give the key alone, with --until and --only where they are wanted"
    )]
    Options,
    /// It would not be read back as it is meant.
    #[error("{what} cannot be written into {}: {wrong}", path.display())]
    Unwritable {
        /// The option.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        wrong: String,
    },
    /// The key is in the file.
    #[error("the key is in {}:{line} already{}", path.display(), Labelled(label))]
    Exists {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Its label.
        label: String,
    },
    /// No key is meant.
    #[error("{} is not in {}", Untrusted::from(which.as_str()), path.display())]
    Nobody {
        /// What was said.
        which: String,
        /// The file.
        path: PathBuf,
    },
    /// Several keys have the label.
    #[error("{} may be any of {}", Untrusted::from(which.as_str()), fingerprints.join(", "))]
    Several {
        /// The label.
        which: String,
        /// The keys.
        fingerprints: Vec<String>,
    },
}

/// Reads the one public key in a text, as a file `id_ed25519.pub` has it.
///
/// # Errors
/// When it is none, or a private one.
pub fn key(text: &str) -> Result<Line, AllowError> {
    if text.contains("PRIVATE KEY-----") {
        return Err(AllowError::Private);
    }
    let read = AuthorizedKeys::parse(Path::new(""), text.as_bytes());
    if let Some(note) = read.notes.into_iter().next() {
        return Err(AllowError::NotAKey(note.text));
    }
    match <[Line; 1]>::try_from(read.lines) {
        Ok([line]) => Ok(line),
        Err(lines) => Err(AllowError::Count(lines.len())),
    }
}

/// Lets a key in; gives its line. A missing file is made, with mode 0600 in a folder of mode 0700.
///
/// # Errors
/// When the text is no single public key, or its key is in the file, or the terms cannot be written down.
pub fn add(path: &Path, text: &str, terms: &Terms) -> Result<Line, AllowError> {
    let asked = key(text)?;
    let kind = asked.key.algorithm();
    if !text.lines().any(|line| line.trim_start().starts_with(kind.as_str())) {
        return Err(AllowError::Options);
    }
    let written = write(path, &asked, terms)?;
    let store = Store::open(path)?;
    let mut bytes = store.read().map_err(unreadable(path))?;
    let there = AuthorizedKeys::parse(path, &bytes);
    if let Some(line) = there.lines.iter().find(|line| line.key.key_data() == asked.key.key_data()) {
        let (line, label) = (line.number, line.comment.clone());
        return Err(AllowError::Exists { path: path.to_owned(), line, label });
    }
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(written.as_bytes());
    store.replace(&bytes)?;
    key(&written)
}

/// The keys in the file, and what in it lets nobody in. A missing file has none.
///
/// # Errors
/// When it cannot be read.
pub fn list(path: &Path) -> Result<AuthorizedKeys, AllowError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(AuthorizedKeys::parse(path, &bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(AuthorizedKeys::default()),
        Err(error) => Err(unreadable(path)(error)),
    }
}

/// Takes out every line of one key, which is meant by its label, its fingerprint (`SHA256:...`) or its own text. Gives
/// these lines.
///
/// # Errors
/// When no key is meant, or more than one.
pub fn remove(path: &Path, which: &str) -> Result<Vec<Line>, AllowError> {
    let store = Store::open(path)?;
    let bytes = store.read().map_err(unreadable(path))?;
    let text = key(which).ok();
    let is_meant = |line: &Line| match &text {
        Some(meant) => meant.key.key_data() == line.key.key_data(),
        None => line.comment == which || line.fingerprint() == which,
    };
    let lines: Vec<Line> = AuthorizedKeys::parse(path, &bytes).lines.into_iter().filter(is_meant).collect();
    let mut fingerprints: Vec<String> = lines.iter().map(Line::fingerprint).collect();
    fingerprints.sort();
    fingerprints.dedup();
    match fingerprints.len() {
        0 => return Err(AllowError::Nobody { which: which.to_owned(), path: path.to_owned() }),
        1 => {}
        _ => return Err(AllowError::Several { which: which.to_owned(), fingerprints }),
    }
    let goes = |number| lines.iter().any(|line| line.number == number);
    let stays = (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')).filter(|(number, _)| !goes(*number));
    store.replace(&stays.flat_map(|(_, line)| line).copied().collect::<Vec<u8>>())?;
    Ok(lines)
}

/// The line of a key, which is read back to see that it says what is meant.
fn write(path: &Path, asked: &Line, terms: &Terms) -> Result<String, AllowError> {
    let unwritable =
        |what, wrong: &str| AllowError::Unwritable { what, path: path.to_owned(), wrong: wrong.to_owned() };
    let until = terms.until.map(|until| until.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string());
    let label = terms.label.as_deref().unwrap_or(&asked.comment).trim();
    let options = [
        terms.authority.then(|| "cert-authority".to_owned()),
        until.map(|until| format!("expiry-time=\"{until}\"")),
        terms.only.as_ref().map(|only| format!("restrict,pty,command=\"{}\"", only.replace('"', "\\\""))),
    ];
    let options = options.into_iter().flatten().collect::<Vec<_>>().join(",");
    let public = asked.key.to_openssh().map_err(|error| AllowError::NotAKey(error.to_string()))?;
    let line = format!("{options} {} {label}", public.trim());
    let line = line.trim().to_owned() + "\n";
    for (what, text) in [("--name", Some(label)), ("--only", terms.only.as_deref())] {
        if text.is_some_and(|text| text.contains(char::is_control)) {
            return Err(unwritable(what, "a control character is in it"));
        }
    }
    let back = key(&line).map_err(|error| unwritable("--only", &error.to_string()))?;
    if back.options.command != terms.only {
        return Err(unwritable("--only", "a backslash in it would mean something else"));
    }
    Ok(line)
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> AllowError {
    move |error| AllowError::Read { path: path.to_owned(), error }
}

/// `, as ann`, where there is a label.
struct Labelled<'a>(&'a str);

impl std::fmt::Display for Labelled<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ", as {}", Untrusted::from(self.0)) }
    }
}
