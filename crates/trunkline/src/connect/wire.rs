//! The connection as both directions share it, with the counters of its closing line.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use net::client::{ConnectError, Connection, Dial};
use net::trace::{ConnectionTrace, Tracer};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::stdio::stdin;

use super::plan::Line;
use super::trouble::Trouble;

/// A connection and what went over it.
pub(super) struct Wire {
    tracing: Option<Tracing>,
    datagrams: bool,
    pub(super) connection: Connection,
    /// Bytes.
    pub(super) sent: AtomicU64,
    /// When the last of them were taken, in nanoseconds after `opened`.
    sent_at: AtomicU64,
    /// Bytes.
    pub(super) received: AtomicU64,
    /// How many came; without a frame, reads.
    pub(super) messages: AtomicU64,
    pub(super) opened: Instant,
}

/// The way to the far side, address by address.
pub(super) struct Route<'a> {
    dial: Dial<'a>,
    tracer: Option<&'a Tracer>,
    datagrams: bool,
}

impl<'a> Route<'a> {
    pub(super) fn new(line: &'a Line, tracer: Option<&'a Tracer>) -> Result<Self, ConnectError> {
        let dial = Dial::new(&line.to, &line.options, line.limit, tracer)?;
        Ok(Self { dial, tracer, datagrams: line.to.is_datagram() })
    }

    /// Connects to the next address that takes it.
    pub(super) fn connect(&mut self) -> Result<Wire, ConnectError> {
        let connection = self.dial.connect()?;
        Ok(Wire::new(connection, self.tracer, self.datagrams))
    }

    /// Whether there is another address to try.
    pub(super) fn has_more(&self) -> bool {
        self.dial.has_more()
    }

    /// Goes on to the next address, when nobody was at that one after all.
    pub(super) fn refused(&mut self, wire: &Wire, error: io::Error) -> Result<Wire, ConnectError> {
        self.dial.refused(wire.connection.peer.clone(), error);
        wire.end();
        self.connect()
    }
}

/// Who is told of each step.
struct Tracing {
    tracer: Tracer,
    /// Until the end.
    steps: Mutex<Option<ConnectionTrace>>,
}

impl Wire {
    fn new(connection: Connection, tracer: Option<&Tracer>, datagrams: bool) -> Self {
        let tracing = tracer.map(|tracer| {
            let Connection { local, peer, took, .. } = &connection;
            let steps = Mutex::new(Some(tracer.connected(local, peer, *took, &connection)));
            Tracing { tracer: tracer.clone(), steps }
        });
        Self {
            tracing,
            datagrams,
            connection,
            sent: AtomicU64::new(0),
            sent_at: AtomicU64::new(0),
            received: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            opened: Instant::now(),
        }
    }

    /// Whether every piece is looked at; then none may take the short way.
    pub(super) fn is_traced(&self) -> bool {
        self.tracing.is_some()
    }

    /// Sends all of it on a stream.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Trouble> {
        self.note_write(self.connection.write_all(bytes), bytes)
    }

    /// Sends as much of it on a stream as is taken at once. Returns how many bytes that is.
    pub(super) fn write_now(&self, bytes: &[u8]) -> Result<usize, Trouble> {
        let written = self.connection.write_now(bytes);
        let taken = *written.as_ref().unwrap_or(&0);
        self.note_write(written.map(drop), &bytes[..taken])?;
        Ok(taken)
    }

    /// Sends one datagram.
    pub(super) fn send(&self, payload: &[u8]) -> Result<(), Trouble> {
        self.note_write(self.connection.send(payload), payload)
    }

    /// Takes what arrives next. 0 is the end of a stream, or an empty datagram.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.connection.read(buffer);
        match &read {
            Ok(0) if !self.datagrams => self.trace(ConnectionTrace::end_of_input),
            Ok(bytes) => self.trace(|steps| steps.read(&buffer[..*bytes])),
            Err(error) => self.note_failure(error),
        }
        self.note_received(*read.as_ref().unwrap_or(&0));
        read
    }

    /// Ends our direction.
    pub(super) fn half_close(&self) -> Result<(), Trouble> {
        self.connection.half_close().map_err(Trouble::Send)?;
        self.trace(ConnectionTrace::end_of_output);
        Ok(())
    }

    /// The trace's last words, where there is one: the states in which both ends are left.
    pub(super) fn end(&self) {
        if let Some(Tracing { tracer, steps }) = &self.tracing {
            drop(steps.lock().unwrap_or_else(PoisonError::into_inner).take());
            // Another thread may still hold the connection, so this closes it.
            self.connection.abandon();
            tracer.closed(None, &self.connection.local, &self.connection.peer);
        }
    }

    fn note_write(&self, written: io::Result<()>, bytes: &[u8]) -> Result<(), Trouble> {
        match &written {
            Ok(()) => {
                self.note_sent(bytes.len());
                self.trace(|steps| steps.wrote(bytes));
            }
            Err(error) => self.note_failure(error),
        }
        written.map_err(Trouble::Send)
    }

    fn note_failure(&self, error: &io::Error) {
        // That a datagram found nobody is told by the route.
        if !self.datagrams || error.kind() != io::ErrorKind::ConnectionRefused {
            self.trace(|steps| steps.failed(error));
        }
    }

    fn trace(&self, step: impl FnOnce(&ConnectionTrace)) {
        if let Some(Tracing { steps, .. }) = &self.tracing {
            let steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(steps) = &*steps {
                step(steps);
            }
        }
    }

    pub(super) fn note_sent(&self, bytes: usize) {
        add(&self.sent, bytes);
        let at = self.opened.elapsed().as_nanos();
        self.sent_at.store(u64::try_from(at).unwrap_or(u64::MAX), Relaxed);
    }

    pub(super) fn note_received(&self, bytes: usize) {
        add(&self.received, bytes);
    }

    pub(super) fn note_message(&self) {
        add(&self.messages, 1);
    }

    /// Waits for the far side; false once neither direction has moved for so long.
    pub(super) fn moves_within(&self, silence: Duration) -> io::Result<bool> {
        let asked = Instant::now();
        let mut rest = silence;
        while !self.connection.readable_within(Some(rest))? {
            let sent = self.opened + Duration::from_nanos(self.sent_at.load(Relaxed));
            rest = silence.saturating_sub(asked.max(sent).elapsed());
            if rest.is_zero() {
                return Ok(false);
            }
        }
        Ok(true)
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
