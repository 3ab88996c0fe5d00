//! The journal: what happened on this machine's lines, in one SQLite file that several processes may use at once.
//!
//! **Tables.** Each kind of happening has a table of its own with the columns that it needs: `messages` of both directions,
//! `connections`, `presences`, `runs`. What they have in common: `id` grows with each row, and `at`, with an index, is when it
//! was, in microseconds of UTC since 1970. Files will come as further tables by further `migrations`. The outbox
//! is the messages that wait, and `node` has who this machine's node is. Text from outside is stored as it came; whoever
//! prints it uses [`net::Untrusted`].
//!
//! **Writing.** One thread for each process, the [`Writer`], takes what waits and writes it in one transaction, so that
//! a burst costs one fsync. In WAL mode with `synchronous=FULL` what was committed outlives a `kill -9` and a power cut.
//! Each [`Change`] is told when it is on disk, and whether it said anything new. What nobody waits for is only
//! [noted](Writer::note), and goes with what comes next. A message costs a page or two there; what finds it again,
//! by its words, by its party and among those that wait, is made later for many at once, as soon as nothing more comes.
//!
//! **Reading.** [`Journal`] is a connection of its own, and sees what was committed when it looks. It blocks no writer,
//! unless it looks for words, a party or the outbox in the midst of messages: then it first finishes what the writer has put off.
//!
//! **Forgetting.** Each table has a cap, beyond which the oldest go, and a person may forget what is older than a time. A
//! message that waits to be delivered is never among them.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection as Database, ErrorCode, OpenFlags};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::io::Errno;
use thiserror::Error;

mod change;
mod connection;
mod identity;
mod message;
mod migrations;
mod party;
mod presence;
mod room;
mod run;
mod search;
mod transaction;
mod value;
mod writer;

pub use ipmsg::node::{Outgoing, Person};
pub use ipmsg::{MessageId, NodeId};

pub use change::{Change, Written};
pub use connection::{CONNECTIONS_MAX, Connection, Query, Site};
pub use identity::ChatState;
pub use message::{MESSAGES_MAX, Message, MessageQuery, Opened, ReceivedMessage, State, TEXTS_MAX};
pub use party::{Party, Whose};
pub use presence::{Appearance, PRESENCES_MAX, Presence};
pub use run::{
    Copied, NewRun, OUTPUT_EACH, OUTPUT_RUN, Printed, RUNS_BYTES, RUNS_MAX, Recording, Run, RunEnding,
    RunMachine, RunNews, RunQuery, RunTarget, RunVerb,
};
pub use writer::{QUEUE_MAX, Trouble, Writer};

use transaction::in_transaction;

/// The file in the state folder.
const FILE: &str = "journal.db";

/// How long one process waits for another that is writing. A transaction takes milliseconds; only a disk in trouble, or
/// somebody who holds the file open in a transaction by hand, takes this long.
const BUSY: Duration = Duration::from_secs(5);

/// Statements that a connection keeps prepared: a few more than all that a writer has.
const STATEMENTS: usize = 26;

/// How long it rests where it has to try again.
const RETRY: Duration = Duration::from_millis(2);

/// The journal, open for reading and for house-keeping. [`Writer`] writes.
#[derive(Debug)]
pub struct Journal {
    database: Database,
    path: PathBuf,
}

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Connections.
    pub connections: usize,
    /// Messages.
    pub messages: usize,
    /// Times that somebody came, left, moved or changed.
    pub presences: usize,
    /// Runs, with their output.
    pub runs: usize,
}

/// The journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Its folder or its file cannot be made.
    #[error("making the journal {}: {error}", path.display())]
    Create {
        /// The folder or the file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A newer program has changed its tables.
    #[error(
        "the journal {} was written by a newer trunkline: it has version {found}, and this program knows versions up to {known}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that the file has.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// SQLite cannot do what is asked of it.
    #[error("{doing} the journal {}: {error}", path.display())]
    Database {
        /// What was being done: "opening", "reading", "writing".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// The thread that writes cannot be started.
    #[error("starting the journal's writer: {0}")]
    Start(io::Error),
    /// More waits to be written than may wait.
    #[error("the disk does not keep up: {QUEUE_MAX} entries wait for it already")]
    Full,
    /// The thread that writes is not there any more.
    #[error("the journal's writer has ended")]
    Ended,
}

impl JournalError {
    /// How to mend it, where there is a way that mends it surely.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Create { .. } => Some("another place can be named: TRUNKLINE_HOME=/path"),
            Self::Newer { .. } => Some("use the newer program, or move the file away and a new one is begun"),
            Self::Database { error, .. } => match error.sqlite_error_code()? {
                ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => {
                    Some("move the file away, its -wal and -shm as well, and a new one is begun")
                }
                ErrorCode::DatabaseBusy => Some("another program keeps the file locked; fuser -v names it"),
                ErrorCode::DiskFull => Some("make room on the disk, or log --forget what is old"),
                _ => None,
            },
            Self::Start(_) | Self::Full | Self::Ended => None,
        }
    }
}

impl Journal {
    /// Opens the journal in a state folder. What is missing is made: the folder for this user alone (0700), the file
    /// too (0600), and the tables that this program has and an older one had not.
    ///
    /// # Errors
    /// When it cannot be made or opened, or is newer than this program.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join(FILE);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| JournalError::Create { path: folder.to_owned(), error })?;
        // SQLite would make it readable for everybody; the files beside it get the permissions of this one. It is made
        // without being opened, for closing it again would take away the locks that SQLite has on it elsewhere in this
        // process (fcntl(2)).
        match mknodat(CWD, &path, FileType::RegularFile, Mode::RUSR | Mode::WUSR, 0) {
            Err(error) if error != Errno::EXIST => Err(JournalError::Create { path, error: error.into() }),
            _ => Self::at(path),
        }
    }

    /// Opens the journal if there is one. Nothing is made.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn find(folder: &Path) -> Result<Option<Self>, JournalError> {
        let path = folder.join(FILE);
        match path.try_exists() {
            Ok(true) => Self::at(path).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(JournalError::Create { path, error }),
        }
    }

    fn at(path: PathBuf) -> Result<Self, JournalError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opening = |error| JournalError::Database { doing: "opening", path: path.clone(), error };
        let mut database = Database::open_with_flags(&path, flags).map_err(opening)?;
        database.busy_timeout(BUSY).map_err(opening)?;
        database.set_prepared_statement_cache_capacity(STATEMENTS);
        let (found, known) = (migrations::version(&database).map_err(opening)?, migrations::known());
        if found > known {
            return Err(JournalError::Newer { path, found, known });
        }
        use_wal(&database).map_err(opening)?;
        database.pragma_update(None, "synchronous", "FULL").map_err(opening)?;
        migrations::apply(&mut database, migrations::ALL).map_err(opening)?;
        Ok(Self { database, path })
    }

    /// The connections that fit, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn connections(&self, query: &Query) -> Result<Vec<Connection>, JournalError> {
        connection::select(&self.database, query).map_err(self.error("reading"))
    }

    /// What a node has to be told when it starts. At the first start it gets a fresh id, chosen at random.
    ///
    /// # Errors
    /// When the file cannot be read, or the id not written.
    pub fn chat_state(&self, fresh: impl FnOnce() -> NodeId) -> Result<ChatState, JournalError> {
        self.file().map_err(self.error("writing"))?;
        identity::chat_state(&self.database, fresh).map_err(self.error("reading"))
    }

    /// The messages that wait to be delivered, and their rows.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn waiting(&self) -> Result<Vec<(MessageId, i64)>, JournalError> {
        self.file().map_err(self.error("writing"))?;
        message::waiting(&self.database).map_err(self.error("reading"))
    }

    /// What [`Change::Settings`] said last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn settings(&self) -> Result<Option<String>, JournalError> {
        identity::settings(&self.database).map_err(self.error("reading"))
    }

    /// The messages that fit, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn messages(&self, query: &MessageQuery) -> Result<Vec<Message>, JournalError> {
        if query.needs_filing() {
            self.file().map_err(self.error("writing"))?;
        }
        message::select(&self.database, query).map_err(self.error("reading"))
    }

    /// The message with a row, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn message(&self, row: i64) -> Result<Option<Message>, JournalError> {
        message::one(&self.database, row).map_err(self.error("reading"))
    }

    /// Who came and went, newest first; at most so many.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn presences(&self, newest: usize) -> Result<Vec<Presence>, JournalError> {
        presence::select(&self.database, newest).map_err(self.error("reading"))
    }

    /// The runs that fit, newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn runs(&self, query: &RunQuery) -> Result<Vec<Run>, JournalError> {
        run::select(&self.database, query).map_err(self.error("reading"))
    }

    /// The machines of the run with a row, in the order of its list.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn run_machines(&self, run: i64) -> Result<Vec<RunMachine>, JournalError> {
        run::machines(&self.database, run).map_err(self.error("reading"))
    }

    /// What is kept of what a machine of a run printed, in the order in which it came: the first [`OUTPUT_EACH`] bytes
    /// at most. There was more if [`RunMachine::out`] and [`RunMachine::err`] say so.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn run_output(&self, run: i64, place: usize) -> Result<Vec<Printed>, JournalError> {
        run::output(&self.database, run, place).map_err(self.error("reading"))
    }

    /// Forgets everything that was before a time, for good; a message that waits to be delivered stays.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget(&self, before: jiff::Timestamp) -> Result<Forgotten, JournalError> {
        let forget = |database: &Database| {
            Ok(Forgotten {
                connections: connection::delete(database, before)?,
                messages: message::delete(database, before)?,
                presences: presence::delete(database, before)?,
                runs: run::delete(database, before)?,
            })
        };
        in_transaction(&self.database, forget).map_err(self.error("writing"))
    }

    /// Has every message filed, if the writer has not done it yet.
    fn file(&self) -> rusqlite::Result<()> {
        if message::is_filed(&self.database)? {
            return Ok(());
        }
        in_transaction(&self.database, message::file)
    }

    fn error(&self, doing: &'static str) -> impl FnOnce(rusqlite::Error) -> JournalError {
        move |error| JournalError::Database { doing, path: self.path.clone(), error }
    }
}

/// Makes a new file one with a write-ahead log; one that has it stays so. SQLite does not wait by itself for others who
/// are doing the same.
fn use_wal(database: &Database) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY;
    loop {
        match database.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                thread::sleep(RETRY);
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests;
