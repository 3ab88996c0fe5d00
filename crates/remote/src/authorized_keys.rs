//! `authorized_keys`, as sshd(8) describes it under "AUTHORIZED_KEYS FILE FORMAT": whose keys are let in, and what each may
//! do. Our own file of allowed keys has the same format, so that one parser, and one page of manual, serves both:
//! `expiry-time="202611231700",command="uptime" ssh-ed25519 AAAA... ann` is ann until five o'clock, for one command.
//!
//! A line that is not understood lets nobody in and is told as a [`Note`]; the lines around it count. That holds for an
//! option that is not known, too: it may have been meant to forbid something.
//!
//! Three things differ from sshd: `environment=` is read and not obeyed; keys that live in a security key (`sk-...`) are
//! not taken, since whether somebody touched it cannot be checked here; and `from=` knows addresses only, as no names of
//! hosts are looked up.

mod options;
mod pattern;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use russh::keys::{Algorithm, HashAlg, PublicKey};

pub use options::{Forwarding, Options, PermitOpen};
pub use pattern::Sources;

/// Bytes of one file that are read. A thousand RSA keys with long options are half a megabyte; the file is read anew
/// whenever it has changed, by everybody who logs in.
pub const MAX_FILE: usize = 4 * 1024 * 1024;

/// Bytes of one line. An RSA key of 16,384 bits has 2,800, the rest is for options.
pub const MAX_LINE: usize = 16 * 1024;

/// What a file says.
#[derive(Clone, Debug, Default)]
pub struct AuthorizedKeys {
    /// The keys, in the order of the file: the first that matches decides.
    pub lines: Vec<Line>,
    /// What was passed over.
    pub notes: Vec<Note>,
}

/// A key that is let in.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its line, from 1.
    pub number: usize,
    /// The key: of a person, or with [`Options::authority`] of whoever signs certificates.
    pub key: PublicKey,
    /// What stands behind the key; often whose it is. Raw.
    pub comment: String,
    /// What it may do.
    pub options: Options,
}

impl Line {
    /// `SHA256:...` of the key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// A line that was passed over, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 is the file as a whole.
    pub line: usize,
    /// What is wrong, and what follows from it.
    pub text: String,
}

/// `file:line: text`.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.text),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.text),
        }
    }
}

impl AuthorizedKeys {
    /// Reads the text of a file; `file` is its name in notes.
    #[must_use]
    pub fn parse(file: &Path, text: &[u8]) -> Self {
        let mut keys = Self::default();
        let note = |line, text: String| Note { file: file.to_owned(), line, text };
        if text.len() > MAX_FILE {
            keys.notes.push(note(0, format!("longer than {MAX_FILE} bytes; nobody in it is let in")));
            return keys;
        }
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            match parse_line(number, line) {
                Ok(None) => {}
                Ok(Some(line)) => {
                    if !line.options.environment.is_empty() {
                        keys.notes.push(note(number, "environment= is not obeyed".into()));
                    }
                    keys.lines.push(line);
                }
                Err(wrong) => keys.notes.push(note(number, format!("{wrong}; this line lets nobody in"))),
            }
        }
        keys
    }
}

/// How the names of types of keys begin; no option begins so.
const KEY_TYPES: [&str; 4] = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"];

fn parse_line(number: usize, line: &[u8]) -> Result<Option<Line>, String> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    if line.len() > MAX_LINE {
        return Err(format!("longer than {MAX_LINE} bytes"));
    }
    if line.contains(&0) {
        return Err("there is a zero byte in it".into());
    }
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    let (options, text) = if KEY_TYPES.iter().any(|start| line.starts_with(start)) {
        (Options::default(), line)
    } else {
        let (options, text) = line.split_at(options::length(line));
        (Options::parse(options)?, text.trim_start_matches([' ', '\t']))
    };
    let (key, comment) = parse_key(text)?;
    Ok(Some(Line { number, key, comment, options }))
}

/// `TYPE BASE64 [COMMENT]`.
fn parse_key(text: &str) -> Result<(PublicKey, String), String> {
    let mut words = text.splitn(2, [' ', '\t']);
    let kind = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default().trim_start_matches([' ', '\t']);
    let (base64, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    if base64.is_empty() {
        return Err("there is no key in it (TYPE BASE64 COMMENT)".into());
    }
    let key = PublicKey::from_openssh(&format!("{kind} {base64}"))
        .map_err(|error| format!("its key is not one ({error})"))?;
    match key.algorithm() {
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
            Err("keys that live in a security key are not taken".into())
        }
        Algorithm::Dsa => Err("DSA keys are not taken".into()),
        _ => Ok((key, comment.trim().to_owned())),
    }
}
