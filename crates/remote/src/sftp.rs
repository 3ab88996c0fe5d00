//! Files to and from machines, by SFTP version 3 (draft-ietf-secsh-filexfer-02) and OpenSSH's extensions.
//!
//! [`Copier`] is a [`Transport`](crate::Transport): a copy runs on many machines as a command does, under the same limits, and
//! tells what goes wrong as a command does on its standard error.
//!
//! No file is ever half there under its own name: bytes go into a new one beside it, `.NAME.trunkline-RANDOM.part`, which takes
//! the name when it is whole and on disk. One that is replaced gives its mode to the new one, and its owner where that is
//! allowed. Names are bytes, as kernels have them, and names from a machine are believed only if they lead nowhere else.
//!
//! Local files are read and written without leaving the thread: whatever the number of machines, they share one disk.

pub(crate) mod attributes;
pub(crate) mod wire;

mod copier;
mod copy;
mod get;
mod lane;
mod link;
mod local;
mod name;
mod pattern;
mod problem;
mod put;
mod queue;
mod session;

pub use copier::{Copier, Copying, Meter, NoInput};
pub use copy::{DEPTH_MAX, Job, Way};
pub use session::NAMES_MAX;
