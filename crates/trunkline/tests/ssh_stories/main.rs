//! What people do with the programs that they have, done with the true `trunkline up --ssh`. The stories are those of the
//! library's server; here stands what only the program can show.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
#[path = "../../../remote/tests/server/stories/needs.rs"]
mod needs;
#[path = "../../../remote/tests/server/stories/client.rs"]
mod client;
#[path = "../book/home.rs"]
#[allow(dead_code, reason = "shared with the tests of book")]
mod home;
#[path = "../server/lines.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod lines;
#[path = "../server/process.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod process;
#[path = "../../../remote/tests/server/stories/mod.rs"]
mod stories;
mod support;

mod detached;
mod gibibyte;

use std::time::{Duration, Instant};

use lines::Lines;

/// How long something may take that takes no time: long enough for a busy machine with two dozen clients.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until `happened` gives something.
fn wait_until<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(event) = happened() {
            return event;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
