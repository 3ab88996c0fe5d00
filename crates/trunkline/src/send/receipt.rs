//! What became of each message of one text.

use std::fmt;
use std::net::SocketAddr;

use net::Untrusted;
use node::face::{Message, Unsent};
use serde::Serialize;

use crate::failure::{Exit, Outcome};
use crate::stdout;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum State {
    /// The receiver's program has it, so many microseconds after it was first sent.
    Delivered {
        #[serde(rename = "microseconds")]
        took: u64,
    },
    /// Nobody has answered yet; the running node sends it again.
    Queued,
    /// As [`State::Queued`], but no node runs.
    Kept,
    /// It can never be delivered.
    Failed { reason: String },
    /// Somebody has taken it back.
    Cancelled,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { took } => write!(f, "delivered in {} ms", took.div_ceil(1000)),
            Self::Queued => f.write_str("queued"),
            Self::Kept => f.write_str("kept; will go when \"trunkline up\" runs"),
            Self::Failed { reason } => write!(f, "failed: {}", Untrusted::from(reason.as_str())),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// The receipts of one text: each is told when it comes.
#[derive(Debug)]
pub(super) struct Receipts {
    waiting: Vec<Message>,
    json: bool,
    exit: Exit,
}

impl Receipts {
    pub(super) fn new(messages: Vec<Message>, json: bool) -> Self {
        Self { waiting: messages, json, exit: Exit::Good }
    }

    /// These get nothing, and nothing is kept for them.
    pub(super) fn refused(&mut self, unsent: &[Unsent]) -> Outcome {
        for Unsent { to, reason } in unsent {
            self.tell(to, None, &State::Failed { reason: reason.clone() })?;
        }
        Ok(self.exit)
    }

    pub(super) fn are_complete(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Something is known of a message now, which may be another one's.
    pub(super) fn settle(&mut self, message: i64, state: &State) -> Outcome {
        match self.waiting.iter().position(|waiting| waiting.id == message) {
            Some(place) => {
                let message = self.waiting.remove(place);
                self.tell(&message.with.name, Some(&message), state)
            }
            None => Ok(self.exit),
        }
    }

    /// Nothing more is waited for.
    pub(super) fn finish(mut self, no_node_runs: bool) -> Outcome {
        let state = if no_node_runs { State::Kept } else { State::Queued };
        for message in std::mem::take(&mut self.waiting) {
            self.tell(&message.with.name, Some(&message), &state)?;
        }
        Ok(self.exit)
    }

    fn tell(&mut self, to: &str, message: Option<&Message>, state: &State) -> Outcome {
        match state {
            State::Delivered { .. } => {}
            State::Queued | State::Kept if self.exit == Exit::Good => self.exit = Exit::Undelivered,
            State::Queued | State::Kept => {}
            State::Failed { .. } | State::Cancelled => self.exit = Exit::Failed,
        }
        if self.json {
            let address = message.and_then(|message| message.with.addresses.first()).copied();
            stdout::print_json([Line { to, address, message: message.map(|message| message.id), state }])
        } else {
            stdout::print(format!("{}: {state}\n", Untrusted::from(to)))
        }
    }
}

/// A receipt as JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<i64>,
    #[serde(flatten)]
    state: &'a State,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_message_failed_steers_no_terminal() {
        let failed = State::Failed { reason: "no \x1b[2J".to_owned() };
        assert_eq!(failed.to_string(), r"failed: no \x1b[2J");
    }
}
