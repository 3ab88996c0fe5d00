//! The one thread of a process that writes the journal. Whatever waits when it is ready goes in one transaction: the
//! more there is to write, the fewer fsyncs each costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection as Database, TransactionBehavior};
use thiserror::Error;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;

use super::change::{self, Change, Written};
use super::connection::{self, Connection};
use super::{Journal, JournalError};

/// What may wait to be written. A disk that takes a tenth of a second for an fsync keeps up with 100,000 a second; what
/// waits takes a few megabytes, and never more than 300, if all of it were messages of the largest size.
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

/// Whom a result is told.
type Done = Box<dyn FnOnce(Result<Written, Arc<JournalError>>) + Send>;

/// What the thread is asked to do.
enum Job {
    /// To write something.
    Write(Change, Done),
    /// To write something about which nobody asks.
    Note(Connection),
    /// To say when all that came before is on disk or lost.
    Flush(oneshot::Sender<()>),
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

    /// Writes a change. Never waits: what came of it is told, once, to `done`: on the thread that writes, when the
    /// change is on disk or lost; or at once, here, when too much is waiting ([`JournalError::Full`]).
    pub fn write(
        &self,
        change: Change,
        done: impl FnOnce(Result<Written, Arc<JournalError>>) + Send + 'static,
    ) {
        let Some(queue) = &self.queue else { return done(Err(JournalError::Ended.into())) };
        match queue.try_send(Job::Write(change, Box::new(done))) {
            Err(TrySendError::Full(Job::Write(_, done))) => done(Err(JournalError::Full.into())),
            Err(TrySendError::Closed(Job::Write(_, done))) => done(Err(JournalError::Ended.into())),
            _ => {}
        }
    }

    /// Whether so much waits that what may be left out should be: the rest of the queue is for what may not.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.queue.as_ref().is_none_or(|queue| queue.capacity() < QUEUE_MAX / 2)
    }

    /// Writes a change, and waits for a place if too much is waiting. It is on disk when this returns.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn keep(&self, change: Change) -> Result<Written, Arc<JournalError>> {
        let (done, told) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(JournalError::Ended)?;
        // Whoever asked may have gone.
        let done = Box::new(move |written| drop(done.send(written)));
        queue.send(Job::Write(change, done)).await.map_err(|_| JournalError::Ended)?;
        told.await.map_err(|_| JournalError::Ended)?
    }

    /// Writes a connection soon. Never waits: a server whose disk is slow must go on serving, and a line about a
    /// connection is worth less than the next connection. So when the queue is full it is left out, counted and told.
    pub fn note(&self, connection: Connection) {
        if self.queue.as_ref().is_none_or(|queue| queue.try_send(Job::Note(connection)).is_err()) {
            self.losses.full.fetch_add(1, Relaxed);
        }
    }

    /// Waits until everything that came so far is on disk or lost. Gives how many that were noted were lost.
    pub async fn flush(&self) -> u64 {
        let (done, told) = oneshot::channel();
        if let Some(queue) = &self.queue
            && queue.send(Job::Flush(done)).await.is_ok()
        {
            // It fails if the thread has panicked, which has been told.
            let _ = told.await;
        }
        self.losses.full.load(Relaxed) + self.losses.failed.load(Relaxed)
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
                let noted = jobs.iter().filter(|job| matches!(job, Job::Note(_))).count();
                self.losses.failed.fetch_add(noted as u64, Relaxed);
                if noted > 0 && !self.told_failed {
                    self.told_failed = true;
                    (self.tell)(&Trouble::Failed(Arc::clone(error)));
                }
            }
            for (nth, job) in jobs.drain(..).enumerate() {
                match job {
                    Job::Write(_, done) => {
                        done(written.as_ref().map(|written| written[nth]).map_err(Arc::clone));
                    }
                    // Whoever asked may have gone.
                    Job::Flush(done) => drop(done.send(())),
                    Job::Note(_) => {}
                }
            }
        }
    }

    /// Writes all of it or nothing. Gives what came of each.
    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Written>, JournalError> {
        if jobs.iter().all(|job| matches!(job, Job::Flush(_))) {
            return Ok(Vec::new());
        }
        write(&mut self.journal.database, jobs).map_err(self.journal.error("writing"))
    }
}

fn write(database: &mut Database, jobs: &[Job]) -> rusqlite::Result<Vec<Written>> {
    // A transaction that would begin as a reader could not wait for another process that writes.
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut written = Vec::with_capacity(jobs.len());
    for job in jobs {
        written.push(match job {
            Job::Write(change, _) => change::apply(&transaction, change)?,
            Job::Note(connection) => Written::new(connection::insert(&transaction, connection)?),
            Job::Flush(_) => Written::default(),
        });
    }
    change::delete_surplus(&transaction)?;
    transaction.commit()?;
    Ok(written)
}

#[cfg(test)]
mod tests;
