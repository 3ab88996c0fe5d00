//! What makes the lines one: every person, machine and socket has a name, and the name is enough.

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
#[cfg(test)]
mod testing;

pub use node::{Node, Plan, Running, StartError, Watch, WatchError};
pub use store::StoreError;
