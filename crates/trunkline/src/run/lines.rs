//! A stream that comes in pieces, cut into lines.

use memchr::memrchr;

/// Bytes of a line that are kept until its end comes. A longer one is given in parts: lines of several machines stand between each
/// other whole, and a stream without an end of line must not fill the memory, twice for each machine that runs.
pub(super) const LINE_MAX: usize = 256 * 1024;

/// A line, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Without the LF.
    pub(super) bytes: &'a [u8],
    /// The part before it was given already.
    pub(super) continues: bool,
    /// An LF followed.
    pub(super) ends: bool,
}

/// What of the last line is waited for.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    /// A part of the line was given already.
    continues: bool,
}

impl Lines {
    /// Takes a piece, and gives the lines that are whole with it.
    pub(super) fn push<E>(
        &mut self,
        piece: &[u8],
        mut each: impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        // Each byte is looked at once, however long its line is.
        let Some(last) = memrchr(b'\n', piece) else { return self.hold(piece, &mut each) };
        for line in piece[..last].split(|&byte| byte == b'\n') {
            if self.held.is_empty() {
                self.give(line, true, &mut each)?;
            } else {
                self.hold(line, &mut each)?;
                self.give_held(true, &mut each)?;
            }
        }
        self.hold(&piece[last + 1..], &mut each)
    }

    /// What is there of the unfinished line, and was not given yet.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// Gives so many bytes of the unfinished line.
    pub(super) fn give_part<E>(
        &mut self,
        bytes: usize,
        mut each: impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let rest = self.held.split_off(bytes);
        if !self.held.is_empty() {
            self.give_held(false, &mut each)?;
        }
        self.held = rest;
        Ok(())
    }

    /// The stream is over: gives what has no LF.
    pub(super) fn finish<E>(&mut self, each: impl FnMut(Line<'_>) -> Result<(), E>) -> Result<(), E> {
        self.give_part(self.held.len(), each)
    }

    /// Keeps what is no whole line yet, up to the cap.
    fn hold<E>(
        &mut self,
        mut bytes: &[u8],
        each: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.held.len() + bytes.len() > LINE_MAX {
            let (front, rest) = bytes.split_at(LINE_MAX - self.held.len());
            self.held.extend_from_slice(front);
            bytes = rest;
            self.give_part(whole_characters(&self.held), &mut *each)?;
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn give_held<E>(
        &mut self,
        ends: bool,
        each: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let held = std::mem::take(&mut self.held);
        self.give(&held, ends, each)
    }

    fn give<E>(
        &mut self,
        bytes: &[u8],
        ends: bool,
        each: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let continues = std::mem::replace(&mut self.continues, !ends);
        each(Line { bytes, continues, ends })
    }
}

/// How many of these bytes come before a character of UTF-8 that is cut at their end.
pub(super) fn whole_characters(bytes: &[u8]) -> usize {
    // A character has four bytes at most.
    let tail = bytes.len().saturating_sub(3);
    let cut = (tail..bytes.len()).find(|&at| {
        let cut = std::str::from_utf8(&bytes[at..])
            .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none());
        cut && bytes[at] >= 0xc0
    });
    cut.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// Every line as text, with `+` before one that goes on and `$` behind one that ends.
    fn lines_of(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let mut see = |line: Line<'_>| {
            let before: &[u8] = if line.continues { b"+" } else { b"" };
            let after: &[u8] = if line.ends { b"$" } else { b"" };
            seen.push([before, line.bytes, after].concat());
            Ok::<_, Infallible>(())
        };
        for piece in pieces {
            let Ok(()) = lines.push(piece, &mut see);
        }
        let Ok(()) = lines.finish(&mut see);
        seen
    }

    #[test]
    fn a_line_is_given_when_it_is_whole_and_the_last_one_needs_no_end() {
        assert_eq!(lines_of(&[b"on", b"e\n\ntw", b"o\nthree"]), [&b"one$"[..], b"$", b"two$", b"three"]);
        assert_eq!(lines_of(&[b"one\n", b""]), [b"one$"]);
    }

    #[test]
    fn an_attacker_who_never_ends_a_line_fills_a_bounded_memory_and_nothing_is_lost() {
        let mut lines = Lines::default();
        let (mut given, mut largest) = (0, 0);
        for _ in 0..200 {
            let Ok(()) = lines.push(&[b'x'; 32 * 1024], |line| {
                given += line.bytes.len();
                Ok::<_, Infallible>(())
            });
            largest = largest.max(lines.held.capacity());
        }
        assert!(largest <= 2 * LINE_MAX, "{largest}");
        assert_eq!(given + lines.held.len(), 200 * 32 * 1024);
    }

    #[test]
    fn the_parts_of_a_long_line_are_cut_between_characters() {
        let long = "张".repeat(LINE_MAX / 2);
        let parts = lines_of(&[b"x", long.as_bytes(), b"\n"]);
        assert!(parts.len() > 1 && parts.iter().all(|part| std::str::from_utf8(part).is_ok()));
        let text: Vec<u8> = parts.concat().into_iter().filter(|byte| !b"+$".contains(byte)).collect();
        assert_eq!(text, format!("x{long}").into_bytes());
    }

    #[test]
    fn a_cut_character_is_told_from_a_byte_that_is_none() {
        let ways: [(&[u8], usize); 7] = [
            (b"", 0),
            (b"ab", 2),
            ("a张".as_bytes(), 4),
            (b"a\xe5\xbc", 1),
            (b"a\xf0\x9f\x98", 1),
            (b"a\xff", 2),
            (b"a\x80", 2),
        ];
        for (bytes, whole) in ways {
            assert_eq!(whole_characters(bytes), whole, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_its_lines_are_the_same(
            stream in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..64),
            size in 1..9usize,
        ) {
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            prop_assert_eq!(lines_of(&pieces), lines_of(&[&stream]));
        }
    }
}
