//! The name of a file that somebody else has chosen: one safe component of a path, or nothing.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::body::BuildError;
use crate::charset::{Charset, Reader};
use crate::limits::MAX_NAME;

/// A name that stays in the folder it is put into, on Linux and on whatever that folder is shared with, and that
/// looks like what it is. Whoever has one of these need not check it again; what is there already is still not to be
/// overwritten.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

/// Why a text is not the name of a file that is taken or offered.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing.
    #[error("the name of the file is empty")]
    Empty,
    /// More than Linux takes.
    #[error("the name of the file has {length} bytes, at most {MAX_NAME} are allowed")]
    TooLong {
        /// Bytes of the name in UTF-8.
        length: usize,
    },
    /// `.`, `..`, and what Windows makes of `.. ` and `...`: the folder itself, or the one above.
    #[error("the name of the file has only dots and spaces: it would be a folder")]
    Dots,
    /// `/`, or `\`, which separates folders for a Windows desk that reads ours.
    #[error("the name of the file has a {separator:?} in it: it would leave its folder")]
    Separator {
        /// Which of them.
        separator: char,
    },
    /// `C:` and what follows: a place on a drive.
    #[error("the name of the file begins with a drive of Windows")]
    Drive,
    /// A character that acts on a terminal, or hides in a name: control characters, line separators, and marks that
    /// change the direction of text (`photo\u{202e}gpj.exe` is shown as `photoexe.jpg`).
    #[error("the name of the file has {character:?} in it, which is not shown")]
    Invisible {
        /// The first such character.
        character: char,
    },
    /// `CON`, `NUL`, `COM1` and their kin, with or without a suffix: devices to a Windows desk.
    #[error("the name of the file is that of a device of Windows")]
    Device,
}

impl FileName {
    /// Takes the name if it is safe. It is never changed: two names must not become one.
    ///
    /// # Errors
    /// On the first thing that is wrong with it.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        match objection(&name) {
            Some(error) => Err(error),
            None => Ok(Self(name)),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the name at the beginning of a text and the colon behind it, and says how many bytes they are. A colon
    /// of the name itself stands there twice. None where the closing colon is missing.
    pub(super) fn cut(text: &[u8]) -> Option<(Cow<'_, [u8]>, usize)> {
        let mut end = 0;
        let mut doubled = false;
        loop {
            end += text[end..].iter().position(|byte| *byte == b':')?;
            if text.get(end + 1) != Some(&b':') {
                break;
            }
            doubled = true;
            end += 2;
        }
        let name = &text[..end];
        if !doubled {
            return Some((Cow::Borrowed(name), end + 1));
        }
        let mut single = Vec::with_capacity(name.len());
        let mut rest = name;
        while let Some(colon) = rest.iter().position(|byte| *byte == b':') {
            single.extend_from_slice(&rest[..=colon]);
            rest = &rest[colon + 2..];
        }
        single.extend_from_slice(rest);
        Some((Cow::Owned(single), end + 1))
    }

    pub(super) fn read(bytes: &[u8], reader: &mut Reader, utf8: bool) -> Result<Self, NameError> {
        Self::new(reader.read(bytes, utf8))
    }

    pub(super) fn write(&self, charset: Charset) -> Result<Vec<u8>, BuildError> {
        Ok(charset.encode(&self.0.replace(':', "::"))?.into_owned())
    }
}

fn objection(name: &str) -> Option<NameError> {
    if name.is_empty() {
        return Some(NameError::Empty);
    }
    if name.len() > MAX_NAME {
        return Some(NameError::TooLong { length: name.len() });
    }
    if name.chars().all(|character| matches!(character, '.' | ' ')) {
        return Some(NameError::Dots);
    }
    if let Some(separator) = name.chars().find(|character| matches!(character, '/' | '\\')) {
        return Some(NameError::Separator { separator });
    }
    if matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Some(NameError::Drive);
    }
    if let Some(character) = name.chars().find(|character| is_invisible(*character)) {
        return Some(NameError::Invisible { character });
    }
    is_device(name).then_some(NameError::Device)
}

fn is_invisible(character: char) -> bool {
    let separator = matches!(character, '\u{2028}' | '\u{2029}');
    let direction = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || separator || direction
}

/// <https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>: also with a suffix, and with spaces before
/// it.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device| {
        let mut number = stem.strip_prefix(device).unwrap_or_default().chars();
        matches!((number.next(), number.next()), (Some('1'..='9' | '¹' | '²' | '³'), None))
    };
    matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_give_are_taken_as_they_are() {
        for name in [
            "a.txt",
            "报告 2026.doc",
            ".bashrc",
            "...x",
            "12:30",
            "a?b*c|d",
            "com",
            "COM10",
            "console",
            "é\u{301}",
            "-rf",
        ] {
            assert_eq!(FileName::new(name).as_ref().map(FileName::as_str), Ok(name));
        }
    }

    #[test]
    fn a_name_that_would_leave_its_folder_is_refused() {
        let refused = |name: &str| FileName::new(name).expect_err(name);
        assert_eq!(refused(""), NameError::Empty);
        for dots in [".", "..", "...", ".. ", " ", ". ."] {
            assert_eq!(refused(dots), NameError::Dots);
        }
        for path in ["../../evil.bin", "/etc/passwd", "a/", "a/../b"] {
            assert_eq!(refused(path), NameError::Separator { separator: '/' });
        }
        for path in ["..\\evil", "C:\\evil", "\\\\server\\share"] {
            assert_eq!(refused(path), NameError::Separator { separator: '\\' });
        }
        assert_eq!(refused("C:evil"), NameError::Drive);
        assert_eq!(refused(&"中".repeat(86)), NameError::TooLong { length: 258 });
        assert!(FileName::new("x".repeat(MAX_NAME)).is_ok());
    }

    #[test]
    fn a_name_that_looks_like_another_or_acts_on_a_terminal_is_refused() {
        for character in
            ['\0', '\x1b', '\n', '\x7f', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{2028}']
        {
            assert_eq!(
                FileName::new(format!("photo{character}gpj.exe")),
                Err(NameError::Invisible { character })
            );
        }
    }

    #[test]
    fn a_device_of_windows_is_refused_in_all_its_spellings() {
        for device in ["CON", "nul", "aux.txt", "Com1", "lpt9.tar.gz", "PRN .x", "COM²"] {
            assert_eq!(FileName::new(device), Err(NameError::Device), "{device}");
        }
    }

    #[test]
    fn a_colon_in_a_name_stands_on_the_wire_twice() {
        for (text, name, length) in [
            ("a:4d2:", "a", 2),
            ("12::30:4d2:", "12:30", 7),
            ("::a:", ":a", 4),
            ("a:::4d2:", "a:", 4),
            ("a::::b:", "a::b", 7),
            (":4d2:", "", 1),
        ] {
            let (cut, end) = FileName::cut(text.as_bytes()).expect(text);
            assert_eq!((&*cut, end), (name.as_bytes(), length), "{text}");
        }
        for unfinished in ["", "a", "a::", "a::b"] {
            assert_eq!(FileName::cut(unfinished.as_bytes()), None, "{unfinished}");
        }
        assert_eq!(FileName::new("12:30").unwrap().write(Charset::UTF_8).unwrap(), b"12::30");
    }
}
