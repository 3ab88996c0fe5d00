//! Standard input, for the commands.

use std::io;
use std::thread;

use bytes::Bytes;
use net::bulk::read;
use node::ssh::fan::Source;
use rustix::stdio::stdin;
use tokio::sync::mpsc::{Sender, channel};

/// Bytes of one read.
const PIECE: usize = 64 * 1024;

/// Pieces on the way.
const ON_THE_WAY: usize = 4;

/// Begins to read, once a command runs: until then a person may be asked something at the same terminal. What goes `ahead`
/// comes first; then standard input, if it `follows`.
pub(super) struct Feeder {
    ahead: Vec<u8>,
    follows: bool,
    to: Sender<io::Result<Bytes>>,
}

/// What the commands read, and who begins to read it; None where they have nothing to read.
pub(super) fn source(ahead: Vec<u8>, follows: bool) -> Option<(Source, Feeder)> {
    if ahead.is_empty() && !follows {
        return None;
    }
    let (to, source) = channel(ON_THE_WAY);
    Some((source, Feeder { ahead, follows, to }))
}

impl Feeder {
    /// On a thread of its own, which nobody waits for: standard input may never end.
    pub(super) fn start(self) -> io::Result<()> {
        thread::Builder::new().spawn(move || self.feed())?;
        Ok(())
    }

    /// Until the input ends, or nobody reads it any more.
    fn feed(self) {
        let mut pieces = self.ahead.chunks(PIECE).map(|piece| Ok(piece.to_vec().into()));
        if !pieces.all(|piece| self.to.blocking_send(piece).is_ok()) || !self.follows {
            return;
        }
        let mut buffer = vec![0; PIECE];
        loop {
            let piece = match read(stdin(), &mut buffer) {
                Ok(0) => return,
                Ok(bytes) => Ok(buffer[..bytes].to_vec().into()),
                Err(error) => Err(error),
            };
            let is_last = piece.is_err();
            if self.to.blocking_send(piece).is_err() || is_last {
                return;
            }
        }
    }
}
