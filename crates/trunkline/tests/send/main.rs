//! `trunkline send`, by the true binary, between running nodes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[allow(dead_code, reason = "shared with the tests of who and chat")]
mod node;
#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
#[path = "../connect/program.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod program;

mod alone;
mod receipts;
mod texts;
