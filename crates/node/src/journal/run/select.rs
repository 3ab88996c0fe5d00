//! Runs, read.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection as Database, Row, named_params};

use super::{Copied, Printed, RunEnding, RunVerb};
use crate::journal::connection::anywhere;
use crate::journal::value::{duration, integer, timestamp, unreadable};

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its row, which only ever grows.
    pub row: i64,
    /// What was done.
    pub verb: RunVerb,
    /// When it began.
    pub at: Timestamp,
    /// How long it took; None while it goes on, or if nobody was left to say so.
    pub lasted: Option<Duration>,
    /// Who ran it.
    pub by: String,
    /// The machines, as the person named them.
    pub targets: String,
    /// The command; of a copy its paths; of a shell nothing.
    pub command: String,
    /// How many machines it was for.
    pub machines: usize,
    /// On how many of them it was no success, or is not known to be one.
    pub failed: usize,
    /// It was cancelled.
    pub cancelled: bool,
    /// What was copied; None of what is no copy, and of one whose end nobody saw.
    pub copied: Option<Copied>,
}

/// A machine of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunMachine {
    /// Its place in the list of the run.
    pub place: usize,
    /// By what the person called it.
    pub name: String,
    /// Where it was.
    pub host: String,
    /// How it ended; None if that is not known.
    pub ending: Option<RunEnding>,
    /// How long it took; None if that is not known.
    pub lasted: Option<Duration>,
    /// Bytes that it printed on standard output; 0 until it has ended.
    pub out: u64,
    /// Bytes that it printed on standard error; 0 until it has ended.
    pub err: u64,
}

/// Which runs are wanted. All of them, unless something is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Those that do this.
    pub verb: Option<RunVerb>,
    /// Those that began at this time or later.
    pub since: Option<Timestamp>,
    /// Those with this text anywhere in the command or in what its machines were named by. The case of ASCII letters is
    /// ignored.
    pub search: Option<String>,
    /// Those for a machine with one of these names, or at one of these hosts.
    pub machines: Option<Vec<String>>,
    /// At most so many, the newest.
    pub newest: Option<usize>,
}

/// The runs that fit, newest first.
pub(in crate::journal) fn select(database: &Database, query: &RunQuery) -> rusqlite::Result<Vec<Run>> {
    let select = r"
        SELECT *, (SELECT count(*) FROM run_machines WHERE run = runs.id AND NOT (ending IS 'exit' AND number = 0)) AS failed
        FROM runs WHERE at >= :since AND (:verb IS NULL OR verb = :verb)
        AND (:search IS NULL OR command || char(10) || targets LIKE :search ESCAPE '\')
        AND (:machines IS NULL OR EXISTS (
            SELECT 1 FROM run_machines JOIN json_each(:machines) ON value IN (name, host) WHERE run = runs.id))
        ORDER BY at DESC, id DESC LIMIT :newest";
    let machines = query.machines.as_ref().map(|machines| serde_json::json!(machines).to_string());
    let mut statement = database.prepare(select)?;
    let rows = statement.query_map(
        named_params! {
            ":verb": query.verb.map(RunVerb::word),
            ":since": query.since.map_or(i64::MIN, Timestamp::as_microsecond),
            ":search": query.search.as_deref().map(anywhere),
            ":machines": machines,
            ":newest": query.newest.map_or(-1, integer),
        },
        run,
    )?;
    rows.collect()
}

/// The machines of a run, in the order of its list.
pub(in crate::journal) fn machines(database: &Database, run: i64) -> rusqlite::Result<Vec<RunMachine>> {
    let mut statement = database.prepare("SELECT * FROM run_machines WHERE run = ?1 ORDER BY place")?;
    statement.query_map([run], machine)?.collect()
}

/// What is kept of what a machine printed, in the order in which it came.
pub(in crate::journal) fn output(
    database: &Database,
    run: i64,
    place: usize,
) -> rusqlite::Result<Vec<Printed>> {
    let select = "SELECT is_error, bytes FROM run_output WHERE run = ?1 AND place = ?2 ORDER BY id";
    let mut statement = database.prepare_cached(select)?;
    let rows = statement.query_map((run, integer(place)), |row| {
        Ok(Printed { is_error: row.get("is_error")?, bytes: row.get("bytes")? })
    })?;
    rows.collect()
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let verb = RunVerb::from_word(row.get_ref("verb")?.as_str()?);
    let copied = match (row.get("copied_files")?, row.get("copied_bytes")?) {
        (Some::<i64>(_), Some::<i64>(_)) => {
            Some(Copied { files: count(row, "copied_files")?, bytes: count(row, "copied_bytes")? })
        }
        _ => None,
    };
    Ok(Run {
        row: row.get("id")?,
        verb: verb.ok_or_else(|| unreadable("this program knows no such verb"))?,
        at: timestamp(row.get("at")?)?,
        lasted: row.get::<_, Option<i64>>("lasted")?.map(duration),
        by: row.get("by")?,
        targets: row.get("targets")?,
        command: row.get("command")?,
        machines: count(row, "machines")?,
        failed: count(row, "failed")?,
        cancelled: row.get("cancelled")?,
        copied,
    })
}

fn machine(row: &Row<'_>) -> rusqlite::Result<RunMachine> {
    let ending = row.get::<_, Option<String>>("ending")?.map(|word| {
        let ending = RunEnding::from_columns(&word, row.get("number")?, row.get("reason")?);
        ending.ok_or_else(|| unreadable("this program knows no such ending"))
    });
    Ok(RunMachine {
        place: count(row, "place")?,
        name: row.get("name")?,
        host: row.get("host")?,
        ending: ending.transpose()?,
        lasted: row.get::<_, Option<i64>>("lasted")?.map(duration),
        out: count(row, "out")?,
        err: count(row, "err")?,
    })
}

/// A number that is none below zero.
fn count<T: TryFrom<i64> + Default>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    Ok(T::try_from(row.get(column)?).unwrap_or_default())
}
