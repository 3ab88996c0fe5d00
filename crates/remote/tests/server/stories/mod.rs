//! What people do with an SSH server by the programs that they have. The same stories are told to the library's server and,
//! in `crates/trunkline/tests/ssh_stories`, to `trunkline up --ssh`. Each brings a `support::Host` of its own, with a
//! [`Place`](crate::client::Place) in it:
//!
//! - `Host::start()` is a server that lets the key in which is called `key`; `Host::that_forwards()` passes connections on;
//! - `host.allow(text)` replaces its file of keys, which is called `allow`;
//! - `host.hears(words)` waits until its owner is told something with all of these words.

mod files;
mod forward;
mod login;
mod openssh;
mod peers;
