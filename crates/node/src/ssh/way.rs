//! The machines on the way to another.

use remote::Hop;
use remote::config::{Asked, Host, Note, Proxy};

use super::{Directory, SshError};
use crate::book::Via;

/// Machines on one way: more than anybody needs, and each costs a handshake within the one before.
pub(super) const HOPS_MAX: usize = 8;

/// A machine on the way.
pub(super) struct Stop {
    /// As it was called.
    name: String,
    asked: Asked,
    /// The way there, by the book.
    via: Vec<Via>,
}

impl Directory {
    /// The whole way, the nearest first, to what is called so and is reached through these. As with ssh, only the first stop's
    /// own way counts: the others are reached from the one before.
    pub(super) fn way(&self, name: &str, mut stops: Vec<Stop>) -> Result<(Vec<Hop>, Vec<Note>), SshError> {
        let (mut hops, mut notes, mut path) = (Vec::new(), Vec::new(), vec![name.to_owned()]);
        while let Some(first) = stops.first() {
            let is_circle = path.contains(&first.name);
            path.push(first.name.clone());
            if is_circle {
                return Err(SshError::Circle(path));
            }
            let hosts: Vec<Host> =
                stops.iter().map(|stop| self.files.host(&stop.asked, &self.here)).collect();
            hops.splice(0..0, hosts.iter().map(|host| host.hop(&self.here)));
            if hops.len() > HOPS_MAX {
                return Err(SshError::TooFar { name: name.to_owned() });
            }
            stops = self.stops(&first.name, &first.via, &hosts[0].proxy)?;
            notes.extend(hosts.into_iter().flat_map(|host| host.notes));
        }
        Ok((hops, notes))
    }

    /// Where one comes by on the way to what is called so: by the book, or else by ssh_config(5).
    pub(super) fn stops(&self, name: &str, via: &[Via], proxy: &Proxy) -> Result<Vec<Stop>, SshError> {
        if !via.is_empty() {
            return via.iter().map(|via| self.stop(via)).collect();
        }
        match proxy {
            Proxy::Direct => Ok(Vec::new()),
            Proxy::Jumps(jumps) => {
                let stop = |jump: &remote::config::Jump| Stop {
                    name: jump.host.clone(),
                    asked: Asked { name: jump.host.clone(), user: jump.user.clone(), port: jump.port },
                    via: Vec::new(),
                };
                Ok(jumps.iter().map(stop).collect())
            }
            Proxy::Command(place) => {
                Err(SshError::ProxyCommand { name: name.to_owned(), place: place.clone() })
            }
            Proxy::Broken(place) => Err(SshError::Broken { name: name.to_owned(), place: place.clone() }),
        }
    }

    fn stop(&self, via: &Via) -> Result<Stop, SshError> {
        let (name, line) = match via {
            Via::Name(name) => (name.to_string(), self.line(name.as_str())?),
            Via::Login(_) => (via.to_string(), None),
        };
        let at = match (via, &line) {
            (Via::Login(login), _) => Some(login),
            (Via::Name(_), line) => line.as_ref().map(|line| &line.at),
        };
        let asked = match at {
            Some(at) => Asked { name: at.host.clone(), user: at.user.clone(), port: at.port },
            None => Asked::name(&name),
        };
        Ok(Stop { name, asked, via: line.map(|line| line.via).unwrap_or_default() })
    }
}
