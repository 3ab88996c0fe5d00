//! What the journal has, as rows of one table and as JSON.

mod connection;
mod message;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use node::journal::{Connection, Message};
use serde::Serialize;

use super::people::Names;
use crate::table::columns;

/// What is shown of one happening. It serialises as one JSON object, which says of what kind it is.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Line<'a> {
    Connection(connection::Line<'a>),
    Message(message::Line<'a>),
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

    pub(super) fn time(&self) -> Timestamp {
        match self {
            Self::Connection(line) => line.time,
            Self::Message(line) => line.time,
        }
    }

    fn cells(&self) -> Cells {
        match self {
            Self::Connection(line) => line.cells(),
            Self::Message(line) => line.cells(),
        }
    }
}

/// A table, with times by the clock of a zone.
pub(super) fn table(lines: &[Line<'_>], zone: &TimeZone, width: Option<u16>) -> String {
    let row = |line: &Line<'_>| {
        let time = line.time().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let [line, who, result, what] = line.cells();
        [time, line, who, result, what]
    };
    columns(HEADER, &[], &lines.iter().map(row).collect::<Vec<_>>(), width)
}
