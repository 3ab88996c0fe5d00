//! Memory that the network fills: one read buffer per thread, and bounded bytes per connection.
//!
//! An idle connection holds no buffer at all. Bytes wait in a [`Held`] only while a message is not whole yet or a
//! client does not take its answers, and all of a server's waiting bytes together stay within one [`Budget`].

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::Ending;

/// Bytes of one read. Large enough that a full socket buffer costs few calls; the largest datagram fits too.
pub(crate) const READ_SIZE: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into_boxed_slice());
}

/// Lends this thread's read buffer. The borrow cannot cross an await, so that every connection of the thread can
/// share it.
pub(crate) fn with_scratch<T>(use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| use_it(scratch))
}

/// The bytes that all connections of one server may keep waiting together. It exists so that many clients, each
/// within `--max-frame`, cannot fill the machine's memory together.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) left: AtomicUsize,
}

/// Messages of the largest allowed size that may be under way at one time, all connections together. A buffer grows
/// by doubling, so where they arrive in pieces it may be half as many.
const LARGEST_MESSAGES_AT_ONCE: usize = 16;

/// The least budget, in bytes, however small the messages: a thousand clients that do not take the answers to one
/// read leave room for the others.
const LEAST_BUDGET: usize = 1024 * READ_SIZE;

/// Kept memory is given back when less than one part in so many is in use.
const SPARSE: usize = 4;

impl Budget {
    /// A budget for messages of at most `max_frame` bytes.
    #[must_use]
    pub(crate) fn for_messages_of(max_frame: usize) -> Self {
        Self { left: AtomicUsize::new(max_frame.saturating_mul(LARGEST_MESSAGES_AT_ONCE).max(LEAST_BUDGET)) }
    }

    fn take(&self, bytes: usize) -> bool {
        self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Relaxed);
    }
}

/// Bytes of one connection that wait, charged to the server's budget. Empty, it owns no memory.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    start: usize,
    /// The capacity of `bytes`.
    charged: usize,
    budget: Arc<Budget>,
}

impl Held {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self { bytes: Vec::new(), start: 0, charged: 0, budget }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// Adds bytes behind the others, or says that the server's memory for waiting bytes is used up.
    pub(crate) fn push(&mut self, more: &[u8]) -> Result<(), Ending> {
        if more.is_empty() {
            return Ok(());
        }
        // What was taken from the front makes room before the vector would grow.
        if self.start > 0 && self.bytes.len() + more.len() > self.bytes.capacity() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        let needed = self.bytes.len() + more.len();
        if needed > self.charged {
            let target = needed.max(self.charged.saturating_mul(2));
            // Asked before it is allocated: at the limit nothing is.
            if !self.budget.take(target - self.charged) {
                self.clear();
                let reason = "the server's memory for bytes that wait is used up: too many messages are unfinished, \
                              or too many clients do not take their answers";
                return Err(Ending::Limit(reason.to_owned()));
            }
            self.charged = target;
            self.bytes.reserve_exact(target - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// Takes bytes away from the front. When few or none are left, the memory goes too.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        let left = self.bytes().len();
        if left == 0 {
            self.clear();
        } else if left < self.charged / SPARSE {
            self.bytes = self.bytes().to_vec();
            self.start = 0;
            self.budget.give_back(self.charged - left);
            self.charged = left;
        }
    }

    fn clear(&mut self) {
        self.bytes = Vec::new();
        self.start = 0;
        self.budget.give_back(std::mem::take(&mut self.charged));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give_back(self.charged);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let mut held = Held::new(Arc::new(Budget::for_messages_of(1000)));
        held.push(b"one ").unwrap();
        held.push(b"two").unwrap();
        held.consume(4);
        held.push(b" three").unwrap();
        assert_eq!(held.bytes(), b"two three");
    }

    #[test]
    fn emptied_it_owns_no_memory_and_its_charge_is_given_back() {
        let budget = Arc::new(Budget::for_messages_of(1000));
        let before = budget.left.load(Relaxed);
        let mut held = Held::new(Arc::clone(&budget));
        held.push(&[7; 500]).unwrap();
        assert!(budget.left.load(Relaxed) < before);
        held.consume(500);
        assert_eq!((held.bytes.capacity(), budget.left.load(Relaxed)), (0, before));
    }

    #[test]
    fn the_cut_message_behind_a_long_read_keeps_no_more_memory_than_it_needs() {
        let mut held = Held::new(Arc::new(Budget::for_messages_of(1000)));
        held.push(&[7; READ_SIZE]).unwrap();
        held.consume(READ_SIZE - 3);
        assert_eq!((held.bytes(), held.bytes.capacity()), (&[7; 3][..], 3));
    }

    proptest! {
        /// The model is a queue of bytes; the budget must know every byte of capacity at every moment.
        #[test]
        fn whatever_is_pushed_and_consumed_bytes_and_budget_are_right(
            steps in prop::collection::vec((0_usize..3000, 0.0..=1.0), 1..60),
        ) {
            let budget = Arc::new(Budget::for_messages_of(1));
            let before = budget.left.load(Relaxed);
            let mut held = Held::new(Arc::clone(&budget));
            let mut model = VecDeque::new();
            for (at, (length, share)) in steps.into_iter().enumerate() {
                let bytes = vec![u8::try_from(at).unwrap(); length];
                held.push(&bytes).unwrap();
                model.extend(bytes);
                let taken = (model.len() as f64 * share) as usize;
                held.consume(taken);
                model.drain(..taken);
                prop_assert_eq!(held.bytes(), model.make_contiguous());
                prop_assert_eq!(before - budget.left.load(Relaxed), held.bytes.capacity());
                prop_assert!(held.bytes.capacity() <= SPARSE * model.len() + 2 * 3000);
            }
            drop(held);
            prop_assert_eq!(budget.left.load(Relaxed), before);
        }
    }

    #[test]
    fn an_attacker_with_many_unfinished_messages_meets_the_budget() {
        let largest = 8 * 1024 * 1024;
        let budget = Arc::new(Budget::for_messages_of(largest));
        let mut connections: Vec<_> = (0..100).map(|_| Held::new(Arc::clone(&budget))).collect();
        let mut refused = 0;
        for held in &mut connections {
            let pieces = (0..largest / READ_SIZE).map(|_| held.push(&[0; READ_SIZE]));
            let ended = pieces.filter_map(Result::err).next();
            refused += usize::from(matches!(ended, Some(Ending::Limit(_))));
        }
        assert_eq!(refused, 100 - LARGEST_MESSAGES_AT_ONCE);
        let charged: usize = connections.iter().map(|held| held.bytes.capacity()).sum();
        assert_eq!(charged, LARGEST_MESSAGES_AT_ONCE * largest);
        drop(connections);
        assert_eq!(budget.left.load(Relaxed), LARGEST_MESSAGES_AT_ONCE * largest);
    }

    #[test]
    fn a_thousand_clients_that_take_nothing_leave_room_however_small_the_messages() {
        let budget = Arc::new(Budget::for_messages_of(16));
        let mut connections: Vec<_> = (0..1023).map(|_| Held::new(Arc::clone(&budget))).collect();
        assert!(connections.iter_mut().all(|held| held.push(&[0; READ_SIZE]).is_ok()));
        assert!(Held::new(budget).push(b"the cut beginning of one more").is_ok());
    }
}
