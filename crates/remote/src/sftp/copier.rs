//! Copies as what runs on machines.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::copy::{CHUNK, Copy, Job};
use super::queue::Queue;
use super::session::Sftp;
use crate::client::{Client, Flow, GOODBYE};
use crate::command::{Command, Size};
use crate::machine::Machine;
use crate::outcome::{ConnectError, Outcome, Unreachable};
use crate::transport::{Doing, Input, Piece, Session, Signal, Transport};

/// Errors that wait to be read before the copy waits.
const SAID: usize = 16;

/// Sessions that share the files of a machine that is copied to or from alone; sshd gives ten. Among many machines each
/// has one: there the others fill the time in which one waits.
const SESSIONS: usize = 4;

/// Copies files to or from machines. The command that it is given is not looked at.
pub struct Copier {
    client: Client,
    job: Arc<Job>,
    at_once: usize,
    sessions: usize,
    meter: Arc<Meter>,
}

/// A copy that runs on one machine. Each file that is not copied is a line of its standard error, `PATH: REASON`, and makes it
/// end with status 1. Any signal ends it, and takes away what is unfinished.
pub struct Copying {
    said: mpsc::Receiver<Piece>,
    stop: CancellationToken,
    _dropped: DropGuard,
}

/// How far all copies are.
#[derive(Debug, Default)]
pub struct Meter {
    files: AtomicU64,
    bytes: AtomicU64,
    expected: AtomicU64,
}

/// A copy reads nothing.
pub struct NoInput(Infallible);

impl Copier {
    /// A copier whose machines have as many bytes under way as the client's connections let through at once.
    #[must_use]
    pub fn new(client: Client, job: Job) -> Self {
        let flow = client.flow();
        let at_once = (usize::try_from(flow.window).unwrap_or(usize::MAX) / CHUNK).max(1);
        let sessions = if flow == Flow::ONE { SESSIONS } else { 1 };
        Self { client, job: Arc::new(job), at_once, sessions, meter: Arc::default() }
    }

    /// Counts what has been copied.
    #[must_use]
    pub fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }
}

impl Meter {
    /// Files that are whole.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files.load(Relaxed)
    }

    /// Bytes that have arrived.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Bytes of all files that were begun, as far as their lengths are known.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.expected.load(Relaxed)
    }

    pub(super) fn file(&self) {
        self.files.fetch_add(1, Relaxed);
    }

    pub(super) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn expect(&self, bytes: u64) {
        self.expected.fetch_add(bytes, Relaxed);
    }
}

impl Transport for Copier {
    type Session = Copying;

    async fn start(&self, machine: &Machine, _: &Command, doing: &Doing) -> Result<Copying, Unreachable> {
        let mut connection = self.client.connect(machine, doing).await?;
        doing.begin(&machine.end, "starting SFTP");
        let unreachable = |reason| Unreachable { hop: machine.end.to_string(), reason };
        let refused = |reason: String| unreachable(ConnectError::Refused(format!("sftp: {reason}")));
        let stream = connection.subsystem("sftp").await.map_err(|error| match error {
            ConnectError::Refused(reason) => refused(reason),
            other => unreachable(other),
        })?;
        let sftp = Sftp::new(stream).await.map_err(|problem| refused(problem.to_string()))?;
        let (say, said) = mpsc::channel(SAID);
        let copy = Arc::new(Copy {
            job: Arc::clone(&self.job),
            label: machine.name.clone(),
            at_once: self.at_once,
            meter: Arc::clone(&self.meter),
            said: say,
            queue: Queue::new(),
            has_failed: AtomicBool::new(false),
            later: Mutex::default(),
        });
        let sessions = self.sessions;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            let outcome = copy.run(sftp, &connection, sessions, &stopped).await;
            let _ = timeout(GOODBYE, connection.end(stopped.is_cancelled())).await;
            // Whoever listened may have gone.
            let _ = copy.said.send(Piece::End(outcome)).await;
        });
        Ok(Copying { said, _dropped: stop.clone().drop_guard(), stop })
    }
}

impl Session for Copying {
    type Input = NoInput;

    async fn next(&mut self) -> Piece {
        let lost = || Piece::End(Outcome::Lost("the copy ended without a word".to_owned()));
        self.said.recv().await.unwrap_or_else(lost)
    }

    fn input(&mut self) -> Option<NoInput> {
        None
    }

    async fn signal(&mut self, _: Signal) {
        self.stop.cancel();
    }

    async fn resize(&mut self, _: Size) {}

    async fn close(self) {}
}

impl Input for NoInput {
    async fn write(&mut self, _: Bytes) -> bool {
        match self.0 {}
    }

    async fn end(self) {
        match self.0 {}
    }
}
