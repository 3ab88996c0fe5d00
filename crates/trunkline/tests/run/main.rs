//! `trunkline run`, by the true binary, on machines that are loopback addresses behind an OpenSSH sshd.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

mod ground;
#[path = "../doctor/host.rs"]
#[allow(dead_code, reason = "shared with the tests of doctor")]
mod host;
#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
#[path = "../connect/program.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod program;
#[path = "../connect/terminal.rs"]
#[allow(dead_code, reason = "shared with the tests of connect")]
mod terminal;

mod faults;
mod log;
mod many;
mod one;
mod person;
mod rack;
mod tutorial;
