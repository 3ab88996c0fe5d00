//! A connection of the journal, as a row of a table and as JSON.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use net::{Ending, Untrusted};
use node::journal::Connection;
use serde::Serialize;

use super::people::Names;
use crate::table::columns;

/// What is shown of a connection. It serialises as one JSON object, with the words of the server's log.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    kind: &'static str,
    time: Timestamp,
    service: &'a str,
    remote: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    local: &'a str,
    received: u64,
    messages: u64,
    sent: u64,
    seconds: f64,
    #[serde(flatten)]
    ending: &'a Ending,
}

impl<'a> Line<'a> {
    pub(super) fn new(connection: &'a Connection, names: &'a Names) -> Self {
        Self {
            kind: "connection",
            time: connection.at,
            service: &connection.service,
            remote: &connection.remote,
            name: names.of_remote(connection),
            local: &connection.local,
            received: connection.received,
            messages: connection.messages,
            sent: connection.sent,
            seconds: connection.lasted.as_secs_f64(),
            ending: &connection.ending,
        }
    }
}

const HEADER: [&str; 9] =
    ["TIME", "SERVICE", "REMOTE", "NAME", "LOCAL", "RECEIVED", "SENT", "SECONDS", "ENDING"];

/// Connections as a table, with times by the clock of a zone.
pub(super) fn table<'a>(
    lines: impl Iterator<Item = Line<'a>>,
    zone: &TimeZone,
    width: Option<u16>,
) -> String {
    let shown = |text: &str| Untrusted::from(text).to_string();
    let row = |line: Line<'_>| {
        [
            line.time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            shown(line.service),
            shown(line.remote),
            shown(line.name.unwrap_or_default()),
            shown(line.local),
            line.received.to_string(),
            line.sent.to_string(),
            format!("{:.3}", line.seconds),
            shown(&line.ending.to_string()),
        ]
    };
    columns(HEADER, &["RECEIVED", "SENT", "SECONDS"], &lines.map(row).collect::<Vec<_>>(), width)
}
