//! Waiting for what another process does.

use std::time::{Duration, Instant};

/// How long anything that is waited for may take. What is waited for is an event; this only ends a test whose event
/// never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Looks again and again until `happened` gives something.
pub(crate) fn wait_until<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + crate::PATIENCE;
    loop {
        if let Some(event) = happened() {
            return event;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
