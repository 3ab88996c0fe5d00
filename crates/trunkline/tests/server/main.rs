//! `trunkline serve`, by the true binary and as a user would meet it: one file for each feature.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
mod peers;
mod client;
mod lines;
mod process;
mod serve;

mod attackers;
mod calls;
mod datagrams;
mod defects;
mod door;
mod endings;
mod forward;
mod frames;
mod journal;
mod listening;
mod people;
mod programs;
mod rows;
mod shutdown;
mod tutorial;
mod usage;

use lines::Lines;

/// How long anything that is waited for may take. What is waited for is an event; this only ends a test whose event
/// never comes.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// Looks again and again until `happened` gives something.
fn wait_until<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(event) = happened() {
            return event;
        }
        assert!(std::time::Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}
