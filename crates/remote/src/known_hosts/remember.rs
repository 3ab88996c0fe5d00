//! A new line at the end of the file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::PublicKey;
use thiserror::Error;

use super::line::{Line, Marker};
use super::{LoadError, Place, pattern};

/// A key could not be added.
#[derive(Debug, Error)]
pub enum RememberError {
    /// No UserKnownHostsFile is set.
    #[error("there is no file for new hosts: set UserKnownHostsFile")]
    NoFile,
    /// The system's words.
    #[error("{} could not be written: {error}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What is in it could not be read.
    #[error(transparent)]
    Read(#[from] LoadError),
    /// The name would mean something else in the file.
    #[error("{0:?} cannot stand in a list of known hosts: set HostKeyAlias to a plain name")]
    Name(String),
    /// The key cannot be written as text.
    #[error("this kind of key cannot be written down: {0}")]
    Key(String),
}

/// Adds the line, unless it is there already, and tells where it stands. One process after the other does this, and
/// the line goes out in one piece behind whatever is there, finished or not.
pub(super) fn append(
    file: &Path,
    host: &str,
    key: &PublicKey,
    hash: bool,
) -> Result<(Place, Line), RememberError> {
    if host.contains(|c: char| c.is_whitespace() || c.is_control() || "*?,!|@#".contains(c)) {
        return Err(RememberError::Name(host.to_owned()));
    }
    let failed = |error| RememberError::Write { file: file.to_owned(), error };
    let key = PublicKey::from(key.key_data().clone());
    let text = key.to_openssh().map_err(|error| RememberError::Key(error.to_string()))?;
    let hosts = if hash { pattern::hashed(host).map_err(failed)? } else { host.to_owned() };
    let text = format!("{hosts} {}", text.trim_end());

    let mut opened = open(file).map_err(failed)?;
    opened.lock().map_err(failed)?;
    let before = super::read_opened(&opened, file)?;
    let shared: Arc<Path> = Arc::from(file);
    let lines = super::lines(&before, &shared);
    let same = |line: &Line| {
        line.marker == Marker::None && line.key.key_data() == key.key_data() && line.hosts.contain(host)
    };
    for (place, line) in lines {
        if let Ok(Some(line)) = line
            && same(&line)
        {
            return Ok((place, line));
        }
    }
    let unfinished = before.last().is_some_and(|byte| *byte != b'\n');
    let end = if unfinished { "\n" } else { "" };
    opened.write_all(format!("{end}{text}\n").as_bytes()).map_err(failed)?;
    let finished = before.iter().filter(|byte| **byte == b'\n').count();
    let place = Place { file: shared, line: finished + usize::from(unfinished) + 1 };
    match Line::parse(&text) {
        Ok(Some(line)) => Ok((place, line)),
        _ => Err(RememberError::Key(text)),
    }
}

/// To read and to add to. What is new is for its owner alone, as in ssh.
fn open(file: &Path) -> io::Result<File> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)
}
