//! What the journal has, as rows of one table and as JSON.

mod connection;
mod message;
mod run;

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use node::journal::{Connection, Message, Run, RunMachine, RunVerb};
use serde::Serialize;

pub(super) use run::{ran, targets};

use super::people::Names;
use crate::table::columns;

/// What is shown of one happening. It serialises as one JSON object, which says of what kind it is.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Line<'a> {
    Connection(connection::Line<'a>),
    Message(message::Line<'a>),
    Run(run::Line<'a>),
    Shell(run::Line<'a>),
    Copy(run::Line<'a>),
}

/// What it was, whose, how it ended, and all the rest. The last may be long and have several lines, so it stands last.
const HEADER: [&str; 5] = ["TIME", "LINE", "WHO", "RESULT", "WHAT"];

/// The cells of a row behind its time.
type Cells = [String; 4];

impl<'a> Line<'a> {
    pub(super) fn of_connection(connection: &'a Connection, names: &'a Names) -> Self {
        Self::Connection(connection::Line::new(connection, names))
    }

    pub(super) fn of_message(message: &'a Message, names: &'a Names) -> Self {
        Self::Message(message::Line::new(message, names))
    }

    pub(super) fn of_run(run: &'a Run, machines: &'a [RunMachine]) -> Self {
        let line = run::Line::new(run, machines);
        match run.verb {
            RunVerb::Run => Self::Run(line),
            RunVerb::Shell => Self::Shell(line),
            RunVerb::Copy => Self::Copy(line),
        }
    }

    pub(super) fn time(&self) -> Timestamp {
        match self {
            Self::Connection(line) => line.time,
            Self::Message(line) => line.time,
            Self::Run(line) | Self::Shell(line) | Self::Copy(line) => line.time,
        }
    }

    fn cells(&self) -> Cells {
        match self {
            Self::Connection(line) => line.cells(),
            Self::Message(line) => line.cells(),
            Self::Run(line) | Self::Shell(line) | Self::Copy(line) => line.cells(),
        }
    }
}

/// A table, with times by the clock of a zone.
pub(super) fn table(lines: &[Line<'_>], zone: &TimeZone, width: Option<u16>) -> String {
    let row = |line: &Line<'_>| {
        let time = by_the_clock(line.time(), zone);
        let [line, who, result, what] = line.cells();
        [time, line, who, result, what]
    };
    columns(HEADER, &[], &lines.iter().map(row).collect::<Vec<_>>(), width)
}

/// A moment by the clock of a zone.
pub(super) fn by_the_clock(moment: Timestamp, zone: &TimeZone) -> String {
    moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time as one says it: `3 ms`, `1.2 s`, `2h 5m 3s`.
fn span(took: Duration) -> String {
    match took.as_millis() {
        millis @ ..1_000 => format!("{millis} ms"),
        ..60_000 => format!("{:.1} s", took.as_secs_f64()),
        _ => {
            let seconds = i64::try_from(took.as_secs()).unwrap_or(i64::MAX);
            format!("{:#}", SignedDuration::from_secs(seconds))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_delivery_took_is_said_in_what_fits_it() {
        let said = [0, 3, 999, 1_000, 59_999, 60_000, 7_503_000, 90_000_000]
            .map(|millis| span(Duration::from_millis(millis)));
        assert_eq!(said, ["0 ms", "3 ms", "999 ms", "1.0 s", "60.0 s", "1m", "2h 5m 3s", "25h"]);
        assert!(!span(Duration::MAX).is_empty());
    }
}
