//! SSH with servers of others: OpenSSH's sshd and dropbear, on ports of this machine, with keys of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
mod support;

mod commands;
mod files;
mod hosts;
mod jumps;
mod logins;
mod small_machines;
mod streams;
mod sudo;
mod terminals;
mod trouble;
