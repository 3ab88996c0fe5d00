//! What people do with the programs that they have, done with the true `trunkline up --ssh`. The stories are those of the
//! library's server; here stands what only the program can show.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
#[path = "../../../remote/tests/server/stories/client.rs"]
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
#[path = "../server/process.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod process;
#[path = "../../../remote/tests/server/stories/mod.rs"]
mod stories;
mod support;

mod detached;
mod gibibyte;

use std::time::Duration;

use lines::Lines;
use patience::wait_until;

/// How long something may take that takes no time: long enough for a busy machine with two dozen clients.
const PATIENCE: Duration = Duration::from_secs(60);
