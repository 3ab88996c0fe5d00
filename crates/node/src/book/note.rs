//! What a file of another tool says and the book does not take.

use std::cmp::Ordering;
use std::fmt;
use std::path::{Path, PathBuf};

use net::Untrusted;

/// Characters of a line that a note shows: enough to find it by, whatever the file holds.
const MAX_SHOWN: usize = 100;

/// Notes that are kept: nobody reads more, and a file that is none of its kind has one for each line.
const MAX_NOTES: usize = 1000;

/// A line that was left out, and why. It prints as `FILE:LINE: TEXT: REASON`, safe to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file, by the path it was read with.
    pub file: PathBuf,
    /// Counted from 1; `None` where the file as a whole is meant.
    pub line: Option<usize>,
    /// The words that were not taken, as they stand there; empty where the file as a whole is meant.
    pub text: String,
    /// What is wrong with them, or why they mean nothing here.
    pub reason: String,
}

/// Notes as they come up, up to a limit: any file at all may be given to be read.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<Note>);

impl Notes {
    /// Takes it, unless there are [`MAX_NOTES`]; then it says so instead, once.
    pub(crate) fn push(&mut self, note: Note) {
        match self.0.len().cmp(&MAX_NOTES) {
            Ordering::Less => self.0.push(note),
            Ordering::Equal => self.0.push(Note::on_file(&note.file, "there is more of this kind")),
            Ordering::Greater => {}
        }
    }

    /// File by file, and line by line; what is about a whole file comes after its lines.
    pub(crate) fn into_vec(mut self) -> Vec<Note> {
        self.0.sort_by(|one, other| {
            one.file
                .cmp(&other.file)
                .then(one.line.is_none().cmp(&other.line.is_none()))
                .then(one.line.cmp(&other.line))
        });
        self.0
    }
}

impl Note {
    /// About words of one line.
    pub(crate) fn on_line(file: &Path, line: usize, text: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: Some(line), text: text.to_owned(), reason: reason.into() }
    }

    /// About a whole file.
    pub(crate) fn on_file(file: &Path, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, text: String::new(), reason: reason.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.to_string_lossy();
        write!(f, "{}:", Untrusted::from(&*file))?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}:", Untrusted::from(self.text.as_str()).preview(MAX_SHOWN))?;
        }
        write!(f, " {}", Untrusted::from(self.reason.as_str()).multiline())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_names_file_line_text_and_reason() {
        let note = Note::on_line(Path::new("/etc/genders"), 7, "n[1-", "a bracket is not closed");
        assert_eq!(note.to_string(), "/etc/genders:7: n[1-: a bracket is not closed");
        let note = Note::on_file(Path::new("/etc/genders"), "Permission denied");
        assert_eq!(note.to_string(), "/etc/genders: Permission denied");
    }

    #[test]
    fn what_a_file_holds_cannot_command_the_terminal_nor_fill_it() {
        let note = Note::on_line(Path::new("x"), 1, &format!("\x1b[2J{}", "a".repeat(9999)), "why\x07");
        let shown = note.to_string();
        assert!(!shown.contains(char::is_control) && shown.chars().count() < 200, "{shown}");
    }

    #[test]
    fn notes_without_end_are_cut_with_a_word() {
        let mut notes = Notes::default();
        for line in 0..MAX_NOTES + 9 {
            notes.push(Note::on_line(Path::new("x"), line, "?", "why"));
        }
        let notes = notes.into_vec();
        assert_eq!(notes.len(), MAX_NOTES + 1);
        assert_eq!(notes[MAX_NOTES].to_string(), "x: there is more of this kind");
    }
}
