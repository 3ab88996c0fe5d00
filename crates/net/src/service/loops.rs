//! Keeps datagram services from being turned against others, or against each other.
//!
//! The sender's address of a datagram can be forged. A service that answers everything can so be made to shoot at a
//! third party, or to play a datagram back and forth with another service for ever. So ports below 1024, where such
//! services live, get no answer; and a datagram that is again and again exactly our own last answer to its sender is
//! a loop, which has one datagram under way and dies when that one is not answered.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Ports below this one get no answer: the well-known services live there.
const FIRST_ANSWERED_PORT: u16 = 1024;

/// So many of our own answers in a row that come back as questions are a loop. A client that repeats one text which
/// is its own answer (upper case to `upper`) loses one answer in as many, and only when it is faster than
/// [`WINDOW`].
const ROUNDS: u32 = 64;

/// A row of rounds slower than this is no loop: machines turn a datagram round in microseconds.
const WINDOW: Duration = Duration::from_secs(1);

/// Senders remembered at one time. Two that fall into one place forget each other, which delays finding a loop but
/// never blames a client.
const PLACES: usize = 4096;

/// Remembers, for the senders of late, what they were answered last.
pub(crate) struct LoopGuard {
    places: Box<[Place]>,
    hasher: RandomState,
}

#[derive(Clone, Default)]
struct Place {
    sender: u64,
    answer: u64,
    rounds: u32,
    since: Option<Instant>,
}

impl LoopGuard {
    pub(crate) fn new() -> Self {
        Self { places: vec![Place::default(); PLACES].into(), hasher: RandomState::new() }
    }

    /// Whether this sender may be answered at all.
    pub(crate) fn may_answer(sender: SocketAddr) -> bool {
        sender.port() >= FIRST_ANSWERED_PORT
    }

    /// Looks at a question before it is answered. True when it closes a loop and must not be answered.
    pub(crate) fn is_loop(&mut self, sender: SocketAddr, question: &[u8], now: Instant) -> bool {
        let (sender, question) = (self.hasher.hash_one(sender), self.hasher.hash_one(question));
        let place = self.place(sender);
        if place.sender != sender || place.answer != question {
            (place.rounds, place.since) = (0, None);
            return false;
        }
        let since = *place.since.get_or_insert(now);
        place.rounds += 1;
        if place.rounds < ROUNDS {
            return false;
        }
        (place.rounds, place.since) = (0, None);
        now.saturating_duration_since(since) < WINDOW
    }

    /// Remembers what a sender was answered.
    pub(crate) fn answered(&mut self, sender: SocketAddr, answer: &[u8]) {
        let (sender, answer) = (self.hasher.hash_one(sender), self.hasher.hash_one(answer));
        let place = self.place(sender);
        if place.sender != sender || place.answer != answer {
            (place.rounds, place.since) = (0, None);
        }
        (place.sender, place.answer) = (sender, answer);
    }

    fn place(&mut self, sender: u64) -> &mut Place {
        let at = usize::try_from(sender % PLACES as u64).unwrap_or(0);
        &mut self.places[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 7], port))
    }

    /// Plays `rounds` rounds of a text that is its own answer, `pause` apart, and tells at which one it was stopped.
    fn stopped_after(rounds: u32, pause: Duration) -> Option<u32> {
        let mut guard = LoopGuard::new();
        let start = Instant::now();
        (0..rounds).find(|&round| {
            let stopped = guard.is_loop(sender(5000), b"HELLO", start + pause * round);
            guard.answered(sender(5000), b"HELLO");
            stopped
        })
    }

    #[test]
    fn a_forged_datagram_between_two_services_dies_after_a_bounded_number_of_rounds() {
        assert_eq!(stopped_after(100_000, Duration::from_micros(20)), Some(ROUNDS));
    }

    #[test]
    fn a_client_that_repeats_itself_slowly_is_always_answered() {
        assert_eq!(stopped_after(1000, Duration::from_millis(20)), None);
    }

    #[test]
    fn a_client_whose_questions_differ_from_the_answers_is_always_answered() {
        let mut guard = LoopGuard::new();
        let now = Instant::now();
        for _ in 0..1000 {
            assert!(!guard.is_loop(sender(5000), b"hello", now));
            guard.answered(sender(5000), b"HELLO");
        }
    }

    #[test]
    fn the_ports_of_well_known_services_get_no_answer() {
        assert!(!LoopGuard::may_answer(sender(7)) && !LoopGuard::may_answer(sender(19)));
        assert!(LoopGuard::may_answer(sender(1024)));
    }
}
