//! The server against the clients that people have, and against those that nobody should.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;

#[path = "stories/client.rs"]
mod client;
mod support;

mod algorithms;
mod attacks;
mod memory;
mod sessions;
mod stories;
mod strict;
