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
    left: AtomicUsize,
}

/// Whole messages of the largest allowed size that may be under way at one time, all connections together.
const LARGEST_MESSAGES_AT_ONCE: usize = 16;

impl Budget {
    /// A budget for messages of at most `max_frame` bytes.
    #[must_use]
    pub(crate) fn for_messages_of(max_frame: usize) -> Self {
        Self { left: AtomicUsize::new(max_frame.saturating_mul(LARGEST_MESSAGES_AT_ONCE).max(READ_SIZE)) }
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
        // What was taken from the front is dropped before the vector would grow, at a cost in proportion to it.
        if self.start > 0 && self.bytes.len() + more.len() > self.bytes.capacity() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.reserve(more.len());
        let growth = self.bytes.capacity().saturating_sub(self.charged);
        if !self.budget.take(growth) {
            self.clear();
            return Err(Ending::Limit("the server's memory for unfinished messages is used up".to_owned()));
        }
        self.charged += growth;
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// Takes bytes away from the front; when none are left, the memory goes too.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.clear();
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
    fn an_attacker_with_many_unfinished_messages_meets_the_budget() {
        let budget = Arc::new(Budget::for_messages_of(100_000));
        let mut connections: Vec<_> = (0..100).map(|_| Held::new(Arc::clone(&budget))).collect();
        let refused = connections.iter_mut().filter_map(|held| held.push(&[0; 99_000]).err()).count();
        assert_eq!(refused, 100 - 16);
        drop(connections);
        assert_eq!(budget.left.load(Relaxed), 1_600_000);
    }
}
