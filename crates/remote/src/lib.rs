//! The ssh line: commands, terminals and files on other machines, one or many at once.
//!
//! Whoever calls says which machines, already resolved, and hands in ready streams and the answers of a person; what comes
//! back is events. No storage and no socket of its own is known here: `node` joins this crate with the book, the journal
//! and the network.
//!
//! [`Transport`] stands between what happens on one machine and whoever asks for many, so that the fan-out is tested
//! without a network, and russh, whose interface changes each month, is seen by few modules.

#[cfg(test)]
#[macro_use]
#[path = "../../../tests/needs.rs"]
mod needs;

mod account;
pub mod algorithms;
pub mod ask;
pub mod authorized_keys;
mod channel;
pub mod client;
pub mod command;
pub mod config;
pub mod dial;
pub mod fan;
pub mod identity;
pub mod known_hosts;
pub mod machine;
pub mod outcome;
pub mod server;
pub mod sftp;
pub mod sudo;
#[cfg(test)]
mod testing;
pub mod transport;

pub use account::Account;
pub use ask::{Answers, Question, Secret};
pub use client::Client;
pub use command::Command;
pub use dial::{Dial, Stream};
pub use identity::{Candidate, Keyring};
pub use known_hosts::{KnownHosts, Verdict};
pub use machine::{Hop, Machine};
pub use outcome::{ConnectError, Outcome, Unreachable};
pub use sudo::Sudo;
pub use transport::{Doing, Piece, Session, Signal, Transport};
