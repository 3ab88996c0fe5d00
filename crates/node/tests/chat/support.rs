//! What the tests of the chat line stand on.

#[macro_use]
pub(crate) mod peers;
pub(crate) mod feiq;
pub(crate) mod frame;
pub(crate) mod iptux;
pub(crate) mod network;
pub(crate) mod ours;
pub(crate) mod plain;
pub(crate) mod relay;
pub(crate) mod watched;

use std::time::Duration;

/// The port of IP Messenger.
pub(crate) const PORT: u16 = 2425;

/// What anything may take that comes by itself: much more than it does, so that a busy machine fails no test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
