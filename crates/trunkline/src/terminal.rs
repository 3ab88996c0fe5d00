//! A person at a terminal: a line editor below, and what comes meanwhile above the line being typed.

mod keys;
mod stage;
mod voice;

use std::path::PathBuf;

use rustyline::Config;
use rustyline::history::FileHistory;

pub(crate) use keys::Keys;
pub(crate) use voice::{Ended, Voice};

use stage::{Scene, Stage};

/// As in the tutorial; dim where there is colour.
pub(crate) const PROMPT: (&str, &str) = (">>: ", "\x1b[2m>>: \x1b[0m");

/// Lines that are remembered.
const HISTORY: usize = 1000;

/// A line editor on this terminal.
pub(crate) struct LineEditor {
    lines: rustyline::Editor<Stage, FileHistory>,
    stage: Stage,
    history: Option<PathBuf>,
}

/// What else there is to a terminal with a line editor.
pub(crate) struct Around {
    /// Restores the terminal's modes when it is dropped.
    pub(crate) keys: Keys,
    /// Speaks above the line that is being typed.
    pub(crate) voice: Voice,
    pub(crate) voice_ended: Ended,
}

impl LineEditor {
    /// None where the terminal cannot edit lines. Lines are remembered in the file `history`.
    pub(crate) fn open(history: Option<PathBuf>) -> Option<(Self, Around)> {
        let config = Config::builder()
            .max_history_size(HISTORY)
            .ok()?
            .history_ignore_space(true)
            // Every line of a pasted text is a line of its own.
            .bracketed_paste(false)
            .build();
        let mut lines = rustyline::Editor::with_config(config).ok()?;
        let stage = Stage::default();
        lines.set_helper(Some(stage.clone()));
        let printer = lines.create_external_printer().ok()?;
        let (voice, voice_ended) = Voice::new(printer, stage.clone()).ok()?;
        if let Some(file) = &history {
            // The first time there is none.
            let _ = lines.load_history(file);
        }
        let around = Around { keys: Keys::new().ok()?, voice, voice_ended };
        Some((Self { lines, stage, history }, around))
    }

    /// Waits for a line.
    pub(crate) fn read_line(&mut self, prompt: &(&str, &str)) -> rustyline::Result<String> {
        self.stage.set(Scene::Between);
        let line = self.lines.readline(prompt);
        // The next prompt is near, most often.
        self.stage.set(Scene::Between);
        line
    }

    /// The next prompt is far: until then what is said is shown at once.
    pub(crate) fn away(&self) {
        self.stage.set(Scene::Away);
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

impl Drop for LineEditor {
    fn drop(&mut self) {
        self.away();
    }
}
