//! The memory that input takes on one connection, and what that means for how fast it is read.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::limits::{AMPLE_INPUT, Limits};

/// Bytes that a connection may still keep in memory, over all of its channels. Its clones are the same.
#[derive(Clone)]
pub(super) struct Budget(Arc<Mutex<State>>);

struct State {
    /// What may be taken in all.
    limit: usize,
    /// Taken, and not given back yet.
    taken: usize,
    /// Channels that take input.
    channels: usize,
    /// Pieces of output that wait until the client has taken others.
    stuck: usize,
    /// Who waits to read on.
    reader: Option<Waker>,
}

/// A channel that takes input, or output that waits, until this is dropped.
pub(super) struct Counted {
    budget: Budget,
    count: fn(&mut State) -> &mut usize,
}

impl Budget {
    /// What one connection may take.
    pub(super) fn new(limits: &Limits) -> Self {
        let limit = limits.connection_in_memory;
        Self(Arc::new(Mutex::new(State { limit, taken: 0, channels: 0, stuck: 0, reader: None })))
    }

    /// Takes so many bytes. `false`: there are not so many.
    pub(super) fn pay(&self, bytes: usize) -> bool {
        let mut state = self.state();
        let fits = bytes <= state.limit - state.taken;
        if fits {
            state.taken += bytes;
        }
        fits
    }

    pub(super) fn give_back(&self, bytes: usize) {
        let mut state = self.state();
        state.taken = state.taken.saturating_sub(bytes);
        state.let_read();
    }

    /// One more channel takes input.
    pub(super) fn channel(&self) -> Counted {
        self.count(|state| &mut state.channels)
    }

    /// Ready when the connection should be read: when not much waits for the only command that takes input on it, or when
    /// others could wait for the connection. Those are other channels, and output of the command itself that the client has to
    /// make room for: the command may read again only when that is gone.
    pub(super) fn poll_read(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if !state.has_ample() {
            return Poll::Ready(());
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// Waits for something that needs the client to make room, so that what it sends must be read.
    pub(super) async fn reading<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut stuck = None;
        poll_fn(|context| {
            let done = work.as_mut().poll(context);
            if done.is_pending() && stuck.is_none() {
                stuck = Some(self.count(|state| &mut state.stuck));
            }
            done
        })
        .await
    }

    fn count(&self, count: fn(&mut State) -> &mut usize) -> Counted {
        let mut state = self.state();
        *count(&mut state) += 1;
        state.let_read();
        Counted { budget: self.clone(), count }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What may still be taken.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        let state = self.state();
        state.limit - state.taken
    }
}

impl Counted {
    /// Where it is counted.
    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl State {
    fn has_ample(&self) -> bool {
        self.channels == 1 && self.stuck == 0 && self.taken >= AMPLE_INPUT
    }

    fn let_read(&mut self) {
        if !self.has_ample()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        *(self.count)(&mut state) -= 1;
        state.let_read();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use tokio::sync::oneshot;

    use super::*;

    /// Counts how often it was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The budget of a connection with one command, which has ample input.
    fn ample() -> (Budget, Counted) {
        let budget = Budget::new(&Limits::default());
        let channel = budget.channel();
        assert!(budget.pay(AMPLE_INPUT));
        (budget, channel)
    }

    /// Whether the connection would be read, and whether somebody who waits to read is told when it may be again.
    fn is_read(budget: &Budget) -> (bool, Arc<Woken>) {
        let woken = Arc::new(Woken::default());
        let read = budget.poll_read(&mut Context::from_waker(&woken.clone().into())).is_ready();
        (read, woken)
    }

    #[test]
    fn a_connection_is_read_on_when_its_command_has_taken_some() {
        let (budget, _channel) = ample();
        let (read, woken) = is_read(&budget);
        assert!(!read);
        budget.give_back(1);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(is_read(&budget).0);
    }

    #[test]
    fn a_connection_with_a_second_command_is_read_whatever_the_first_one_does() {
        let (budget, _channel) = ample();
        let (_, woken) = is_read(&budget);
        let second = budget.channel();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(is_read(&budget).0);
        drop(second);
        assert!(!is_read(&budget).0);
    }

    #[tokio::test]
    async fn a_connection_is_read_while_output_waits_for_the_client_to_make_room() {
        let (budget, _channel) = ample();
        let (_, woken) = is_read(&budget);
        let (make_room, room) = oneshot::channel::<()>();
        let output = budget.reading(room);
        let client = async {
            assert_eq!(woken.0.load(Ordering::Relaxed), 1);
            assert!(is_read(&budget).0);
            make_room.send(()).unwrap();
        };
        let (given, ()) = tokio::join!(output, client);
        given.unwrap();
        assert!(!is_read(&budget).0);
    }
}
