//! A machine, as its name led to it.

use std::fmt;
use std::sync::Arc;

use crate::config::Settings;

/// A machine to connect to. Everything is decided: the book, ssh_config(5) and the command line have been asked.
#[derive(Clone, Debug)]
pub struct Machine {
    /// As the person called it; stands before its lines.
    pub name: String,
    /// Where the connection goes.
    pub end: Hop,
    /// The machines on the way, nearest first: each is reached through the one before.
    pub via: Vec<Hop>,
}

/// One SSH connection: to the machine, or to one on the way.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Who logs in.
    pub user: String,
    /// A name or an IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How to connect, whom to trust, which keys to show.
    pub settings: Arc<Settings>,
}

/// `user@host:port`, with brackets around an address that has colons.
impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, port, .. } = self;
        if host.contains(':') {
            write!(f, "{user}@[{host}]:{port}")
        } else {
            write!(f, "{user}@{host}:{port}")
        }
    }
}
