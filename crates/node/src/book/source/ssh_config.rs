//! The hosts of `~/.ssh/config`, as ssh would take them.
//!
//! A host is a name that stands in a `Host` line without wildcards. What a configuration means is decided in
//! [`remote::config`]; here its hosts become entries of the book. A machine on the way is one of these hosts, or what
//! their settings make of it.

use std::path::Path;

use remote::config::{self, Asked, Config, File, Here, Host, Jump, Place, Proxy};

use super::{Found, machine};
use crate::book::note::{Note, Notes};
use crate::book::{Login, LoginError, Origin, Record, Source, Sourced, Via};

/// Names that are taken, and more than anybody has written by hand: each is looked for in every `Host` line.
const MAX_HOSTS: usize = 10_000;

/// Reads `file` and what it includes, for the user with this home folder. No file is no hosts.
#[must_use]
pub fn read(file: &Path, home: &Path) -> Found {
    let mut notes = Notes::default();
    let config = match Config::read(&[File::User(file.to_owned())], home) {
        Ok((config, noted)) => {
            noted.into_iter().for_each(|note| notes.push(note.into()));
            config
        }
        Err(error) => {
            notes.push(Note::on_file(file, error.to_string()));
            Config::default()
        }
    };
    let hosts = Hosts { config, here: Here { home: home.to_owned(), ..Here::of_process() } };
    let names = hosts.config.names();
    if names.len() > MAX_HOSTS {
        let reason = format!("it names {} hosts: the first {MAX_HOSTS} are taken", names.len());
        notes.push(Note::on_file(file, reason));
    }
    let names = names.into_iter().take(MAX_HOSTS);
    let records = names.filter_map(|name| hosts.record(name, &mut notes)).collect();
    Found { records, notes: notes.into_vec() }
}

struct Hosts {
    config: Config,
    here: Here,
}

impl Hosts {
    /// A host as an entry, unless no line that counts names it.
    fn record(&self, name: &str, notes: &mut Notes) -> Option<Sourced<Record>> {
        let host = self.host(name);
        let origin = origin(host.place.as_ref()?);
        let mut note = |reason: String| notes.push(Note::on_line(&origin.path, origin.line, name, reason));
        let via = match &host.proxy {
            Proxy::Direct => Ok(Vec::new()),
            Proxy::Jumps(jumps) => jumps.iter().map(|jump| self.way(jump, &mut note)).collect(),
            Proxy::Command(_) => {
                note("its ProxyCommand is left out: only ProxyJump is known here".to_owned());
                Ok(Vec::new())
            }
            // A note about the line says so already.
            Proxy::Broken(_) => Ok(Vec::new()),
        };
        let login = Login::new(host.user.as_deref(), &host.host_name, host.port);
        let record = login.and_then(|login| Ok((login, via?))).map_err(|error| error.to_string());
        let record = record.and_then(|(login, via)| machine(name, &login, via, origin.clone()));
        record.map_err(note).ok()
    }

    /// A machine on the way: one of the hosts here, or else what its settings make of it.
    fn way(&self, jump: &Jump, note: &mut impl FnMut(String)) -> Result<Via, LoginError> {
        let host = self.host(&jump.host);
        if jump.user.is_none() && jump.port.is_none() && host.place.is_some() {
            return Ok(Via::Name(jump.host.parse()?));
        }
        if host.proxy != Proxy::Direct {
            note(format!("it goes by way of {}, whose own ProxyJump or ProxyCommand is left out", jump.host));
        }
        let user = jump.user.as_deref().or(host.user.as_deref());
        Ok(Via::Login(Login::new(user, &host.host_name, jump.port.or(host.port))?))
    }

    fn host(&self, name: &str) -> Host {
        self.config.host(&Asked::name(name), &self.here)
    }
}

fn origin(place: &Place) -> Origin {
    Origin { source: Source::SshConfig, path: place.file.clone(), line: place.line }
}

impl From<config::Note> for Note {
    fn from(note: config::Note) -> Self {
        let config::Note { file, line, text, reason } = note;
        Self { file: file.to_path_buf(), line, text, reason }
    }
}

#[cfg(test)]
mod tests;
