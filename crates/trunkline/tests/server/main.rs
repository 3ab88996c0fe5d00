//! `trunkline serve`, by the true binary and as a user would meet it: one file for each feature.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
mod client;
mod lines;
mod patience;
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
use patience::{PATIENCE, wait_until};
