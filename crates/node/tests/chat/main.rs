//! The chat line on networks made for it: hosts that are network namespaces, bad ways between them, and the programs of
//! others as peers. Needs root, and is skipped without.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../../../../tests/needs.rs"]
mod needs;
#[macro_use]
mod support;

mod bad_way;
mod ground;
mod others;
mod ours;
