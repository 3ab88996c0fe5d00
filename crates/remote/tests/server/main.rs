//! The server against the clients that people have.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
mod support;

mod algorithms;
mod attacks;
mod files;
mod forward;
mod login;
mod memory;
mod openssh;
mod peers;
mod strict;
