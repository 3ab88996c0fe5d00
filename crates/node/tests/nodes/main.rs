//! Nodes of this machine, each with a home of its own, that know each other by their books: what one says, the other has.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

mod attack;
mod desk;
mod killed;
mod talk;
