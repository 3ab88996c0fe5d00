//! Something that threads change and a test waits on.

use std::fmt::Debug;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shared by its clones.
#[derive(Default)]
pub(crate) struct Watched<T>(Arc<(Mutex<T>, Condvar)>);

impl<T: Debug> Watched<T> {
    /// Changes it, and wakes whoever waits.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.0.1.notify_all();
        result
    }

    /// Looks at it as it is now.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// What `happened` finds in it, as soon as it finds something; looks again after each change.
    ///
    /// # Panics
    /// When that takes longer than `limit`, with what was there instead.
    #[track_caller]
    pub(crate) fn wait_for<R>(&self, what: &str, limit: Duration, happened: impl Fn(&T) -> Option<R>) -> R {
        match self.within(limit, happened) {
            Some(found) => found,
            None => panic!("{what} did not come within {limit:?}; there is: {:#?}", *self.lock()),
        }
    }

    /// The same, or nothing when it takes longer.
    pub(crate) fn within<R>(&self, limit: Duration, happened: impl Fn(&T) -> Option<R>) -> Option<R> {
        let deadline = Instant::now() + limit;
        let mut value = self.lock();
        loop {
            if let Some(found) = happened(&value) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            value = self.0.1.wait_timeout(value, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A panic while it was held is told by the test that panicked; nothing is left half changed.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Debug> Watched<Vec<E>> {
    /// What `find` finds in the first of them in which it finds something; as [`Watched::wait_for`].
    #[track_caller]
    pub(crate) fn wait_for_one<R>(&self, what: &str, limit: Duration, find: impl Fn(&E) -> Option<R>) -> R {
        self.wait_for(what, limit, |all| all.iter().find_map(&find))
    }
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
