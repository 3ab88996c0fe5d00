//! `trunkline shell`, by the true binary, at a terminal and without one, on an OpenSSH sshd.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../run/ground.rs"]
#[allow(dead_code, reason = "shared with the tests of run")]
mod ground;
#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
#[path = "../connect/program.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod program;
#[path = "../connect/terminal.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod terminal;

mod endings;
mod person;
mod pipe;
