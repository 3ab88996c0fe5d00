//! The connection as both directions share it, with the counters of its closing line.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use net::client::Connection;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::stdio::stdin;

use super::trouble::Trouble;

/// A connection and what went over it.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) connection: Connection,
    /// Bytes.
    pub(super) sent: AtomicU64,
    /// Bytes.
    pub(super) received: AtomicU64,
    /// How many came; without a frame, reads.
    pub(super) messages: AtomicU64,
    pub(super) opened: Instant,
}

impl Wire {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            opened: Instant::now(),
        }
    }

    /// Sends all of it on a stream.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Trouble> {
        self.connection.write_all(bytes).map_err(Trouble::Send)?;
        self.note_sent(bytes.len());
        Ok(())
    }

    /// Sends one datagram.
    pub(super) fn send(&self, payload: &[u8]) -> Result<(), Trouble> {
        self.connection.send(payload).map_err(Trouble::Send)?;
        self.note_sent(payload.len());
        Ok(())
    }

    /// Takes what arrives next. 0 is the end of a stream, or an empty datagram.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.connection.read(buffer)?;
        self.note_received(bytes);
        Ok(bytes)
    }

    pub(super) fn note_sent(&self, bytes: usize) {
        add(&self.sent, bytes);
    }

    pub(super) fn note_received(&self, bytes: usize) {
        add(&self.received, bytes);
    }

    pub(super) fn note_message(&self) {
        add(&self.messages, 1);
    }

    /// Waits for the far side; false once neither direction has moved for so long.
    pub(super) fn moves_within(&self, silence: Duration) -> io::Result<bool> {
        loop {
            let sent = self.sent.load(Relaxed);
            if self.connection.readable_within(Some(silence))? {
                return Ok(true);
            }
            if self.sent.load(Relaxed) == sent {
                return Ok(false);
            }
        }
    }

    /// Waits for standard input; false when the far side has left meanwhile and took all that was sent.
    pub(super) fn wait_for_input(&self) -> Result<bool, Trouble> {
        let socket = self.connection.as_fd();
        // Nothing is asked of the socket; that it is gone is always told.
        let mut fds = [
            PollFd::from_borrowed_fd(stdin(), PollFlags::IN),
            PollFd::from_borrowed_fd(socket, PollFlags::empty()),
        ];
        loop {
            match poll(&mut fds, None) {
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(Trouble::input(errno.into())),
                Ok(_) if !fds[0].revents().is_empty() => return Ok(true),
                Ok(_) => {
                    return match self.connection.take_error().map_err(Trouble::Send)? {
                        Some(error) => Err(Trouble::Send(error)),
                        None => Ok(false),
                    };
                }
            }
        }
    }
}

fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(u64::try_from(number).unwrap_or(u64::MAX), Relaxed);
}
