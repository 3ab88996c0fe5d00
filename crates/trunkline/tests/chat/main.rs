//! `trunkline chat --plain`, by the true binary: with the tutorial's own programs, and between running nodes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../send/node.rs"]
#[allow(dead_code, reason = "shared with the tests of send")]
mod node;
#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
#[path = "../connect/program.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod program;
#[path = "../connect/terminal.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod terminal;

mod datagrams;
mod people;
mod usage;
