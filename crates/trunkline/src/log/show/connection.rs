//! A connection, shown.

use jiff::Timestamp;
use net::{Ending, Untrusted};
use node::journal::Connection;
use serde::Serialize;

use super::Cells;
use crate::log::people::Names;

/// It serialises with the words of the server's log.
#[derive(Debug, Serialize)]
pub(in crate::log) struct Line<'a> {
    pub(super) time: Timestamp,
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
            time: connection.at,
            service: &connection.service,
            remote: &connection.remote,
            name: connection.remote_host().and_then(|host| names.of_host(host)),
            local: &connection.local,
            received: connection.received,
            messages: connection.messages,
            sent: connection.sent,
            seconds: connection.lasted.as_secs_f64(),
            ending: &connection.ending,
        }
    }

    pub(super) fn cells(&self) -> Cells {
        let shown = |text: &str| Untrusted::from(text).to_string();
        [
            shown(self.service),
            shown(self.name.unwrap_or_default()),
            shown(&self.ending.to_string()),
            format!(
                "{} at {}: {} bytes came, {} went, {:.3} s",
                shown(self.remote),
                shown(self.local),
                self.received,
                self.sent,
                self.seconds
            ),
        ]
    }
}
