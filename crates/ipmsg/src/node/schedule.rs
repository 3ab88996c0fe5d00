//! What is due when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Keys with one due time each, in the order of their times; those of one time in the order of the keys.
#[derive(Clone, Debug)]
pub(crate) struct Schedule<K> {
    by_time: BTreeSet<(Duration, K)>,
    by_key: BTreeMap<K, Duration>,
}

impl<K: Copy + Ord> Schedule<K> {
    /// Makes it due at this time, whatever was set before.
    pub(crate) fn set(&mut self, key: K, at: Duration) {
        if let Some(before) = self.by_key.insert(key, at) {
            self.by_time.remove(&(before, key));
        }
        self.by_time.insert((at, key));
    }

    /// Makes it due at this time, unless it is due before.
    pub(crate) fn set_by(&mut self, key: K, at: Duration) {
        if self.at(key).is_none_or(|before| at < before) {
            self.set(key, at);
        }
    }

    pub(crate) fn clear(&mut self, key: K) {
        if let Some(at) = self.by_key.remove(&key) {
            self.by_time.remove(&(at, key));
        }
    }

    /// When it is due, if it is.
    pub(crate) fn at(&self, key: K) -> Option<Duration> {
        self.by_key.get(&key).copied()
    }

    /// The earliest time at which something is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes the first key that is due by now.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<K> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.clear(key);
        Some(key)
    }
}

impl<K> Default for Schedule<K> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_due_comes_in_order_and_once() {
        let mut schedule = Schedule::default();
        schedule.set('b', at(2));
        schedule.set('a', at(2));
        schedule.set('c', at(1));
        schedule.set('d', at(9));
        assert_eq!(schedule.next(), Some(at(1)));
        assert_eq!(std::iter::from_fn(|| schedule.pop(at(2))).collect::<String>(), "cab");
        assert_eq!(schedule.next(), Some(at(9)));
    }

    #[test]
    fn a_key_has_one_due_time() {
        let mut schedule = Schedule::default();
        schedule.set('a', at(5));
        schedule.set('a', at(3));
        schedule.set_by('a', at(4));
        assert_eq!(schedule.at('a'), Some(at(3)));
        schedule.set_by('a', at(1));
        assert_eq!((schedule.pop(at(1)), schedule.next()), (Some('a'), None));
        schedule.set('a', at(1));
        schedule.clear('a');
        assert_eq!(schedule.pop(at(9)), None);
    }
}
