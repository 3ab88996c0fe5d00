//! What a node does, as stories: these inputs, and exactly these outputs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test a failed unwrap is a failed test")]

mod attackers;
mod incoming;
mod outgoing;
mod presence;
mod rates;
mod story;
