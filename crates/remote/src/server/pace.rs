//! How fast a connection is read.
//!
//! A client that sends faster than a command reads is slowed down, as long as nobody else waits for the connection. Else the
//! difference would be written to the disk and read back, which costs more than the protocol and its cryptography. The
//! protocol's own means is the window; the library opens it again as soon as something has come.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::budget::Budget;
use super::limits::{READING_PAUSE, WINDOW};

/// When to read.
pub(super) struct Pace {
    budget: Budget,
    /// How long the connection may still be left unread...
    left: Duration,
    /// ...until so many bytes more have been read.
    to_come: usize,
    pause: Option<Pause>,
}

struct Pause {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl Pace {
    /// That of a connection whose input takes memory from there.
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, left: READING_PAUSE, to_come: a_window(), pause: None }
    }

    /// Ready when the connection is to be read.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.left.is_zero() {
            return Poll::Ready(());
        }
        let full = self.budget.poll_read(context).is_pending();
        if full {
            let left = self.left;
            let pause =
                self.pause.get_or_insert_with(|| Pause { since: Instant::now(), end: Box::pin(sleep(left)) });
            if pause.end.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
        if let Some(pause) = self.pause.take() {
            self.left = if full { Duration::ZERO } else { self.left.saturating_sub(pause.since.elapsed()) };
        }
        Poll::Ready(())
    }

    /// So many bytes have been read.
    pub(super) fn has_read(&mut self, bytes: usize) {
        match self.to_come.checked_sub(bytes) {
            Some(to_come) => self.to_come = to_come,
            None => (self.left, self.to_come) = (READING_PAUSE, a_window()),
        }
    }
}

fn a_window() -> usize {
    usize::try_from(WINDOW).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::super::input::Input;
    use super::super::limits::{AMPLE_INPUT, Limits};
    use super::*;

    /// A piece of what a client sends.
    const PIECE: usize = 64 * 1024;

    #[tokio::test(start_paused = true)]
    async fn a_command_that_takes_nothing_stops_the_reading_once_in_a_window_and_for_a_moment() {
        let budget = Budget::new(&Limits::default());
        let _channel = budget.channel();
        assert!(budget.pay(AMPLE_INPUT));
        let mut pace = Pace::new(budget);
        let begun = Instant::now();
        for _ in 0..3 * a_window() / PIECE {
            poll_fn(|context| pace.poll(context)).await;
            pace.has_read(PIECE);
        }
        let pauses = begun.elapsed().as_millis() / READING_PAUSE.as_millis();
        assert!((2..=3).contains(&pauses), "{pauses}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_reads_more_slowly_than_its_client_sends_has_nothing_on_disk() {
        let limits = Limits::default();
        let budget = Budget::new(&limits);
        // Nothing can be written there.
        let input = Input::new(&limits, budget.clone(), "/nowhere/at/all".into());
        let mut pace = Pace::new(budget);
        let client = async {
            for _ in 0..8 * a_window() / PIECE {
                poll_fn(|context| pace.poll(context)).await;
                pace.has_read(PIECE);
                input.push(&[1; PIECE]).unwrap();
            }
            input.end();
        };
        let command = async {
            let mut taken = 0;
            while let Some(bytes) = input.next().await.unwrap() {
                taken += bytes.len();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            taken
        };
        let ((), taken) = tokio::join!(client, command);
        assert_eq!(taken, 8 * a_window());
    }
}
