//! Who is in, as faces are told.

use std::fmt;

use remote::server::{Connection, Server};

use super::happening;
use crate::face::Guest;

/// Those who are logged in at an SSH line, as long as it is open.
#[derive(Clone)]
pub struct Guests(Server);

impl Guests {
    pub(super) fn new(server: Server) -> Self {
        Self(server)
    }

    /// Everybody who is logged in; not who has only connected.
    #[must_use]
    pub fn list(&self) -> Vec<Guest> {
        self.0.connections().into_iter().filter_map(guest).collect()
    }

    /// One of them.
    pub(super) fn get(&self, id: u64) -> Option<Guest> {
        self.0.connection(id).and_then(guest)
    }

    /// Ends somebody's connection, and what it has started. `false`: nobody who is logged in has this number.
    #[must_use]
    pub fn put_out(&self, id: u64) -> bool {
        self.list().iter().any(|guest| guest.id == id) && self.0.end(id)
    }
}

impl fmt::Debug for Guests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guests").field(&self.list()).finish()
    }
}

fn guest(connection: Connection) -> Option<Guest> {
    let Connection { id, peer, key, since, sessions } = connection;
    let key = key?;
    let runs = sessions.iter().map(|(_, what)| happening::command(what)).collect();
    let (label, fingerprint, authority) = (key.label, key.fingerprint, key.authority);
    Some(Guest { id, label, fingerprint, authority, from: peer, since, runs })
}
