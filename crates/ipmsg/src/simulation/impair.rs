//! A way from one socket to another that loses, delays, repeats, reorders and damages datagrams, the same way each
//! time for the same seed.
//!
//! It knows neither sockets nor clocks: it takes a datagram and says when its copies arrive, and with which bytes. A
//! relay between two sockets asks it for each datagram it has received, waits, and sends:
//!
//! ```
//! use std::time::Duration;
//! use ipmsg::simulation::impair::{Impairment, Way};
//!
//! let impairment = Impairment { loss: 0.3, delay: Duration::from_millis(200), ..Impairment::NONE };
//! let mut way = Way::new(impairment, 7);
//! for arrival in way.send(Duration::ZERO, b"1:1:bob:hostb:288:hello\0") {
//!     assert!(arrival.at >= Duration::from_millis(200));
//! }
//! ```

use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;

/// How bad a way is. Probabilities are for each datagram and independent of each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Impairment {
    /// The probability that a datagram is lost, from 0 to 1.
    pub loss: f64,
    /// The probability that a second copy arrives, delayed by itself.
    pub duplicate: f64,
    /// The probability that a copy arrives with one bit turned.
    pub flip: f64,
    /// What every copy takes at least.
    pub delay: Duration,
    /// What a copy takes besides, at most: anything up to this is equally likely, so that what was sent within this
    /// time may arrive in another order.
    pub jitter: Duration,
    /// Times, on the clock that [`Way::send`] is told, at which nothing gets through.
    pub outages: Vec<Range<Duration>>,
}

/// One way through a network, and its chance.
#[derive(Clone, Debug)]
pub struct Way {
    impairment: Impairment,
    chance: Rng,
}

/// A copy of a datagram that gets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Duration,
    /// With these bytes.
    pub bytes: Vec<u8>,
}

impl Impairment {
    /// A way that hands every datagram over at once, as it is.
    pub const NONE: Self = Self {
        loss: 0.0,
        duplicate: 0.0,
        flip: 0.0,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        outages: Vec::new(),
    };
}

impl Way {
    /// A way that is as bad as this; ways with the same seed do the same to the same datagrams.
    #[must_use]
    pub fn new(impairment: Impairment, seed: u64) -> Self {
        Self { impairment, chance: Rng::with_seed(seed) }
    }

    /// What becomes of a datagram that is sent now: none, one or two arrivals.
    pub fn send(&mut self, now: Duration, bytes: &[u8]) -> Vec<Arrival> {
        let lost = self.happens(self.impairment.loss);
        let twice = self.happens(self.impairment.duplicate);
        if lost || self.impairment.outages.iter().any(|outage| outage.contains(&now)) {
            return Vec::new();
        }
        (0..=usize::from(twice)).map(|_| self.copy(now, bytes)).collect()
    }

    fn copy(&mut self, now: Duration, bytes: &[u8]) -> Arrival {
        let at = now + self.impairment.delay + self.impairment.jitter.mul_f64(self.chance.f64());
        let mut bytes = bytes.to_vec();
        if self.happens(self.impairment.flip)
            && let Some(byte) = self.chance.choice(&mut bytes)
        {
            *byte ^= 1 << self.chance.u8(0..8);
        }
        Arrival { at, bytes }
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.chance.f64() < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATAGRAM: &[u8] = b"1:1:bob:hostb:288:hello\0";
    const SENT: usize = 10_000;

    /// What arrives of ten thousand datagrams that are sent a millisecond apart.
    fn arrivals(impairment: Impairment) -> Vec<Arrival> {
        let mut way = Way::new(impairment, 1);
        (0..SENT as u64).flat_map(|number| way.send(Duration::from_millis(number), DATAGRAM)).collect()
    }

    fn is_about(count: usize, expected: usize) -> bool {
        count.abs_diff(expected) < SENT / 50
    }

    #[test]
    fn a_good_way_hands_everything_over_at_once() {
        let mut way = Way::new(Impairment::NONE, 1);
        let at = Duration::from_secs(5);
        assert_eq!(way.send(at, DATAGRAM), [Arrival { at, bytes: DATAGRAM.to_vec() }]);
    }

    #[test]
    fn as_many_are_lost_and_repeated_as_was_said() {
        let arrived = arrivals(Impairment { loss: 0.3, ..Impairment::NONE }).len();
        assert!(is_about(arrived, SENT * 7 / 10), "{arrived} of {SENT} arrived");
        let arrived = arrivals(Impairment { duplicate: 0.2, ..Impairment::NONE }).len();
        assert!(is_about(arrived, SENT * 12 / 10), "{arrived} of {SENT} arrived");
    }

    #[test]
    fn a_damaged_copy_has_one_bit_turned() {
        let arrived = arrivals(Impairment { flip: 0.1, ..Impairment::NONE });
        let turned = |arrival: &Arrival| {
            arrival.bytes.iter().zip(DATAGRAM).map(|(is, was)| (is ^ was).count_ones()).sum::<u32>()
        };
        assert!(arrived.iter().all(|arrival| turned(arrival) <= 1));
        let damaged = arrived.iter().filter(|arrival| turned(arrival) == 1).count();
        assert!(is_about(damaged, SENT / 10), "{damaged} of {SENT} are damaged");
    }

    #[test]
    fn delays_stay_within_their_bounds_and_reorder() {
        let (delay, jitter) = (Duration::from_millis(200), Duration::from_millis(50));
        let arrived = arrivals(Impairment { delay, jitter, ..Impairment::NONE });
        for (number, arrival) in arrived.iter().enumerate() {
            let took = arrival.at - Duration::from_millis(number as u64);
            assert!(took >= delay && took <= delay + jitter, "{took:?}");
        }
        assert!(arrived.windows(2).any(|two| two[1].at < two[0].at));
    }

    #[test]
    fn nothing_gets_through_while_the_way_is_cut() {
        let outage = Duration::from_secs(1)..Duration::from_secs(2);
        let arrived = arrivals(Impairment { outages: vec![outage.clone()], ..Impairment::NONE });
        assert_eq!(arrived.len(), SENT - 1000);
        assert!(arrived.iter().all(|arrival| !outage.contains(&arrival.at)));
    }

    #[test]
    fn the_same_seed_does_the_same() {
        let bad = Impairment {
            loss: 0.5,
            duplicate: 0.1,
            flip: 0.1,
            jitter: Duration::from_secs(1),
            ..Impairment::NONE
        };
        assert_eq!(arrivals(bad.clone()), arrivals(bad.clone()));
        let other = Way::new(bad.clone(), 2).send(Duration::ZERO, DATAGRAM);
        assert_ne!(Way::new(bad, 3).send(Duration::ZERO, DATAGRAM), other);
    }
}
