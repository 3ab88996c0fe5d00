//! `up --ssh` under attack, by the true binary: a good client is served meanwhile, and the memory stays bounded.
//!
//! Each attack prints what it cost (`-- --nocapture`); docs/ssh-server.md has the figures of a release build, which
//! `cargo xtask soak sshd` makes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../../../remote/tests/server/stories/client.rs"]
#[allow(dead_code, reason = "shared with the stories of the library's server")]
mod client;
#[path = "../book/home.rs"]
#[allow(dead_code, reason = "shared with the tests of book")]
mod home;
#[path = "../server/lines.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod lines;
#[path = "../ssh_server/node.rs"]
mod node;
#[path = "../server/patience.rs"]
#[allow(dead_code, reason = "shared with the tests of serve, which wait less long")]
mod patience;
#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
#[path = "../server/process.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod process;

mod audit;
mod guests;
mod host;
mod strangers;

use std::time::Duration;

use lines::Lines;
use patience::wait_until;

/// How long anything that is waited for may take: these tests are what makes the machine busy.
const PATIENCE: Duration = Duration::from_secs(60);
