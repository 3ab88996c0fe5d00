//! The hosts of `~/.ssh/config`, as ssh reads it (ssh_config(5), OpenSSH 9).
//!
//! A host is a name that stands in a `Host` line without wildcards. Its user, port, host name and jumps are what ssh
//! would use: from top to bottom the first value wins, over `Include`, `Host` with wildcards and negation, and `Match`
//! by `all`, `host` and `originalhost`. What stands under another `Match` is left out with a note: `exec` would run a
//! program to read a name, and `user` depends on who asks. Keywords that lead nowhere else are passed over.
//!
//! A file that others can write to is not read, as ssh does. A broken line costs only itself, where ssh ends.

use std::path::Path;

use reader::Reader;
use steps::{Proxy, Settings};

use super::{Found, machine};
use crate::book::entry::{Entry, Login, Origin, SshLine};
use crate::book::name::NameError;
use crate::book::note::Note;

mod pattern;
mod reader;
mod steps;
mod syntax;

/// Names that are taken, and more than anybody has written by hand: each is looked for in every `Host` line.
const MAX_HOSTS: usize = 10_000;

/// Reads `file` and what it includes, for the user with this home folder. No file is no hosts.
#[must_use]
pub fn read(file: &Path, home: &Path) -> Found {
    let mut reader = Reader::new(home);
    let steps = reader.file(file, 0);
    let (mut entries, mut notes) = (Vec::new(), reader.notes);
    let names = steps::names(&steps);
    if names.len() > MAX_HOSTS {
        let reason = format!("it names {} hosts: the first {MAX_HOSTS} are taken", names.len());
        notes.push(Note::on_file(file, reason));
    }
    for name in names.into_iter().take(MAX_HOSTS) {
        let settings = Settings::of(name, &steps);
        let Some(origin) = settings.origin.clone() else { continue };
        let note = |reason: String| Note::on_line(&origin.path, origin.line, name, reason);
        if settings.proxy == Some(Proxy::Command) {
            notes.push(note("its ProxyCommand is left out: only ProxyJump is known here".to_owned()));
        }
        match entry(name, settings, &origin) {
            Ok(entry) => entries.push(entry),
            Err(reason) => notes.push(note(reason)),
        }
    }
    Found { entries, notes: notes.into_vec() }
}

fn entry(name: &str, settings: Settings, origin: &Origin) -> Result<Entry, String> {
    let at = Login::new(settings.user.as_deref(), &settings.host(name), settings.port)
        .map_err(|error| error.to_string())?;
    let via = match settings.proxy {
        Some(Proxy::Jumps(via)) => via,
        Some(Proxy::Direct | Proxy::Command) | None => Vec::new(),
    };
    let name = name.parse().map_err(|error: NameError| error.to_string())?;
    Ok(machine(name, SshLine { at, charset: None, via }, origin.clone()))
}

#[cfg(test)]
mod tests;
