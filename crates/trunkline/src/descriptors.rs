//! How many descriptors a server may have: every connection is one.
//!
//! Programs start with a low soft limit for the sake of select(2), which is not used here; the hard limit is what the
//! administrator allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Enough for whatever is not told otherwise. What a server starts inherits its limit, and some programs close every descriptor
/// that they might have: a thousand million, where containers allow as many.
const USUAL: u64 = 65_536;

/// What one connection may need: itself, and that of `forward`, or a program's three pipes and its end.
const FOR_A_CONNECTION: u64 = 5;

/// Raises the soft limit for a server with so many connections at one time, as far as the hard one allows.
pub(crate) fn raise(connections: usize) {
    // Where it cannot be raised the lower one stands, and a full table is survived.
    let _ = setrlimit(Resource::Nofile, raised(getrlimit(Resource::Nofile), connections));
}

fn raised(limit: Rlimit, connections: usize) -> Rlimit {
    let connections = u64::try_from(connections).unwrap_or(u64::MAX);
    let wanted = connections.saturating_mul(FOR_A_CONNECTION).max(USUAL);
    let current = limit.maximum.map_or(wanted, |hard| wanted.min(hard));
    // One that is higher already was meant so.
    let current = limit.current.map(|soft| soft.max(current));
    Rlimit { current, maximum: limit.maximum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_goes_up_to_the_hard_one_but_not_to_what_nobody_needs() {
        let soft = |current, maximum, connections| raised(Rlimit { current, maximum }, connections).current;
        assert_eq!(soft(Some(1024), Some(20_000), 300), Some(20_000));
        assert_eq!(soft(Some(1024), Some(1 << 30), 300), Some(USUAL));
        assert_eq!(soft(Some(1024), None, 300), Some(USUAL));
        assert_eq!(soft(Some(1024), Some(1 << 30), 100_000), Some(500_000), "but to what is asked for");
        assert_eq!(soft(Some(1 << 20), Some(1 << 30), 300), Some(1 << 20), "and never down");
        assert_eq!(soft(None, None, 300), None);
    }
}
