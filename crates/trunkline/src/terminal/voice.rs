//! Everything that is shown while somebody types: it stands above their line, in the order in which it was said.

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::mem;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SendError, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use net::bulk::write_all;
use rustix::stdio::{dup2_stdin, stdout};
use rustyline::ExternalPrinter;

use super::stage::{Scene, Stage};

/// How long the end may take when nobody reads the terminal.
const END: Duration = Duration::from_millis(200);

/// Bytes of lines that wait for a terminal that shows nothing: it was stopped, or is read too slowly. Beyond it lines
/// are left out, and one line tells how many: whoever calls or connects must not fill the memory.
const UNSHOWN: usize = 1024 * 1024;

/// One line up, and down again.
const NOTHING: &str = "\x1b[A\n";

/// Speaks above the line that is being typed. Clones speak with the same voice.
#[derive(Clone)]
pub(crate) struct Voice {
    said: Sender<Said>,
    unshown: Arc<Mutex<Unshown>>,
}

/// Lines that were said and are not shown yet.
#[derive(Default)]
struct Unshown {
    bytes: usize,
    left_out: usize,
}

/// Tells that the voice has ended.
pub(crate) struct Ended(Receiver<()>);

enum Said {
    /// To be shown.
    Line(String),
    /// To be shown; who asked is told when it is.
    Text(String, SyncSender<()>),
    /// From now on, so long a silence ends the editor's wait for a line.
    Leaving(Duration),
    /// The editor's wait for a line is to end.
    EndEditor,
    /// There will be no more.
    End,
}

impl Voice {
    /// A voice on this terminal, on a thread of its own.
    pub(super) fn new(
        printer: impl ExternalPrinter + Send + 'static,
        stage: Stage,
    ) -> io::Result<(Self, Ended)> {
        let (voice, said) = mpsc::channel();
        let (ending, ended) = mpsc::sync_channel(0);
        let unshown = Arc::default();
        let mut speaker = Speaker { printer, stage, unshown: Arc::clone(&unshown), input_ended: false };
        thread::Builder::new().spawn(move || {
            speaker.speak(&said);
            drop((said, ending));
        })?;
        Ok((Self { said: voice, unshown }, Ended(ended)))
    }

    /// Shows a line, unless too many wait to be shown.
    pub(crate) fn line(&self, line: impl Display) {
        let line = format!("{line}\n");
        if !lock(&self.unshown).takes(line.len()) {
            return;
        }
        // Given back when nobody shows anything any more.
        if let Err(SendError(Said::Line(line))) = self.said.send(Said::Line(line)) {
            crate::failure::say(line.trim_end());
        }
    }

    /// Shows these lines, the last of which has its end, and waits until they are shown: so no more is taken from the
    /// network than a terminal shows.
    pub(crate) fn say_and_wait(&self, lines: String) {
        let (shown, wait) = mpsc::sync_channel(0);
        if self.said.send(Said::Text(lines, shown)).is_ok() {
            // Also when the voice ends, which then nobody waits for.
            let _ = wait.recv();
        }
    }

    /// The person leaves: once nothing was said for so long, [`Self::end_editor`].
    pub(crate) fn leaving(&self, silence: Duration) {
        let _ = self.said.send(Said::Leaving(silence));
    }

    /// Ends the editor's wait for a line, once all is shown that was said before.
    pub(crate) fn end_editor(&self) {
        let _ = self.said.send(Said::EndEditor);
    }

    /// Ends the voice.
    pub(crate) fn end(&self) {
        let _ = self.said.send(Said::End);
    }
}

impl Unshown {
    /// Whether a line may wait. Once one may not, none may until all are shown, so that those left out stood in one
    /// place.
    fn takes(&mut self, bytes: usize) -> bool {
        let takes = self.bytes == 0 || (self.left_out == 0 && self.bytes + bytes <= UNSHOWN);
        if takes {
            self.bytes += bytes;
        } else {
            self.left_out += 1;
        }
        takes
    }

    /// A line is shown. Tells how many were left out behind it.
    fn shown(&mut self, bytes: usize) -> usize {
        self.bytes -= bytes;
        if self.bytes == 0 { mem::take(&mut self.left_out) } else { 0 }
    }
}

fn lock(unshown: &Mutex<Unshown>) -> MutexGuard<'_, Unshown> {
    unshown.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ended {
    /// Waits until what was said is shown, unless nobody shows it.
    pub(crate) fn wait(&self) {
        let _ = self.0.recv_timeout(END);
    }
}

/// The thread that shows what is said.
struct Speaker<P> {
    printer: P,
    stage: Stage,
    unshown: Arc<Mutex<Unshown>>,
    input_ended: bool,
}

impl<P: ExternalPrinter> Speaker<P> {
    fn speak(&mut self, said: &Receiver<Said>) {
        let mut silence = None;
        loop {
            let next = match silence {
                None => said.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(silence) => said.recv_timeout(silence),
            };
            match next {
                Ok(Said::Line(line)) => {
                    let bytes = line.len();
                    self.show(line);
                    let left_out = lock(&self.unshown).shown(bytes);
                    if left_out > 0 {
                        self.show(format!(
                            "lines left out: {left_out}; this terminal did not show them in time\n"
                        ));
                    }
                }
                Ok(Said::Text(lines, shown)) => {
                    self.show(lines);
                    drop(shown);
                }
                Ok(Said::Leaving(limit)) => silence = Some(limit),
                Ok(Said::EndEditor) | Err(RecvTimeoutError::Timeout) => {
                    silence = None;
                    self.end_editor();
                }
                Ok(Said::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn show(&mut self, lines: String) {
        // An editor whose input has ended takes no more words.
        let scene = if self.input_ended { self.stage.left() } else { self.stage.settled() };
        // A terminal that is gone has nobody who would read it.
        if *scene == Scene::Editing {
            drop(scene);
            let _ = self.printer.print(lines);
        } else {
            let _ = write_all(stdout(), lines.as_bytes());
        }
    }

    /// No call of the editor ends its wait for a line, but the end of its input does: from here on standard input is
    /// empty.
    fn end_editor(&mut self) {
        // It stands behind what was said before, so that is on the screen when the input ends.
        self.show(NOTHING.to_owned());
        if let Ok(empty) = File::open("/dev/null") {
            let _ = dup2_stdin(empty);
        }
        self.input_ended = true;
        if *self.stage.now() == Scene::Editing {
            // It moves an editor that waits to look at its input again. To one that has looked meanwhile this says
            // nothing, and lasts until it is dropped.
            let _ = self.printer.print(NOTHING.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that shows nothing until it is told to go on.
    struct Stopped {
        go_on: Receiver<()>,
        shown: Sender<String>,
    }

    impl ExternalPrinter for Stopped {
        fn print(&mut self, lines: String) -> rustyline::Result<()> {
            // Once told, it stays so.
            let _ = self.go_on.recv();
            self.shown.send(lines).unwrap();
            Ok(())
        }
    }

    #[test]
    fn an_attacker_in_front_of_a_stopped_terminal_fills_a_bounded_memory_and_the_rest_is_counted() {
        let (go, go_on) = mpsc::channel();
        let (sender, shown) = mpsc::channel();
        let stage = Stage::default();
        stage.set(Scene::Editing);
        let (voice, _ended) = Voice::new(Stopped { go_on, shown: sender }, stage).unwrap();
        let line = "x".repeat(1023);
        for _ in 0..5000 {
            voice.line(&line);
        }
        drop(go);
        for _ in 0..UNSHOWN / 1024 {
            assert_eq!(shown.recv().unwrap(), format!("{line}\n"));
        }
        let note = shown.recv().unwrap();
        assert_eq!(note, "lines left out: 3976; this terminal did not show them in time\n");
        voice.line("and on");
        assert_eq!(shown.recv().unwrap(), "and on\n");
    }

    #[test]
    fn a_line_longer_than_all_that_may_wait_is_shown_alone() {
        let mut unshown = Unshown::default();
        assert!(unshown.takes(2 * UNSHOWN) && !unshown.takes(1));
        assert_eq!((unshown.shown(2 * UNSHOWN), unshown.takes(1)), (1, true));
    }
}
