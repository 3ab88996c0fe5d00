//! The server against the clients that people have.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
mod support;

mod files;
mod login;
mod openssh;
mod peers;
