//! What goes over a line of the control socket: one JSON text for each message, of these shapes.

use node::face::{Numbered, Refused, Reply, Request, Snapshot};
use serde::{Deserialize, Serialize};

/// What a face says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Question {
    /// The face's own number for it, which comes back with the answer.
    pub(super) id: u64,
    pub(super) ask: Request,
}

/// What the node says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Said {
    /// How things stand: first of all, and again after events were missed.
    Snapshot {
        snapshot: Snapshot,
        /// How many events were missed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missed: Option<u64>,
    },
    /// The answer to a question.
    Reply { id: u64, reply: Reply },
    /// A question that is answered with no; without a number where none could be read.
    Refused {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        refused: Refused,
    },
    /// Something has happened.
    Event(Numbered),
}
