//! Who may write to the terminal: what is printed, a question, or below both a line that says how far the run is.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::bulk::write_all;
use rustix::stdio::stderr;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::failure;

/// How long the status line stands at least: it is for the eye, not for the record.
pub(crate) const REDRAW: Duration = Duration::from_millis(100);

/// Begins the line anew.
const CLEAR: &str = "\r\x1b[K";

/// The right to write. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Floor(Arc<Mutex<StatusLine>>);

/// The last line of the terminal.
pub(crate) struct StatusLine {
    /// There is a terminal, and the run is long enough to have one.
    shown: bool,
    drawn: bool,
    since: Option<Instant>,
}

impl Floor {
    /// With a status line, if it is `shown`.
    pub(crate) fn new(shown: bool) -> Self {
        Self(Arc::new(Mutex::new(StatusLine { shown, drawn: false, since: None })))
    }

    /// Waits for the right to write, on a thread without a runtime; the status line is taken away.
    pub(crate) fn take(&self) -> OwnedMutexGuard<StatusLine> {
        let mut line = Arc::clone(&self.0).blocking_lock_owned();
        line.clear();
        line
    }

    /// As [`Self::take`], in a task.
    pub(crate) async fn taken(&self) -> OwnedMutexGuard<StatusLine> {
        let mut line = Arc::clone(&self.0).lock_owned().await;
        line.clear();
        line
    }

    /// Tells something as soon as nobody else writes. Only in a task.
    pub(crate) fn say(&self, text: String) {
        let floor = self.clone();
        tokio::spawn(async move {
            let _floor = floor.taken().await;
            failure::say(text);
        });
    }

    /// Draws the status line, unless it has just been drawn, or somebody else writes.
    pub(crate) fn draw(&self, status: impl FnOnce() -> String) {
        if let Ok(mut line) = self.0.try_lock()
            && line.is_due(Instant::now())
        {
            line.draw(&status(), columns());
        }
    }
}

impl StatusLine {
    fn is_due(&self, now: Instant) -> bool {
        self.shown && self.since.is_none_or(|since| now.duration_since(since) >= REDRAW)
    }

    fn draw(&mut self, status: &str, columns: usize) {
        let fitting: String = status.chars().take(columns.saturating_sub(1)).collect();
        write(&format!("{CLEAR}{fitting}"));
        self.drawn = true;
        self.since = Some(Instant::now());
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            write(CLEAR);
        }
    }
}

/// A terminal that is gone has nobody who would read it.
fn write(text: &str) {
    let _ = write_all(stderr(), text.as_bytes());
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    size.map_or(0, |size| usize::from(size.ws_col)).max(40)
}
