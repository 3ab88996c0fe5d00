//! Who is at the two ends of a connection, and what went over it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Endpoint;

/// What the front door knows of a connection it let in.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Counts from 1 for each front door; what the log lines of one connection have in common.
    pub id: u64,
    /// Our end.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
}

/// What went over a connection so far. Counted by whoever moves the bytes, read when the connection ends.
#[derive(Debug, Default)]
pub struct Tally {
    received: AtomicU64,
    sent: AtomicU64,
    messages: AtomicU64,
}

impl Tally {
    /// Counts bytes that came from the other end.
    pub fn add_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Relaxed);
    }

    /// Counts bytes that were handed to the kernel for the other end.
    pub fn add_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Relaxed);
    }

    /// Counts whole messages that came; in raw framing one read is one message.
    pub fn add_messages(&self, messages: u64) {
        self.messages.fetch_add(messages, Relaxed);
    }

    /// Bytes that came.
    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Bytes that went.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Whole messages that came.
    pub fn messages(&self) -> u64 {
        self.messages.load(Relaxed)
    }
}
