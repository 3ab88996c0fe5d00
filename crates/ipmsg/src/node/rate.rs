//! How often this node may be made to send by what others send.
//!
//! Whoever forges the source of a datagram makes us send to a third one, and a datagram to a broadcast address makes all
//! of us send at once. So whatever is sent because somebody asked passes two buckets: one of the peer that is sent
//! to, and one of all of them together. What does not pass is not sent, and nothing is remembered for later: whoever
//! really wants an answer asks again.

use std::time::Duration;

/// So many at once, and then one at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// The most that pass at one moment, after a time of rest.
    pub(crate) burst: u32,
    /// The time after which one more passes.
    pub(crate) every: Duration,
}

/// Answers to entries, to one peer. A person who restarts a program or presses "refresh" a few times is answered;
/// a forger makes each of us send a small datagram a second to the victim.
pub(crate) const PRESENCE_TO_ONE: Rate = Rate { burst: 4, every: Duration::from_secs(1) };

/// Answers to entries, to all peers. A thousand desks that are switched on together, none of them ours, are answered
/// within the four seconds of jitter.
pub(crate) const PRESENCE_TO_ALL: Rate = Rate { burst: 1000, every: Duration::from_millis(4) };

/// Entries sent to single peers, to find out whether they are there. Each is about somebody else's claim, true or
/// forged; a table full of forged peers costs two datagrams a second.
pub(crate) const PROBES: Rate = Rate { burst: 20, every: Duration::from_millis(500) };

/// Receipts repeated for messages that came again, to one peer: what a full window makes that is sent again every
/// 750 ms and whose receipts are all lost.
pub(crate) const REPEATS_TO_ONE: Rate = Rate { burst: 256, every: Duration::from_millis(8) };

/// Repeated receipts, to all peers.
pub(crate) const REPEATS_TO_ALL: Rate = Rate { burst: 4096, every: Duration::from_micros(500) };

/// Answers to questions about the program and the absence, to one peer: people ask.
pub(crate) const INQUIRIES_TO_ONE: Rate = Rate { burst: 3, every: Duration::from_secs(2) };

/// Messages taken from addresses whose presence was never heard. Each is stored, and makes us send a receipt and an
/// entry to an address that may be forged.
pub(crate) const STRANGERS: Rate = Rate { burst: 64, every: Duration::from_millis(100) };

/// News that the table of peers is full: a flood of forged presence is told of, not repeated.
pub(crate) const FULL: Rate = Rate { burst: 1, every: Duration::from_secs(600) };

/// Searches of a full table for somebody who can be forgotten. Each looks at all peers, so that a flood of forged presence
/// would cost as much as it has packets times the table has peers.
pub(crate) const FORGETTING: Rate = Rate { burst: 64, every: Duration::from_millis(100) };

/// What is left of a [`Rate`]. A new one is full.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    /// When it is full again.
    full_at: Duration,
}

impl Bucket {
    /// Whether one more passes now; if so, it is taken.
    pub(crate) fn take(&mut self, rate: Rate, now: Duration) -> bool {
        let full_at = self.full_at.max(now) + rate.every;
        let passes = full_at <= now + rate.every * rate.burst;
        if passes {
            self.full_at = full_at;
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, every: Duration::from_secs(10) };

    /// How many of `tries` pass at this moment.
    fn passed(bucket: &mut Bucket, seconds: u64, tries: usize) -> usize {
        (0..tries).filter(|_| bucket.take(RATE, Duration::from_secs(seconds))).count()
    }

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let mut bucket = Bucket::default();
        assert_eq!(passed(&mut bucket, 0, 100), 3);
        assert_eq!(passed(&mut bucket, 9, 100), 0);
        assert_eq!(passed(&mut bucket, 10, 100), 1);
        assert_eq!(passed(&mut bucket, 30, 100), 2);
    }

    #[test]
    fn rest_fills_it_up_and_not_beyond() {
        let mut bucket = Bucket::default();
        assert_eq!(passed(&mut bucket, 0, 3), 3);
        assert_eq!(passed(&mut bucket, 1_000_000, 100), 3);
    }

    #[test]
    fn a_flood_gets_no_more_through_than_patience() {
        let (mut flooded, mut asked) = (Bucket::default(), Bucket::default());
        let flood: usize = (0..100).map(|second| passed(&mut flooded, second, 1000)).sum();
        let patience: usize = (0..100).map(|second| passed(&mut asked, second, 1)).sum();
        assert_eq!(flood, patience);
    }
}
