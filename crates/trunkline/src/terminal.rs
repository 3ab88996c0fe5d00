//! A person at a terminal: a line editor below, and what comes meanwhile above the line being typed.

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::stdio::{dup2_stdin, stdin};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, ExternalPrinter};

/// As in the tutorial; dim where there is colour.
const PROMPT: (&str, &str) = (">>: ", "\x1b[2m>>: \x1b[0m");

/// Lines that are remembered.
const HISTORY: usize = 1000;

/// Text that is gathered while lines come without a pause, in bytes.
const GATHERED: usize = 64 * 1024;

/// A line editor on this terminal.
pub(crate) struct LineEditor {
    lines: rustyline::Editor<(), FileHistory>,
    history: Option<PathBuf>,
}

impl LineEditor {
    /// The editor, what prints above it, and the terminal's modes, to be kept until the end. None where the terminal
    /// cannot edit lines. Lines are remembered in the file `history`.
    pub(crate) fn open(history: Option<PathBuf>) -> Option<(Self, Above, Modes)> {
        let config = Config::builder()
            .max_history_size(HISTORY)
            .ok()?
            .history_ignore_space(true)
            // Every line of a pasted text is a line of its own.
            .bracketed_paste(false)
            .build();
        let mut lines = rustyline::Editor::with_config(config).ok()?;
        // Only with a helper the prompt has its style.
        lines.set_helper(Some(()));
        if let Some(file) = &history {
            // The first time there is none.
            let _ = lines.load_history(file);
        }
        let mut editor = Self { lines, history };
        let above = editor.another_voice()?;
        Some((editor, above, Modes::new().ok()?))
    }

    /// Waits for a line.
    pub(crate) fn read_line(&mut self) -> Result<String, ReadlineError> {
        self.lines.readline(&PROMPT)
    }

    /// One more who prints above the line.
    pub(crate) fn another_voice(&mut self) -> Option<Above> {
        let printer = self.lines.create_external_printer().ok()?;
        Some(Above { printer: Box::new(printer), text: String::new() })
    }

    /// Keeps a line for the arrow keys.
    pub(crate) fn remember(&mut self, line: &str) {
        // A history that cannot be kept is no reason to stop.
        let added = self.lines.add_history_entry(line);
        if let (Ok(true), Some(file)) = (added, &self.history) {
            let _ = self.lines.append_history(file);
        }
    }
}

/// The part of the screen above the line that is being typed.
pub(crate) struct Above {
    printer: Box<dyn ExternalPrinter + Send>,
    text: String,
}

impl Above {
    /// Gathers some text.
    pub(crate) fn add(&mut self, text: &str) {
        self.text += text;
    }

    /// Gathers a whole line.
    pub(crate) fn add_line(&mut self, line: &str) {
        self.text += line;
        if !line.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Whether the end of what was gathered is a line that has only begun.
    pub(crate) fn awaits_rest(&self) -> bool {
        !self.text.is_empty() && !self.text.ends_with('\n') && self.text.len() < GATHERED
    }

    /// Shows what was gathered.
    pub(crate) fn print(&mut self) {
        if !self.text.is_empty() {
            let text = mem::take(&mut self.text);
            self.add_line(&text);
            // The terminal is gone: so is who would read it.
            let _ = self.printer.print(mem::take(&mut self.text));
        }
    }

    /// Ends the editor's wait for a line. No call of it can, but the end of its input does: from here on standard
    /// input is empty.
    pub(crate) fn end_editor(mut self) {
        // Shows nothing: one line up and down again. It is taken when all before it is on the screen.
        let nothing = || "\x1b[A\n".to_owned();
        self.print();
        let _ = self.printer.print(nothing());
        if let Ok(empty) = File::open("/dev/null") {
            let _ = dup2_stdin(empty);
        }
        let _ = self.printer.print(nothing());
    }
}

/// The part above, shared by several who print whole lines there.
#[derive(Clone)]
pub(crate) struct Screen(Arc<Mutex<Above>>);

impl From<Above> for Screen {
    fn from(above: Above) -> Self {
        Self(Arc::new(Mutex::new(above)))
    }
}

impl Screen {
    /// Shows a line.
    pub(crate) fn line(&self, line: impl Display) {
        let mut above = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        above.add_line(&line.to_string());
        above.print();
    }
}

/// The terminal's modes while the editor is not reading from it; those that the shell had set are restored when this
/// is dropped. The editor cannot do that once standard input is another file, or when it is left in mid-line.
pub(crate) struct Modes {
    terminal: OwnedFd,
    before: Termios,
}

impl Modes {
    fn new() -> io::Result<Self> {
        let terminal = stdin().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        Ok(Self { terminal, before })
    }

    /// Keys that are typed ahead wait as they are for the next prompt: otherwise the terminal echoes them there and
    /// then, and Ctrl-D would be lost.
    pub(crate) fn hold_keys(&self) {
        let mut modes = self.before.clone();
        modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        modes.input_modes -= InputModes::ICRNL | InputModes::IXON;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        self.set(&modes);
    }

    /// As the shell had it; Ctrl-C ends the program.
    pub(crate) fn restore(&self) {
        self.set(&self.before);
    }

    fn set(&self, modes: &Termios) {
        // A terminal that is gone needs no modes.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, modes);
    }
}

impl Drop for Modes {
    fn drop(&mut self) {
        self.restore();
    }
}
