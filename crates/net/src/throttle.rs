//! Whoever comes again and again in vain waits outside for a while.
//!
//! A connection that is over before anything has come of it still costs the one who answers: a handshake, a line in a
//! log. A limit on how many are inside does not bound how many come and go, so this bounds how many of one address may have
//! gone in vain. Those of which something came never count, however many they are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that are remembered at one time: 200 KiB. Of more, the one that is nearest to being forgiven is forgotten.
const MAX_ADDRESSES: usize = 4096;

/// Who has come in vain of late.
#[derive(Debug)]
pub struct Throttle {
    at_once: u32,
    every: Duration,
    addresses: Mutex<HashMap<IpAddr, Debt>>,
}

/// What an address has done in vain.
#[derive(Clone, Copy, Debug)]
struct Debt {
    /// Then all of it is forgiven.
    until: Instant,
    /// It has been kept outside since it was let in last.
    kept_outside: bool,
}

/// Whether somebody may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// He may.
    In,
    /// Not now. `first`: he was let in last time, so that this is worth telling; what follows is more of the same.
    Out {
        /// See above.
        first: bool,
    },
}

impl Throttle {
    /// An address may come in vain `at_once` times; one of them is forgiven `every` so often.
    #[must_use]
    pub fn new(at_once: u32, every: Duration) -> Self {
        Self { at_once, every, addresses: Mutex::default() }
    }

    /// Whether an address may come in.
    pub fn admit(&self, ip: IpAddr, now: Instant) -> Verdict {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(debt) = addresses.get_mut(&ip.to_canonical()) else { return Verdict::In };
        if debt.until.saturating_duration_since(now) + self.every <= self.every * self.at_once {
            debt.kept_outside = false;
            return Verdict::In;
        }
        Verdict::Out { first: !std::mem::replace(&mut debt.kept_outside, true) }
    }

    /// An address has come in vain.
    pub fn blame(&self, ip: IpAddr, now: Instant) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let ip = ip.to_canonical();
        if addresses.len() >= MAX_ADDRESSES && !addresses.contains_key(&ip) {
            addresses.retain(|_, debt| debt.until > now);
            let nearest = addresses.iter().min_by_key(|(_, debt)| debt.until).map(|(ip, _)| *ip);
            if let Some(nearest) = nearest.filter(|_| addresses.len() >= MAX_ADDRESSES) {
                addresses.remove(&nearest);
            }
        }
        let debt = addresses.entry(ip).or_insert(Debt { until: now, kept_outside: false });
        debt.until = (debt.until.max(now) + self.every).min(now + self.every * self.at_once);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const EVERY: Duration = Duration::from_millis(200);

    fn ip(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn an_attacker_who_never_stops_comes_in_as_often_as_he_is_forgiven() {
        let throttle = Throttle::new(10, EVERY);
        let begun = Instant::now();
        let mut inside = 0;
        for millisecond in 0..10_000 {
            let now = begun + Duration::from_millis(millisecond);
            if throttle.admit(ip(1), now) == Verdict::In {
                inside += 1;
                throttle.blame(ip(1), now);
            }
        }
        assert_eq!(inside, 10 + 49, "ten at once, then five a second");
        assert_eq!(throttle.admit(ip(2), begun), Verdict::In, "others are not kept out");
    }

    #[test]
    fn what_was_under_way_at_once_counts_no_more_than_the_limit() {
        let throttle = Throttle::new(10, EVERY);
        let now = Instant::now();
        for _ in 0..1000 {
            throttle.blame(ip(1), now);
        }
        assert_eq!(throttle.admit(ip(1), now), Verdict::Out { first: true });
        assert_eq!(throttle.admit(ip(1), now), Verdict::Out { first: false }, "it is told once");
        assert_eq!(throttle.admit(ip(1), now + EVERY), Verdict::In);
        throttle.blame(ip(1), now + EVERY);
        assert_eq!(throttle.admit(ip(1), now + EVERY), Verdict::Out { first: true });
    }

    #[test]
    fn an_ipv4_client_of_a_dual_stack_socket_is_the_same_one() {
        let throttle = Throttle::new(1, EVERY);
        let now = Instant::now();
        throttle.blame("::ffff:192.0.2.1".parse().unwrap(), now);
        assert_ne!(throttle.admit("192.0.2.1".parse().unwrap(), now), Verdict::In);
    }

    #[test]
    fn an_attacker_with_many_addresses_takes_no_more_memory_than_the_limit() {
        let throttle = Throttle::new(2, EVERY);
        let now = Instant::now();
        let last = u32::try_from(MAX_ADDRESSES).unwrap() + 100;
        throttle.blame(ip(0), now);
        throttle.blame(ip(0), now);
        for number in 1..=last {
            throttle.blame(ip(number), now);
        }
        assert_eq!(throttle.addresses.lock().unwrap().len(), MAX_ADDRESSES);
        assert_ne!(
            throttle.admit(ip(0), now),
            Verdict::In,
            "who has done most is not the one to be forgotten"
        );
        throttle.blame(ip(last + 1), now + EVERY * 2);
        assert_eq!(throttle.addresses.lock().unwrap().len(), 1, "whoever is forgiven is forgotten");
    }
}
