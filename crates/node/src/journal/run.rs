//! Commands on other machines, as they stand in the journal: what was run, how it ended on each machine, and the first of
//! what it printed there. What was copied to them and who had a terminal there stand beside them, without what was printed.
//!
//! A run is written down when it begins ([`NewRun`]), with all of its machines; what comes of it follows in pieces of bounded
//! size ([`RunNews`], gathered by a [`Recording`]). Whatever ends the program in between leaves what was written until then:
//! machines without an ending.

use std::time::Duration;

use jiff::Timestamp;
use remote::Outcome;
use rusqlite::{Connection as Database, OptionalExtension as _, named_params};

use super::change::Written;
use super::value::{duration, integer, micros};

mod recording;
mod select;

pub use recording::{OUTPUT_EACH, OUTPUT_RUN, Recording};
pub use select::{Run, RunMachine, RunQuery};

pub(super) use select::{machines, output, select};

/// The newest runs that are kept. A person makes a few dozen on a day, a script may make one each minute: a week of that.
pub const RUNS_MAX: i64 = 10_000;

/// Bytes that all runs together take, about; when a run begins, the oldest go until there is room for it. The journal does
/// not fill a disk with what can be had again by running it again.
pub const RUNS_BYTES: usize = 256 * 1024 * 1024;

/// What a machine of a run takes without its output, about.
const MACHINE_BYTES: usize = 128;

/// What is done on the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunVerb {
    /// A command runs.
    Run,
    /// A person has a terminal.
    Shell,
    /// Files are copied, either way.
    Copy,
}

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// What is done.
    pub verb: RunVerb,
    /// When; kept to the microsecond.
    pub at: Timestamp,
    /// Who runs it: a user of this machine.
    pub by: String,
    /// The machines, as the person named them.
    pub targets: String,
    /// The command, as it was given; of a copy its paths; of a shell nothing.
    pub command: String,
    /// Each machine.
    pub machines: Vec<RunTarget>,
}

/// A machine that a run is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTarget {
    /// By what the person calls it.
    pub name: String,
    /// Where it is.
    pub host: String,
}

/// What has come of a run since the last news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunNews {
    run: i64,
    output: Vec<Piece>,
    ended: Vec<End>,
    copied: Option<Copied>,
    over: Option<Over>,
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files that became whole.
    pub files: u64,
    /// Bytes that arrived, of unfinished files too.
    pub bytes: u64,
}

/// Something that was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// On standard error.
    pub is_error: bool,
    /// As it came.
    pub bytes: Vec<u8>,
}

/// How it ended on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnding {
    /// By itself, with this status.
    Exit(u32),
    /// By a signal.
    Signal {
        /// Its name, without `SIG`.
        name: String,
        /// It left a core dump.
        core: bool,
    },
    /// It never began; why, and where if that was on the way.
    Unreachable(String),
    /// The connection was lost; why.
    Lost(String),
    /// It took longer than this; kept to the microsecond.
    TimedOut(Duration),
    /// It was ended, or never began, because the person or the first failure elsewhere said so.
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    machine: usize,
    printed: Printed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    machine: usize,
    ending: RunEnding,
    lasted: Duration,
    out: u64,
    err: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Over {
    lasted: Duration,
    cancelled: bool,
}

impl RunVerb {
    /// The verb as it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Shell => "shell",
            Self::Copy => "copy",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Run, Self::Shell, Self::Copy].into_iter().find(|verb| verb.word() == word)
    }
}

impl RunEnding {
    /// Of the machine whose end is `user@host:port`.
    #[must_use]
    pub fn of(outcome: &Outcome, end: &str) -> Self {
        match outcome {
            Outcome::Exit(status) => Self::Exit(*status),
            Outcome::Signal { name, core } => Self::Signal { name: name.clone(), core: *core },
            // Those that fail for the same reason have the same words.
            Outcome::Unreachable(error) if error.hop == end => Self::Unreachable(error.reason.to_string()),
            Outcome::Unreachable(error) => Self::Unreachable(error.to_string()),
            Outcome::Lost(why) => Self::Lost(why.clone()),
            Outcome::TimedOut(limit) => Self::TimedOut(*limit),
            Outcome::Cancelled => Self::Cancelled,
        }
    }

    /// Whether the command did what it was to do: it ended by itself, with status 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Exit(0)
    }

    /// As it stands in the columns: the word, the number and the reason.
    fn columns(&self) -> (&'static str, i64, &str) {
        match self {
            Self::Exit(status) => ("exit", (*status).into(), ""),
            Self::Signal { name, core } => ("signal", (*core).into(), name),
            Self::Unreachable(reason) => ("unreachable", 0, reason),
            Self::Lost(reason) => ("lost", 0, reason),
            Self::TimedOut(limit) => ("timeout", micros(*limit), ""),
            Self::Cancelled => ("cancelled", 0, ""),
        }
    }

    fn from_columns(word: &str, number: i64, reason: String) -> Option<Self> {
        Some(match word {
            "exit" => Self::Exit(number.try_into().ok()?),
            "signal" => Self::Signal { name: reason, core: number != 0 },
            "unreachable" => Self::Unreachable(reason),
            "lost" => Self::Lost(reason),
            "timeout" => Self::TimedOut(duration(number)),
            "cancelled" => Self::Cancelled,
            _ => return None,
        })
    }
}

/// Writes a run down, after making room for it.
pub(super) fn begin(database: &Database, run: &NewRun) -> rusqlite::Result<Written> {
    let bytes = run.machines.len() * MACHINE_BYTES;
    delete_surplus(database, RUNS_BYTES.saturating_sub(bytes + OUTPUT_RUN))?;
    let insert = "
        INSERT INTO runs (verb, at, by, targets, command, machines, cancelled, bytes)
        VALUES (:verb, :at, :by, :targets, :command, :machines, FALSE, :bytes)";
    let row = database.prepare_cached(insert)?.insert(named_params! {
        ":verb": run.verb.word(),
        ":at": run.at.as_microsecond(),
        ":by": run.by,
        ":targets": run.targets,
        ":command": run.command,
        ":machines": integer(run.machines.len()),
        ":bytes": integer(bytes),
    })?;
    let mut insert = database.prepare_cached(
        "INSERT INTO run_machines (run, place, name, host, out, err) VALUES (?1, ?2, ?3, ?4, 0, 0)",
    )?;
    for (place, RunTarget { name, host }) in run.machines.iter().enumerate() {
        insert.execute((row, integer(place), name, host))?;
    }
    Ok(Written::new(row))
}

/// Writes down what has come of a run, unless it was forgotten meanwhile.
pub(super) fn go_on(database: &Database, news: &RunNews) -> rusqlite::Result<Written> {
    let RunNews { run, output, ended, copied, over } = news;
    let bytes: usize = output.iter().map(|piece| piece.printed.bytes.len()).sum();
    let update = "
        UPDATE runs SET bytes = bytes + ?2, lasted = ifnull(?3, lasted), cancelled = cancelled OR ?4,
        copied_files = ifnull(?5, copied_files), copied_bytes = ifnull(?6, copied_bytes)
        WHERE id = ?1 RETURNING id";
    let lasted = over.as_ref().map(|over| micros(over.lasted));
    let cancelled = over.as_ref().is_some_and(|over| over.cancelled);
    let (files, copied) = (copied.map(|of| integer(of.files)), copied.map(|of| integer(of.bytes)));
    let changed: Option<i64> = database
        .prepare_cached(update)?
        .query_row((run, integer(bytes), lasted, cancelled, files, copied), |row| row.get(0))
        .optional()?;
    if changed.is_none() {
        return Ok(Written::default());
    }
    let mut insert = database
        .prepare_cached("INSERT INTO run_output (run, place, is_error, bytes) VALUES (?1, ?2, ?3, ?4)")?;
    for Piece { machine, printed: Printed { is_error, bytes } } in output {
        insert.execute((run, integer(*machine), is_error, bytes))?;
    }
    let mut update = database.prepare_cached(
        "UPDATE run_machines SET ending = ?3, number = ?4, reason = ?5, lasted = ?6, out = ?7, err = ?8
         WHERE run = ?1 AND place = ?2",
    )?;
    for End { machine, ending, lasted, out, err } in ended {
        let (word, number, reason) = ending.columns();
        let sizes = (integer(*out), integer(*err));
        update.execute((run, integer(*machine), word, number, reason, micros(*lasted), sizes.0, sizes.1))?;
    }
    Ok(Written::new(*run))
}

/// Deletes the oldest until one more is within [`RUNS_MAX`], and the others take no more than so many bytes.
fn delete_surplus(database: &Database, bytes: usize) -> rusqlite::Result<()> {
    let delete = "
        DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?1 + 1 OR id <= (
            SELECT max(id) FROM (SELECT id, sum(bytes) OVER (ORDER BY id DESC) AS since FROM runs) WHERE since > ?2)";
    database.prepare_cached(delete)?.execute((RUNS_MAX, integer(bytes))).map(drop)
}

/// Deletes the runs that began before a time, and says how many.
pub(super) fn delete(database: &Database, before: Timestamp) -> rusqlite::Result<usize> {
    database.execute("DELETE FROM runs WHERE at < ?1", [before.as_microsecond()])
}

#[cfg(test)]
mod tests;
