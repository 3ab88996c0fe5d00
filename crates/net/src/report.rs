//! What a server tells of itself. The library reports; how it looks, and where it goes, is the program's affair.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::limits::Refusal;
use crate::peer::{Peer, Tally};
use crate::session::Observer;
use crate::{Ending, Endpoint};

/// Something that happened to a server.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A connection was let in.
    Opened {
        /// Its ends.
        peer: &'a Peer,
    },
    /// A connection is over.
    Closed {
        /// Its ends.
        peer: &'a Peer,
        /// What went over it.
        tally: &'a Tally,
        /// How long it stood.
        lasted: Duration,
        /// How it ended.
        ending: &'a Ending,
    },
    /// A connection was not let in.
    Refused {
        /// Our end.
        local: &'a Endpoint,
        /// Who wanted in.
        remote: &'a Endpoint,
        /// Why not.
        refusal: Refusal,
    },
    /// A datagram came, or its answer went.
    Datagram {
        /// The other end.
        remote: &'a Endpoint,
        /// What it holds.
        bytes: &'a [u8],
        /// True for one that came.
        came: bool,
    },
    /// Something failed that the server survives.
    Trouble {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        error: &'a io::Error,
    },
    /// Nobody is let in any more; these connections may still finish.
    Draining {
        /// How many.
        connections: usize,
    },
}

/// Hears what a server tells.
pub trait Reporter: Send + Sync {
    /// Called for each event, in order. Must not block for long: the server waits for it.
    fn report(&self, event: Event<'_>);

    /// Whether datagrams are to be reported; they are many.
    fn wants_datagrams(&self) -> bool {
        false
    }

    /// Who is to watch the bytes of a new connection, if anybody.
    fn observe(&self, peer: &Arc<Peer>, socket: BorrowedFd<'_>) -> Option<Box<dyn Observer>> {
        let _ = (peer, socket);
        None
    }
}
