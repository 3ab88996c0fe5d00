//! `trunkline book`, and names where addresses stand, by the true binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
mod home;
#[path = "../connect/program.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod program;
#[path = "../connect/terminal.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod terminal;

mod change;
mod completion;
mod endpoints;
mod import;
mod shown;
