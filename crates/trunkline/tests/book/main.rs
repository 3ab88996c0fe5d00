//! `trunkline book`, and names where addresses stand, by the true binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
#[path = "../server/peers.rs"]
#[allow(dead_code, unused_macros, reason = "shared with the tests of serve")]
mod peers;
mod home;

mod change;
mod completion;
mod endpoints;
mod import;
mod shown;
