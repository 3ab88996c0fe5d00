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
        // Behind the service stands what was asked of it: `ssh: uptime (key anna@pc7)`.
        let (service, asked) = self.service.split_once(": ").unwrap_or((self.service, ""));
        let asked = if asked.is_empty() { String::new() } else { format!("{}; ", shown(asked)) };
        [
            shown(service),
            shown(self.name.unwrap_or_default()),
            shown(&self.ending.to_string()),
            format!(
                "{asked}{} at {}: {} bytes came, {} went, {:.3} s",
                shown(self.remote),
                shown(self.local),
                self.received,
                self.sent,
                self.seconds
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_asked_of_a_service_stands_with_what_happened() {
        let connection = Connection {
            at: Timestamp::UNIX_EPOCH,
            lasted: Duration::from_millis(5),
            service: "ssh: echo a: b (key anna)".to_owned(),
            local: "tcp://10.0.0.1:2222".to_owned(),
            remote: "tcp://10.0.0.2:4711".to_owned(),
            ending: Ending::Eof,
            received: 1,
            messages: 0,
            sent: 2,
        };
        let [line, _, _, what] = Line::new(&connection, &Names::of(&node::book::Book::default())).cells();
        assert_eq!(line, "ssh");
        assert_eq!(
            what,
            "echo a: b (key anna); tcp://10.0.0.2:4711 at tcp://10.0.0.1:2222: 1 bytes came, 2 went, 0.005 s"
        );
    }
}
