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
use steps::{Proxy, Settings, Step};

use super::{Found, machine};
use crate::book::note::{Note, Notes};
use crate::book::{Login, LoginError, Record, Sourced, Via};

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
    let (names, mut notes) = (steps::names(&steps), reader.notes);
    if names.len() > MAX_HOSTS {
        let reason = format!("it names {} hosts: the first {MAX_HOSTS} are taken", names.len());
        notes.push(Note::on_file(file, reason));
    }
    let hosts = names.into_iter().take(MAX_HOSTS);
    let records = hosts.filter_map(|name| record(name, &steps, &mut notes)).collect();
    Found { records, notes: notes.into_vec() }
}

/// A host as an entry, unless no line that counts names it.
fn record(name: &str, steps: &[Step], notes: &mut Notes) -> Option<Sourced<Record>> {
    let settings = Settings::of(name, steps);
    let origin = settings.origin.clone()?;
    let mut note = |reason: String| notes.push(Note::on_line(&origin.path, origin.line, name, reason));
    let via = match &settings.proxy {
        None | Some(Proxy::Direct) => Ok(Vec::new()),
        Some(Proxy::Jumps(jumps)) => jumps.iter().map(|jump| way(jump, steps, &mut note)).collect(),
        Some(Proxy::Command) => {
            note("its ProxyCommand is left out: only ProxyJump is known here".to_owned());
            Ok(Vec::new())
        }
    };
    let login = settings.login(&Login { user: None, host: name.to_owned(), port: None });
    let record = login.and_then(|login| Ok((login, via?))).map_err(|error| error.to_string());
    let record = record.and_then(|(login, via)| machine(name, &login, via, origin.clone()));
    record.map_err(note).ok()
}

/// A machine on the way: one of the hosts here, or else what its settings make of it.
fn way(jump: &Login, steps: &[Step], note: &mut impl FnMut(String)) -> Result<Via, LoginError> {
    let settings = Settings::of(&jump.host, steps);
    if jump.user.is_none() && jump.port.is_none() && settings.origin.is_some() {
        return Ok(Via::Name(jump.host.parse()?));
    }
    if matches!(settings.proxy, Some(Proxy::Jumps(_) | Proxy::Command)) {
        note(format!("it goes by way of {}, whose own ProxyJump or ProxyCommand is left out", jump.host));
    }
    Ok(Via::Login(settings.login(jump)?))
}

#[cfg(test)]
mod tests;
