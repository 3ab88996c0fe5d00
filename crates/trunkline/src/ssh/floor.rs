//! Who may write to the terminal: what is printed, a question, or below both a line that says how far the run is.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::bulk::write_all;
use rustix::stdio::stderr;
use tokio::sync::{Mutex, OwnedMutexGuard};
use unicode_width::UnicodeWidthChar as _;

use crate::failure;

/// How long the status line stands at least: it is for the eye, not for the record.
pub(crate) const REDRAW: Duration = Duration::from_millis(100);

/// Begins the line anew.
const CLEAR: &str = "\r\x1b[K";

/// Where the size of a terminal is not known.
const COLUMNS: usize = 80;

/// The right to write. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Floor {
    /// There is a terminal, and more to follow than one machine.
    has_status: bool,
    line: Arc<Mutex<StatusLine>>,
}

/// The last line of the terminal.
#[derive(Default)]
pub(crate) struct StatusLine {
    drawn: bool,
    since: Option<Instant>,
}

impl Floor {
    /// With a status line or without.
    pub(crate) fn new(has_status: bool) -> Self {
        Self { has_status, line: Arc::default() }
    }

    pub(crate) fn has_status(&self) -> bool {
        self.has_status
    }

    /// Waits for the right to write, on a thread without a runtime; the status line is taken away.
    pub(crate) fn take(&self) -> OwnedMutexGuard<StatusLine> {
        let mut line = Arc::clone(&self.line).blocking_lock_owned();
        line.clear();
        line
    }

    /// As [`Self::take`], in a task.
    pub(crate) async fn taken(&self) -> OwnedMutexGuard<StatusLine> {
        let mut line = Arc::clone(&self.line).lock_owned().await;
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
        if self.has_status
            && let Ok(mut line) = self.line.try_lock()
            && line.is_due(Instant::now())
        {
            line.draw(&status(), columns());
        }
    }
}

impl StatusLine {
    fn is_due(&self, now: Instant) -> bool {
        self.since.is_none_or(|since| now.duration_since(since) >= REDRAW)
    }

    fn draw(&mut self, status: &str, columns: usize) {
        write(&format!("{CLEAR}{}", fitting(status, columns)));
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

/// The front of a line that leaves the last column free: a line that is full begins another one.
fn fitting(status: &str, columns: usize) -> &str {
    let mut room = columns.saturating_sub(1);
    let fits = |(_, character): &(usize, char)| match room.checked_sub(character.width().unwrap_or(0)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let end = status.char_indices().take_while(fits).last();
    &status[..end.map_or(0, |(at, character)| at + character.len_utf8())]
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
    if size == 0 { COLUMNS } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_never_fills_the_last_column_whatever_its_letters() {
        assert_eq!(fitting("3 of 40", 8), "3 of 40");
        assert_eq!(fitting("3 of 40", 7), "3 of 4");
        assert_eq!(fitting("a张三", 5), "a张");
        assert_eq!((fitting("abc", 0), fitting("", 10)), ("", ""));
    }
}
