//! Whose keys are let in, and the line at which they are: `trunkline allow` and `trunkline up --ssh`, by the true binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../book/home.rs"]
#[allow(dead_code, reason = "shared with the tests of book")]
mod home;

mod allow;
