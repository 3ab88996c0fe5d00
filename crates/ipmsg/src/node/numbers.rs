//! Packet numbers.

/// The largest number taken from a clock, in the year 2097. A clock beyond is wrong; without this it would leave no
/// numbers to count on with, and they would never go back.
const CLOCK_MAX: u32 = 0xf000_0000;

/// Gives packet numbers that only ever grow, also over restarts and whatever the clock does: iptux takes a message
/// whose number is not above the sender's last one for an old one, acknowledges it and throws it away. One sequence
/// for all peers grows for each of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    last: u32,
}

impl Numbers {
    /// Goes on after `last`, the largest that was ever kept.
    pub(crate) fn after(last: u32) -> Self {
        Self { last }
    }

    /// The next number: the time, or the last one and one more.
    pub(crate) fn next(&mut self, unix: u64) -> u32 {
        self.block(unix, 1)
    }

    /// The first of `count` numbers in a row.
    pub(crate) fn block(&mut self, unix: u64, count: u32) -> u32 {
        let clock = u32::try_from(unix).unwrap_or(CLOCK_MAX).min(CLOCK_MAX);
        let first = clock.max(self.last.saturating_add(1));
        self.last = first.saturating_add(count.saturating_sub(1));
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_clock_and_never_go_back() {
        let mut numbers = Numbers::after(0);
        assert_eq!(numbers.next(1_795_353_650), 1_795_353_650);
        assert_eq!(numbers.next(1_795_353_650), 1_795_353_651);
        assert_eq!(numbers.next(7), 1_795_353_652, "the clock was set back");
        assert_eq!(numbers.next(1_795_400_000), 1_795_400_000);
    }

    #[test]
    fn after_a_restart_they_go_on_where_they_were() {
        assert_eq!(Numbers::after(4_000_000_000).next(1_795_353_650), 4_000_000_001);
        assert_eq!(Numbers::after(1_795_353_650).next(1_795_353_650), 1_795_353_651);
    }

    #[test]
    fn a_block_is_kept_free_for_the_parts_of_a_message() {
        let mut numbers = Numbers::after(0);
        assert_eq!(numbers.block(100, 5), 100);
        assert_eq!(numbers.next(100), 105);
    }

    #[test]
    fn a_clock_from_the_far_future_leaves_numbers_to_count_with() {
        let mut numbers = Numbers::after(0);
        let first = numbers.next(u64::MAX);
        assert!(numbers.next(u64::MAX) > first && numbers.next(1_795_353_650) > first + 1);
    }
}
