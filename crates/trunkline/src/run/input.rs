//! Standard input, for the commands.

use std::io;
use std::thread;

use net::bulk::read;
use node::ssh::Source;
use rustix::stdio::stdin;
use tokio::sync::mpsc::{Sender, channel};

/// Bytes of one read.
const PIECE: usize = 64 * 1024;

/// Pieces on the way.
const ON_THE_WAY: usize = 4;

/// What the commands read.
pub(super) struct Input {
    ahead: Vec<u8>,
    /// Standard input follows.
    follows: bool,
}

impl Input {
    /// What goes ahead, and then standard input, if it `follows`.
    pub(super) fn new(ahead: Vec<u8>, follows: bool) -> Self {
        Self { ahead, follows }
    }

    /// None where the commands have nothing to read.
    pub(super) fn source(self) -> Option<(Source, Feeder)> {
        if self.ahead.is_empty() && !self.follows {
            return None;
        }
        let (sender, source) = channel(ON_THE_WAY);
        Some((source, Feeder { input: self, sender }))
    }
}
