//! The one thread of a process that writes the journal. Whatever waits when it is ready goes in one transaction: the
//! more there is to write, the fewer fsyncs each costs. What nobody waits for lies ready for whatever comes next, and what
//! can be put in order later than it is kept, is: when nothing more comes, or when much has come.

use std::mem::take;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection as Database;
use thiserror::Error;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::change::{self, Change, Written};
use super::transaction::in_transaction;
use super::{Journal, JournalError, room};

/// What may wait to be written. A disk that takes a tenth of a second for an fsync keeps up with 100,000 a second; what
/// waits takes a few megabytes, and never more than 300, if all of it were messages of the largest size.
pub const QUEUE_MAX: usize = 10_000;

/// How long nothing comes before what nobody waits for is written, and then what is written put in order. Those who talk
/// without a pause never come to it; nobody who looks afterwards notices.
const REST: Duration = Duration::from_millis(50);

/// Changes after which the journal is put in order although more comes. A reader who comes before has to do it, which takes
/// him up to 50 ms.
const UNTIDY_MAX: usize = 4_000;

/// Writes the journal. Several may be open, in one process or in many. Dropping it waits until everything is written.
#[derive(Debug)]
pub struct Writer {
    /// In the order in which they came, each once. None only while this is being dropped.
    queue: Option<Sender<Job>>,
    notes: Arc<Notes>,
    losses: Arc<Losses>,
    thread: Option<JoinHandle<()>>,
}

/// What lies ready to be written with whatever comes next.
#[derive(Debug, Default)]
struct Notes(Mutex<Pile>);

#[derive(Debug, Default)]
struct Pile {
    /// In the order in which they came, at most [`QUEUE_MAX`].
    changes: Vec<Change>,
    /// Whether the thread looks here within [`REST`]. To be woken for each of them would cost it more than to write them.
    is_watched: bool,
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
    Note(Change),
    /// To look at the notes soon.
    Look,
    /// To make room for what will come.
    Room,
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
        let notes = Arc::<Notes>::default();
        let scribe = Scribe {
            journal,
            notes: Arc::clone(&notes),
            losses: Arc::clone(&losses),
            tell,
            told_full: false,
            told_failed: false,
            // Whoever had it before may have been killed.
            untidy: 1,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(JournalError::Start)?;
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || runtime.block_on(scribe.write(jobs)))
            .map_err(JournalError::Start)?;
        Ok(Self { queue: Some(queue), notes, losses, thread: Some(thread) })
    }

    /// Makes room for much that will come, one after the other: see `room.rs`. Never waits.
    pub fn make_room(&self) {
        if let Some(queue) = &self.queue {
            // Where the queue is full, there is no pause in which to make it.
            let _ = queue.try_send(Job::Room);
        }
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
            || self.notes.pile().changes.len() > QUEUE_MAX / 2
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

    /// Writes a change soon. Never waits, and nobody is told: it is for what is worth less than what comes next, such as a
    /// connection of a server that must go on serving, or can be found out again, such as a delivery. So when too much is
    /// waiting it is left out, counted and told.
    pub fn note(&self, change: Change) {
        let mut pile = self.notes.pile();
        if pile.changes.len() >= QUEUE_MAX {
            self.losses.full.fetch_add(1, Relaxed);
            return;
        }
        pile.changes.push(change);
        if !pile.is_watched
            && let Some(queue) = &self.queue
        {
            // Where the queue is full, it looks by itself.
            let _ = queue.try_send(Job::Look);
            pile.is_watched = true;
        }
    }

    /// Waits until everything that came so far is on disk, and in order, or lost. Gives how many that were noted were lost.
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

impl Notes {
    /// Nobody panics while he has it.
    fn pile(&self) -> MutexGuard<'_, Pile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is there.
    fn jobs(&self) -> impl Iterator<Item = Job> {
        take(&mut self.pile().changes).into_iter().map(Job::Note)
    }

    /// Says whether anything is there; if not, whoever notes something has to say so, unless it is looked for anyway.
    fn watch(&self, is_watched: bool) -> bool {
        let mut pile = self.pile();
        pile.is_watched = is_watched || !pile.changes.is_empty();
        pile.is_watched
    }
}

/// The thread's own.
struct Scribe<T> {
    journal: Journal,
    notes: Arc<Notes>,
    losses: Arc<Losses>,
    tell: T,
    told_full: bool,
    told_failed: bool,
    /// Changes since the journal was put in order.
    untidy: usize,
}

impl<T: Fn(&Trouble)> Scribe<T> {
    async fn write(mut self, mut queue: Receiver<Job>) {
        let mut jobs = Vec::new();
        while self.gather(&mut queue, &mut jobs).await {
            if !self.told_full && self.losses.full.load(Relaxed) > 0 {
                self.told_full = true;
                (self.tell)(&Trouble::Full);
            }
            let written = self.commit(&jobs).map_err(Arc::new);
            if let Err(error) = &written {
                let noted = jobs.iter().filter(|job| job.is_note()).count();
                self.losses.failed.fetch_add(noted as u64, Relaxed);
                if noted > 0 && !self.told_failed {
                    self.told_failed = true;
                    (self.tell)(&Trouble::Failed(Arc::clone(error)));
                }
            }
            self.untidy += jobs.len();
            let mut flushes = Vec::new();
            for (nth, job) in jobs.drain(..).enumerate() {
                match job {
                    Job::Write(_, done) => {
                        done(written.as_ref().map(|written| written[nth]).map_err(Arc::clone));
                    }
                    Job::Flush(done) => flushes.push(done),
                    Job::Note(_) | Job::Look | Job::Room => {}
                }
            }
            if self.untidy >= UNTIDY_MAX || !flushes.is_empty() {
                self.tidy();
            }
            for done in flushes {
                // Whoever asked may have gone.
                let _ = done.send(());
            }
        }
        self.tidy();
    }

    /// Waits for what is to be written. Says whether there is anything: nothing more comes when the writer is dropped.
    async fn gather(&mut self, queue: &mut Receiver<Job>, jobs: &mut Vec<Job>) -> bool {
        while jobs.is_empty() {
            let more = queue.recv_many(jobs, QUEUE_MAX);
            let came =
                if self.notes.watch(self.untidy > 0) { timeout(REST, more).await } else { Ok(more.await) };
            jobs.retain(|job| {
                if matches!(job, Job::Room) {
                    self.make_room();
                }
                !matches!(job, Job::Look | Job::Room)
            });
            if jobs.is_empty() && came.as_ref().is_ok_and(|number| *number > 0) {
                continue;
            }
            jobs.extend(self.notes.jobs());
            if came == Ok(0) {
                break;
            }
            if jobs.is_empty() {
                self.tidy();
            }
        }
        !jobs.is_empty()
    }

    /// Writes all of it or nothing. Gives what came of each.
    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Written>, JournalError> {
        if jobs.iter().all(|job| matches!(job, Job::Flush(_))) {
            return Ok(Vec::new());
        }
        write(&self.journal.database, jobs).map_err(self.journal.error("writing"))
    }

    /// Where there is no room, the log grows with what comes, as it would.
    fn make_room(&self) {
        let _ = room::make(&self.journal.database, &self.journal.path);
    }

    /// Puts in order what was written. Where that fails, it is done after the next change, or by whoever reads: he is told
    /// what prevents it.
    fn tidy(&mut self) {
        if self.untidy > 0 {
            self.untidy = 0;
            let _ = in_transaction(&self.journal.database, change::tidy);
        }
    }
}

impl Job {
    fn is_note(&self) -> bool {
        matches!(self, Self::Note(_))
    }
}

fn write(database: &Database, jobs: &[Job]) -> rusqlite::Result<Vec<Written>> {
    in_transaction(database, |database| {
        let write = |job: &Job| match job {
            Job::Write(change, _) | Job::Note(change) => change::apply(database, change),
            Job::Flush(_) | Job::Look | Job::Room => Ok(Written::default()),
        };
        jobs.iter().map(write).collect()
    })
}

#[cfg(test)]
mod tests;
