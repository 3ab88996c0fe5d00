//! What `serve --log` keeps in the journal: each connection, once it is over.

use std::time::Duration;

use jiff::Timestamp;
use net::{Ending, Peer, Tally};
use node::journal::{Change, Connection, Writer};

use crate::cli::ServiceName;

/// Keeps the connections of one server.
pub(super) struct Ledger {
    service: String,
    writer: Writer,
}

impl Ledger {
    pub(super) fn new(service: ServiceName, writer: Writer) -> Self {
        Self { service: service.to_string(), writer }
    }

    /// Keeps a connection that is over by now. The server does not wait for the disk.
    pub(super) fn closed(&self, peer: &Peer, tally: &Tally, lasted: Duration, ending: &Ending) {
        self.writer.note(Change::Connection(Connection {
            at: Timestamp::now(),
            lasted,
            service: self.service.clone(),
            local: peer.local.unescaped(),
            remote: peer.remote.unescaped(),
            ending: ending.clone(),
            received: tally.received(),
            messages: tally.messages(),
            sent: tally.sent(),
        }));
    }

    /// Waits until everything is on disk. Gives how many connections could not be kept.
    pub(super) async fn finish(&self) -> u64 {
        self.writer.flush().await
    }
}
