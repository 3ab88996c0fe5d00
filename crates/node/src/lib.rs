//! What makes the lines one: every person, machine and socket has a name, and the name is enough.

#[cfg(test)]
#[macro_use]
#[path = "../../../tests/needs.rs"]
mod needs;

pub mod allow;
pub mod book;
mod chat;
pub mod face;
pub mod home;
pub mod journal;
mod node;
pub mod ssh;
pub mod sshd;
mod store;

pub use node::{Node, Plan, Running, StartError, Watch, WatchError};
pub use store::StoreError;
