//! `trunkline connect`, and what else is done at a terminal, by the true binary and as a user would meet it: one file for
//! each feature.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
mod program;
#[allow(dead_code, reason = "shared with the tests of shell")]
mod terminal;

mod datagram;
mod editor;
mod probe;
mod stream;
mod talk;
mod trace;
