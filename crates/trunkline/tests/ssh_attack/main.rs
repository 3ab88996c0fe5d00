//! `up --ssh` under attack, by the true binary: a good client is served meanwhile, and the memory stays bounded.
//!
//! Each attack prints what it cost (`-- --nocapture`); docs/ssh-server.md has the figures of a release build, which
//! `cargo xtask soak sshd` makes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../book/home.rs"]
#[allow(dead_code, reason = "shared with the tests of book")]
mod home;
#[path = "../server/lines.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod lines;
mod patience;
#[path = "../server/peers.rs"]
#[allow(dead_code, unused_macros, reason = "shared with the tests of serve")]
#[macro_use]
mod peers;
#[path = "../server/process.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod process;

mod audit;
mod guests;
mod host;
mod strangers;

use lines::Lines;
use patience::{PATIENCE, wait_until};
