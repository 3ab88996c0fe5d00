//! The machines on the way to another.

use remote::Hop;
use remote::config::{Asked, Host, Jump, Note, Proxy};

use super::{Directory, SshError};
use crate::book::{Login, Via};

/// Machines on one way: more than anybody needs, and each costs a handshake within the one before.
pub(super) const HOPS_MAX: usize = 8;

/// A machine on the way.
pub(super) struct Stop {
    asked: Asked,
    /// The way there, by the book.
    via: Vec<Via>,
}

impl Directory {
    /// The whole way, the nearest first, to a host that is reached through these. As with ssh, only the first stop's own way
    /// counts: the others are reached from the one before.
    pub(super) fn way(&self, host: &str, mut stops: Vec<Stop>) -> Result<(Vec<Hop>, Vec<Note>), SshError> {
        let (mut hops, mut notes, mut path) = (Vec::new(), Vec::new(), vec![host.to_owned()]);
        while let Some(Stop { asked, via }) = stops.first() {
            let is_circle = path.contains(&asked.name);
            path.push(asked.name.clone());
            if is_circle {
                return Err(SshError::Circle(path));
            }
            let hosts: Vec<Host> =
                stops.iter().map(|stop| self.files.host(&stop.asked, &self.here)).collect();
            hops.splice(0..0, hosts.iter().map(|host| host.hop(&self.here)));
            if hops.len() > HOPS_MAX {
                return Err(SshError::TooFar { host: host.to_owned() });
            }
            stops = self.stops(&asked.name, via, &hosts[0].proxy)?;
            notes.extend(hosts.into_iter().flat_map(|host| host.notes));
        }
        Ok((hops, notes))
    }

    /// Where one comes by on the way to a host: by the book, or else by ssh_config(5).
    pub(super) fn stops(&self, host: &str, via: &[Via], proxy: &Proxy) -> Result<Vec<Stop>, SshError> {
        if !via.is_empty() {
            return via.iter().map(|via| self.stop(via)).collect();
        }
        match proxy {
            Proxy::Direct => Ok(Vec::new()),
            Proxy::Jumps(jumps) => Ok(jumps.iter().cloned().map(Stop::from).collect()),
            Proxy::Command(place) => {
                Err(SshError::ProxyCommand { host: host.to_owned(), place: place.clone() })
            }
            Proxy::Broken(place) => Err(SshError::Broken { host: host.to_owned(), place: place.clone() }),
        }
    }

    fn stop(&self, via: &Via) -> Result<Stop, SshError> {
        let (login, via) = match via {
            Via::Login(login) => (login.clone(), Vec::new()),
            Via::Name(name) => match self.line(name.as_str())? {
                Some(line) => (line.at, line.via),
                None => (Login { user: None, host: name.to_string(), port: None }, Vec::new()),
            },
        };
        let Login { user, host, port } = login;
        Ok(Stop { asked: Asked { name: host, user, port }, via })
    }
}

impl From<Jump> for Stop {
    fn from(Jump { user, host, port }: Jump) -> Self {
        Self { asked: Asked { name: host, user, port }, via: Vec::new() }
    }
}
