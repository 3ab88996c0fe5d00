//! What is still to be copied, shared by the sessions that copy it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::copy::Step;

/// Steps that wait when one session is too few for them: below that, what it costs to begin another one is not won back.
const CROWD: usize = 8;

/// The steps, the next one last. It is over when nothing waits and nobody is busy, for who is busy may add more.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    steps: Vec<Step>,
    busy: usize,
    is_closed: bool,
}

impl Queue {
    /// With nothing in it; whoever made it is busy until he says that he is [`Self::done`].
    pub(super) fn new() -> Self {
        Self { inner: Mutex::new(Inner { busy: 1, ..Inner::default() }), changed: Notify::new() }
    }

    /// The next step, after which one is to say that it is [`Self::done`]. None: it is over.
    pub(super) async fn next(&self) -> Option<Step> {
        loop {
            let changed = self.changed.notified();
            {
                let mut inner = self.inner();
                if inner.is_closed {
                    return None;
                }
                if let Some(step) = inner.steps.pop() {
                    inner.busy += 1;
                    return Some(step);
                }
                if inner.busy == 0 {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// A step is done; these come next.
    pub(super) fn done(&self, next: Vec<Step>) {
        let mut inner = self.inner();
        inner.busy -= 1;
        inner.steps.extend(next.into_iter().rev());
        self.changed.notify_waiters();
    }

    /// Nothing more can be copied.
    pub(super) fn close(&self) {
        self.inner().is_closed = true;
        self.changed.notify_waiters();
    }

    /// Waits until more waits than one session should do.
    pub(super) async fn crowded(&self) {
        loop {
            let changed = self.changed.notified();
            if self.inner().steps.len() > CROWD {
                return;
            }
            changed.await;
        }
    }

    /// Nobody panics while he has it.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn steps(names: &[&str]) -> Vec<Step> {
        let step =
            |name: &&str| Step { from: name.into(), to: name.into(), above: Arc::new([]), is_new: false };
        names.iter().map(step).collect()
    }

    #[tokio::test]
    async fn who_waits_gets_what_another_adds_and_all_end_together() {
        let queue = Queue::new();
        queue.done(steps(&["folder"]));
        let folder = queue.next().await.unwrap();
        assert_eq!(folder.to.to_str(), Some("folder"));
        let (other, ()) = tokio::join!(queue.next(), async { queue.done(steps(&["a", "b"])) });
        assert_eq!(other.unwrap().to.to_str(), Some("a"));
        assert_eq!(queue.next().await.unwrap().to.to_str(), Some("b"));
        queue.done(Vec::new());
        let (over, ()) = tokio::join!(queue.next(), async { queue.done(Vec::new()) });
        assert!(over.is_none());
    }

    #[tokio::test]
    async fn where_one_is_lost_nobody_waits_for_him() {
        let queue = Queue::new();
        queue.done(steps(&["a"]));
        assert!(queue.next().await.is_some());
        let (over, ()) = tokio::join!(queue.next(), async { queue.close() });
        assert!(over.is_none());
    }
}
