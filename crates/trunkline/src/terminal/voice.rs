//! Everything that is shown while somebody types: it stands above their line, in the order in which it was said.

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use net::bulk::write_all;
use rustix::stdio::{dup2_stdin, stdout};
use rustyline::ExternalPrinter;

use super::stage::{Scene, Stage};

/// How long the end may take when nobody reads the terminal.
const END: Duration = Duration::from_millis(200);

/// One line up, and down again.
const NOTHING: &str = "\x1b[A\n";

/// Speaks above the line that is being typed. Clones speak with the same voice.
#[derive(Clone)]
pub(crate) struct Voice(Sender<Said>);

/// Tells that the voice has ended.
pub(crate) struct Ended(Receiver<()>);

enum Said {
    /// To be shown; who asked is told when it is.
    Text(String, Option<SyncSender<()>>),
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
        let mut speaker = Speaker { printer, stage, input_ended: false };
        thread::Builder::new().spawn(move || {
            speaker.speak(&said);
            drop((said, ending));
        })?;
        Ok((Self(voice), Ended(ended)))
    }

    /// Shows these lines, the last of which has its end. Gives them back when nobody shows anything any more.
    pub(crate) fn say(&self, lines: String) -> Result<(), String> {
        self.0.send(Said::Text(lines, None)).map_err(|unsaid| match unsaid.0 {
            Said::Text(lines, _) => lines,
            Said::Leaving(_) | Said::EndEditor | Said::End => String::new(),
        })
    }

    /// Shows a line.
    pub(crate) fn line(&self, line: impl Display) {
        if let Err(line) = self.say(format!("{line}\n")) {
            crate::failure::say(line.trim_end());
        }
    }

    /// As [`Self::say`], and waits until they are shown: so no more is taken from the network than a terminal shows.
    pub(crate) fn say_and_wait(&self, lines: String) {
        let (shown, wait) = mpsc::sync_channel(0);
        if self.0.send(Said::Text(lines, Some(shown))).is_ok() {
            // Also when the voice ends, which then nobody waits for.
            let _ = wait.recv();
        }
    }

    /// The person leaves: once nothing was said for so long, [`Self::end_editor`].
    pub(crate) fn leaving(&self, silence: Duration) {
        let _ = self.0.send(Said::Leaving(silence));
    }

    /// Ends the editor's wait for a line, once all is shown that was said before.
    pub(crate) fn end_editor(&self) {
        let _ = self.0.send(Said::EndEditor);
    }

    /// Ends the voice.
    pub(crate) fn end(&self) {
        let _ = self.0.send(Said::End);
    }
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
