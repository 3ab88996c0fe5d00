//! One command on many machines at once.

use crate::outcome::Outcome;

/// Something happened on one of the machines.
#[derive(Debug)]
pub struct Event {
    /// Which: its place in the list of machines.
    pub machine: usize,
    /// What.
    pub what: What,
}

/// What happens on a machine, in this order: at most one [`What::Started`], any number of pieces, one [`What::Ended`].
#[derive(Debug)]
pub enum What {
    /// The command runs there.
    Started,
    /// Bytes of its standard output.
    Out(bytes::Bytes),
    /// Bytes of its standard error.
    Err(bytes::Bytes),
    /// It is over; every machine comes to this, also one that was never asked.
    Ended(Outcome),
}
