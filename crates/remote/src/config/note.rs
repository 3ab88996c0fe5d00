//! Where something stands, and what is worth a word about it.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

/// Notes that are kept: nobody reads more, and a file that is no configuration has one for each line.
const MAX_NOTES: usize = 1000;

/// A line of a file; or an option of a command line, whose file is `-o`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// By the path it was read with.
    pub file: Arc<Path>,
    /// Counted from 1.
    pub line: usize,
}

/// What ssh would take otherwise than it is taken here. Its texts are as they stand in the file: unfiltered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file, by the path it was read with.
    pub file: Arc<Path>,
    /// Counted from 1; `None` where the file as a whole is meant.
    pub line: Option<usize>,
    /// The words that are meant; empty where the file as a whole is.
    pub text: String,
    /// What is wrong with them, or why they mean nothing here.
    pub reason: String,
}

impl Note {
    pub(super) fn on_line(place: &Place, text: &str, reason: impl Into<String>) -> Self {
        let Place { file, line } = place;
        Self { file: Arc::clone(file), line: Some(*line), text: text.to_owned(), reason: reason.into() }
    }

    pub(super) fn on_file(file: &Path, reason: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, text: String::new(), reason: reason.into() }
    }
}

/// Notes as they come up, up to [`MAX_NOTES`].
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<Note>);

impl Notes {
    /// Takes it, unless there are too many; then it says so instead, once.
    pub(super) fn push(&mut self, note: Note) {
        match self.0.len().cmp(&MAX_NOTES) {
            Ordering::Less => self.0.push(note),
            Ordering::Equal => self.0.push(Note::on_file(&note.file, "there is more of this kind")),
            Ordering::Greater => {}
        }
    }

    pub(super) fn into_vec(self) -> Vec<Note> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_without_end_are_cut_with_a_word() {
        let mut notes = Notes::default();
        for _ in 0..MAX_NOTES + 9 {
            notes.push(Note::on_file(Path::new("x"), "why"));
        }
        let notes = notes.into_vec();
        assert_eq!(notes.len(), MAX_NOTES + 1);
        assert_eq!(notes[MAX_NOTES].reason, "there is more of this kind");
    }
}
