//! The ssh line: what happens on machines.

pub use bytes::Bytes;
pub use remote::ask::{Answering, Answers, Question, Secret};
pub use remote::fan::{Event, Fan, Source, Stop, What};
pub use remote::{ConnectError, Hop, Outcome, Unreachable};
