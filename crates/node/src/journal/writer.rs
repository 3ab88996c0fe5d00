//! The one thread of a process that writes the journal. Whatever waits when it is ready goes in one transaction: the
//! more there is to write, the fewer fsyncs each costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection as Database, TransactionBehavior};
use thiserror::Error;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;

use super::connection::{self, Connection, Insertion};
use super::{Journal, JournalError};

/// What may wait to be written. A disk that takes a tenth of a second for an fsync keeps up with 100,000 a second; what
/// waits takes a few megabytes at most.
pub const QUEUE_MAX: usize = 10_000;

/// Writes the journal. Several may be open, in one process or in many. Dropping it waits until everything is written.
#[derive(Debug)]
pub struct Writer {
    /// In the order in which they came, each once. None only while this is being dropped.
    queue: Option<Sender<Job>>,
    losses: Arc<Losses>,
    thread: Option<JoinHandle<()>>,
}

/// What was noted and is not written.
#[derive(Debug, Default)]
struct Losses {
    full: AtomicU64,
    failed: AtomicU64,
}

/// Why something that was noted is not in the journal.
#[derive(Clone, Debug, Error)]
pub enum Trouble {
    /// It came when too much was waiting.
    #[error(
        "the disk does not keep up: what comes while {QUEUE_MAX} entries wait for it is left out of the journal"
    )]
    Full,
    /// It could not be written.
    #[error(transparent)]
    Failed(Arc<JournalError>),
}

/// What the thread is asked to do: to write something, to say when all that came before is on disk, or both.
#[derive(Debug)]
struct Job {
    connection: Option<Connection>,
    done: Option<oneshot::Sender<Result<(), Arc<JournalError>>>>,
}

impl Writer {
    /// Starts writing. The first trouble of each kind that befalls what was [noted](Self::note) is told, once, on the
    /// thread that writes; [`flush`](Self::flush) gives the count.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(journal: Journal, tell: impl Fn(&Trouble) + Send + 'static) -> Result<Self, JournalError> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let losses = Arc::<Losses>::default();
        let scribe =
            Scribe { journal, losses: Arc::clone(&losses), tell, told_full: false, told_failed: false };
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || scribe.write(jobs))
            .map_err(JournalError::Start)?;
        Ok(Self { queue: Some(queue), losses, thread: Some(thread) })
    }

    /// Writes a connection soon. Never waits: a server whose disk is slow must go on serving, and a line about a
    /// connection is worth less than the next connection. So when the queue is full it is left out, counted and told.
    pub fn note(&self, connection: Connection) {
        let job = Job { connection: Some(connection), done: None };
        if self.queue.as_ref().is_none_or(|queue| queue.try_send(job).is_err()) {
            self.losses.full.fetch_add(1, Relaxed);
        }
    }

    /// Writes a connection. It is on disk when this returns.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn keep(&self, connection: Connection) -> Result<(), Arc<JournalError>> {
        self.done(Some(connection)).await
    }

    /// Waits until everything that came so far is on disk or lost. Gives how many that were noted were lost.
    pub async fn flush(&self) -> u64 {
        // What failed is among the lost.
        let _ = self.done(None).await;
        self.losses.full.load(Relaxed) + self.losses.failed.load(Relaxed)
    }

    async fn done(&self, connection: Option<Connection>) -> Result<(), Arc<JournalError>> {
        let (done, told) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(JournalError::Ended)?;
        queue.send(Job { connection, done: Some(done) }).await.map_err(|_| JournalError::Ended)?;
        told.await.map_err(|_| JournalError::Ended)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        // It panicked if it fails, which has been told.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The thread's own.
struct Scribe<T> {
    journal: Journal,
    losses: Arc<Losses>,
    tell: T,
    told_full: bool,
    told_failed: bool,
}

impl<T: Fn(&Trouble)> Scribe<T> {
    fn write(mut self, mut queue: Receiver<Job>) {
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, QUEUE_MAX) > 0 {
            if !self.told_full && self.losses.full.load(Relaxed) > 0 {
                self.told_full = true;
                (self.tell)(&Trouble::Full);
            }
            let written = self.commit(&jobs).map_err(Arc::new);
            if let Err(error) = &written {
                let noted = jobs.iter().filter(|job| job.done.is_none()).count();
                self.losses.failed.fetch_add(noted as u64, Relaxed);
                if noted > 0 && !self.told_failed {
                    self.told_failed = true;
                    (self.tell)(&Trouble::Failed(Arc::clone(error)));
                }
            }
            for done in jobs.drain(..).filter_map(|job| job.done) {
                // Whoever asked may have gone.
                let _ = done.send(written.clone());
            }
        }
    }

    fn commit(&mut self, jobs: &[Job]) -> Result<(), JournalError> {
        let connections: Vec<_> = jobs.iter().filter_map(|job| job.connection.as_ref()).collect();
        if connections.is_empty() {
            return Ok(());
        }
        insert(&mut self.journal.database, &connections).map_err(self.journal.error("writing"))
    }
}

fn insert(database: &mut Database, connections: &[&Connection]) -> rusqlite::Result<()> {
    // A transaction that would begin as a reader could not wait for another process that writes.
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut insertion = Insertion::new(&transaction)?;
    for connection in connections {
        insertion.insert(connection)?;
    }
    drop(insertion);
    connection::delete_surplus(&transaction)?;
    transaction.commit()
}

#[cfg(test)]
mod tests;
