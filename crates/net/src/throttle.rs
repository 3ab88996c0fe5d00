//! Whoever comes again and again in vain waits outside for a while.
//!
//! A connection that is over before anything has come of it still costs the one who answers: a handshake, a line in a
//! log. A limit on how many are inside does not bound how many come and go, so this bounds how many of one address may have
//! gone in vain. Those of which something came never count, however many they are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::stranger;

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
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// He may.
    In(Visit),
    /// Not now. `first`: he was let in last time, so that this is worth telling; what follows is more of the same.
    Out {
        /// See above.
        first: bool,
    },
}

/// Somebody inside of whom nothing has come yet.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "it was in vain, or not"]
pub struct Visit {
    ip: IpAddr,
    /// Counted as one in vain already.
    counted: bool,
}

impl Throttle {
    /// An address may come in vain `at_once` times; one of them is forgiven `every` so often.
    ///
    /// Who has none of them comes in as often as he likes. Who has half of them has each visit counted when it begins: else
    /// all that come before the first of them ends would be let in for the one place that is forgiven.
    #[must_use]
    pub fn new(at_once: u32, every: Duration) -> Self {
        Self { at_once, every, addresses: Mutex::default() }
    }

    /// Whether an address may come in. With IPv6 a /64 counts as one: see [`stranger`].
    pub fn admit(&self, ip: IpAddr, now: Instant) -> Verdict {
        let ip = stranger(ip);
        let mut addresses = self.addresses();
        let Some(debt) = addresses.get_mut(&ip) else { return Verdict::In(Visit { ip, counted: false }) };
        let owed = debt.until.saturating_duration_since(now);
        if owed + self.every > self.every * self.at_once {
            return Verdict::Out { first: !std::mem::replace(&mut debt.kept_outside, true) };
        }
        debt.kept_outside = false;
        let counted = owed >= self.every * self.at_once / 2;
        if counted {
            debt.until += self.every;
        }
        Verdict::In(Visit { ip, counted })
    }

    /// Something came of a visit.
    pub fn welcome(&self, visit: &Visit) {
        let Visit { ip, counted } = *visit;
        if let Some(debt) = self.addresses().get_mut(&ip).filter(|_| counted) {
            debt.until = debt.until.checked_sub(self.every).unwrap_or(debt.until);
        }
    }

    /// Nothing came of a visit.
    pub fn blame(&self, visit: &Visit, now: Instant) {
        let Visit { ip, counted } = *visit;
        if counted {
            return;
        }
        let mut addresses = self.addresses();
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

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, Debt>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const EVERY: Duration = Duration::from_millis(200);

    fn ip(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    /// As if a visit began and ended.
    fn in_vain(throttle: &Throttle, ip: IpAddr, now: Instant) -> bool {
        match throttle.admit(ip, now) {
            Verdict::In(visit) => {
                throttle.blame(&visit, now);
                true
            }
            Verdict::Out { .. } => false,
        }
    }

    #[test]
    fn an_attacker_who_never_stops_comes_in_as_often_as_he_is_forgiven() {
        let throttle = Throttle::new(10, EVERY);
        let begun = Instant::now();
        let mut inside = 0;
        for millisecond in 0..10_000 {
            inside += u32::from(in_vain(&throttle, ip(1), begun + Duration::from_millis(millisecond)));
        }
        assert_eq!(inside, 10 + 49, "ten at once, then five a second");
        assert!(in_vain(&throttle, ip(2), begun), "others are not kept out");
    }

    #[test]
    fn an_attacker_who_has_many_under_way_gets_no_more() {
        let throttle = Throttle::new(10, EVERY);
        let begun = Instant::now();
        let (mut inside, mut under_way) = (0, std::collections::VecDeque::new());
        for millisecond in 0..10_000 {
            let now = begun + Duration::from_millis(millisecond);
            // Sixteen at one time, each of which takes a while.
            if under_way.len() == 16 || under_way.front().is_some_and(|(since, _)| *since + EVERY / 2 < now) {
                throttle.blame(&under_way.pop_front().unwrap().1, now);
            }
            if let Verdict::In(visit) = throttle.admit(ip(1), now) {
                under_way.push_back((now, visit));
                inside += 1;
            }
        }
        assert!((50..=10 + 16 + 50).contains(&inside), "{inside}");
    }

    #[test]
    fn who_is_welcome_comes_in_as_often_as_he_likes_and_after_some_mistakes_too() {
        let throttle = Throttle::new(10, EVERY);
        let now = Instant::now();
        for mistakes in 0..10 {
            for _ in 0..100 {
                let Verdict::In(visit) = throttle.admit(ip(1), now) else { panic!("after {mistakes}") };
                throttle.welcome(&visit);
            }
            assert!(in_vain(&throttle, ip(1), now));
        }
        assert_eq!(throttle.admit(ip(1), now), Verdict::Out { first: true });
    }

    #[test]
    fn what_was_under_way_at_once_counts_no_more_than_the_limit_and_is_told_once() {
        let throttle = Throttle::new(10, EVERY);
        let now = Instant::now();
        let visits: Vec<_> = (0..1000).map(|_| throttle.admit(ip(1), now)).collect();
        for visit in visits {
            let Verdict::In(visit) = visit else { panic!("nothing was in vain yet") };
            throttle.blame(&visit, now);
        }
        assert_eq!(throttle.admit(ip(1), now), Verdict::Out { first: true });
        assert_eq!(throttle.admit(ip(1), now), Verdict::Out { first: false });
        assert!(in_vain(&throttle, ip(1), now + EVERY));
        assert_eq!(throttle.admit(ip(1), now + EVERY), Verdict::Out { first: true });
    }

    #[test]
    fn an_ipv4_client_of_a_dual_stack_socket_is_the_same_one() {
        let throttle = Throttle::new(1, EVERY);
        let now = Instant::now();
        assert!(in_vain(&throttle, "::ffff:192.0.2.1".parse().unwrap(), now));
        assert!(!in_vain(&throttle, "192.0.2.1".parse().unwrap(), now));
    }

    #[test]
    fn an_attacker_with_a_network_of_ipv6_is_one_attacker() {
        let throttle = Throttle::new(10, EVERY);
        let now = Instant::now();
        let address = |network: u16, host| Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, 0, host).into();
        let inside = (1..=1000).filter(|host| in_vain(&throttle, address(7, *host), now)).count();
        assert_eq!(inside, 10);
        assert!(in_vain(&throttle, address(8, 1), now), "others are not kept out");
    }

    #[test]
    fn an_attacker_with_many_addresses_takes_no_more_memory_than_the_limit() {
        let throttle = Throttle::new(2, EVERY);
        let now = Instant::now();
        let last = u32::try_from(MAX_ADDRESSES).unwrap() + 100;
        assert!(in_vain(&throttle, ip(0), now) && in_vain(&throttle, ip(0), now));
        for number in 1..=last {
            assert!(in_vain(&throttle, ip(number), now));
        }
        assert_eq!(throttle.addresses().len(), MAX_ADDRESSES);
        assert!(!in_vain(&throttle, ip(0), now), "who has done most is not the one to be forgotten");
        assert!(in_vain(&throttle, ip(last + 1), now + EVERY * 2));
        assert_eq!(throttle.addresses().len(), 1, "whoever is forgiven is forgotten");
    }
}
