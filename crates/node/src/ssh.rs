//! The ssh line: what happens on machines.

pub use remote::fan::{Event, What};
pub use remote::{ConnectError, Outcome, Unreachable};
