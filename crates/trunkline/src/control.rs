//! The control socket: how a verb, or a person's own script, talks with the node that runs.
//!
//! It speaks HTTP/1.1 on a Unix socket that only this user can open; the types are those of [`node::face`], in JSON.
//!
//! | route | takes | gives |
//! |---|---|---|
//! | `POST /api/request` | a `Request` | its `Reply`; or `Refused`, with 400 for a wrong request, 409 where things do not allow it |
//! | `GET /api/snapshot` | | a `Snapshot` |
//! | `GET /api/line` | a WebSocket | see below |
//!
//! **A line** is one ordered stream. The node first says `{"snapshot": Snapshot}`, and then each event, a `Numbered`,
//! as [`node::face`] promises. A face may ask at any time, `{"id": N, "ask": Request}`, and is answered
//! `{"id": N, "reply": Reply}` or `{"id": N, "refused": Refused}`; what the node told before it answered comes before the
//! answer. A face that reads too slowly gets `{"snapshot": Snapshot, "missed": N}` in place of N events; one that does
//! not read at all is hung up on.

mod client;
mod face;
mod server;
mod wire;

pub(crate) use client::Client;
pub(crate) use face::Face;
pub(crate) use server::{Api, Socket};

use node::StartError;

use crate::failure::Failure;

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Journal(error) => error.into(),
            error => Self::from(anyhow::Error::new(error)),
        }
    }
}

#[cfg(test)]
mod tests;
