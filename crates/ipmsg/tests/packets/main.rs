//! What goes over the wire: bytes that were seen there, any bytes at all, and bytes from an attacker.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test a failed unwrap is a failed test")]

mod attackers;
mod properties;
mod seen;
mod stream;
