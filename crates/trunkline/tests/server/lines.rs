//! What a program prints, line by line, while it runs.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use crate::PATIENCE;

/// The lines that came so far. A thread of its own reads them, so the program never waits for its reader.
#[derive(Clone)]
pub(crate) struct Lines {
    printed: Arc<(Mutex<Printed>, Condvar)>,
}

#[derive(Default)]
struct Printed {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    pub(crate) fn of(output: impl Read + Send + 'static) -> Self {
        let lines = Self { printed: Arc::default() };
        let reader = lines.clone();
        std::thread::spawn(move || reader.read_all(output));
        lines
    }

    /// The first line that holds `text`, once it is there.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_for_nth(text, 1)
    }

    /// The `nth` line that holds `text`, counted from 1, once it is there.
    pub(crate) fn wait_for_nth(&self, text: &str, nth: usize) -> String {
        self.wait(&format!("line {nth} with {text:?}"), |printed| {
            printed.lines.iter().filter(|line| line.contains(text)).nth(nth - 1).cloned()
        })
    }

    /// Everything, once the program has closed its output.
    pub(crate) fn wait_for_all(&self) -> String {
        self.wait("the end", |printed| printed.ended.then(|| printed.lines.concat()))
    }

    /// How many lines so far hold `text`.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.lock().lines.iter().filter(|line| line.contains(text)).count()
    }

    fn wait<T>(&self, what: &str, happened: impl Fn(&Printed) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut printed = self.lock();
        loop {
            if let Some(event) = happened(&printed) {
                return event;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || printed.ended {
                let so_far = printed.lines.concat();
                // The reader goes on, so the lock must not be poisoned.
                drop(printed);
                panic!("{what} did not come; printed was:\n{so_far}");
            }
            printed = self.printed.1.wait_timeout(printed, left).unwrap().0;
        }
    }

    fn read_all(&self, output: impl Read) {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            let ended = !matches!(output.read_until(b'\n', &mut line), Ok(1..));
            let mut printed = self.lock();
            if ended {
                printed.ended = true;
            } else {
                printed.lines.push(String::from_utf8_lossy(&line).into_owned());
            }
            self.printed.1.notify_all();
            if ended {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Printed> {
        self.printed.0.lock().unwrap()
    }
}
