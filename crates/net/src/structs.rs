//! Python's `struct` format strings, read at run time: `!BIH` is a byte, a 32-bit and a 16-bit integer in network
//! order, seven bytes in all.
//!
//! The characters, sizes and alignments are those of <https://docs.python.org/3.11/library/struct.html>; the tests
//! ask python3 itself.
//!
//! ```
//! use net::structs::{StructFormat, Value};
//!
//! let header = StructFormat::parse("!BIH")?;
//! assert_eq!(header.size(), 7);
//! let bytes = header.pack(&[Value::Int(1), Value::Int(5), Value::Int(0)])?;
//! assert_eq!(bytes, [1, 0, 0, 0, 5, 0, 0]);
//! assert_eq!(header.unpack(&bytes)?, [Value::Int(1), Value::Int(5), Value::Int(0)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::alloc::Layout;
use std::ffi::{c_int, c_long, c_longlong, c_short, c_uint, c_ulong, c_ulonglong, c_ushort, c_void};
use std::fmt;

use thiserror::Error;

#[cfg(test)]
mod oracle;
mod value;

pub use value::{PackError, UnpackError, Value};

/// The most bytes a format may describe: far beyond any header or record, and small enough that a mistyped repeat
/// count takes no memory worth the name.
pub const MAX_SIZE: usize = 65_536;

/// A format string, understood: where each field lies, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructFormat {
    text: String,
    native: bool,
    big_endian: bool,
    fields: Vec<Field>,
    size: usize,
}

/// One value's place. Pad bytes (`x`) are no fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The character that made it.
    pub code: char,
    /// What it holds.
    pub kind: Kind,
    /// Bytes before it.
    pub offset: usize,
    /// Bytes it takes.
    pub width: usize,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `c`: one byte, as [`Value::Bytes`] of length 1.
    Char,
    /// `?`: packed as 0 or 1; any byte but 0 is true.
    Bool,
    /// `b h i l q n`: two's complement.
    Signed,
    /// `B H I L Q N`.
    Unsigned,
    /// `P`: an address, unsigned; packing also takes negative ones, as Python does.
    Pointer,
    /// `e f d`: IEEE 754 of 2, 4 and 8 bytes.
    Float,
    /// `s`: as many bytes as its count says; a shorter value is filled with zeros, a longer one cut.
    Bytes,
    /// `p`: a byte that says the length, then that many bytes ("Pascal string"); filled and cut as `s` is.
    Pascal,
}

/// Why a text is not a struct format. The message says how to write it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FormatError {
    /// A character that Python does not know either.
    #[error(
        "'{}' is not a character of struct formats: after one of @ = < > ! there may be x c b B ? h H i I l L q Q n N e f d s p P, each with a count before it",
        code.escape_debug()
    )]
    Character {
        /// The character.
        code: char,
    },
    /// `n`, `N` or `P` with an explicit byte order.
    #[error(
        "'{code}' has a size on this machine only: leave out the byte order '{order}', or write q or Q for 8 bytes"
    )]
    NativeOnly {
        /// The character.
        code: char,
        /// The byte order in front.
        order: char,
    },
    /// A count with nothing to count.
    #[error("the count {count} at the end counts nothing: write a character after it, as in {count}s")]
    CountAlone {
        /// The digits.
        count: String,
    },
    /// More than [`MAX_SIZE`] bytes.
    #[error("the format describes more than {MAX_SIZE} bytes: choose smaller counts")]
    TooLarge,
}

impl StructFormat {
    /// Reads a format string. Python's rules hold: without one of `@ = < > !` in front, sizes, order and alignment
    /// are this machine's; `0l` at the end aligns the end; white space may stand between fields.
    ///
    /// # Errors
    /// On a character Python refuses, and on more than [`MAX_SIZE`] bytes.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let order = text.chars().next().filter(|first| "@=<>!".contains(*first));
        let native = matches!(order, None | Some('@'));
        let big_endian = match order {
            Some('>' | '!') => true,
            Some('<') => false,
            _ => cfg!(target_endian = "big"),
        };
        let mut format = Self { text: text.to_owned(), native, big_endian, fields: Vec::new(), size: 0 };
        let mut rest = skip_spaces(&text[order.map_or(0, char::len_utf8)..]);
        while !rest.is_empty() {
            let after_count = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let count = &rest[..rest.len() - after_count.len()];
            let mut after_code = after_count.chars();
            let code =
                after_code.next().ok_or_else(|| FormatError::CountAlone { count: count.to_owned() })?;
            let count =
                if count.is_empty() { 1 } else { count.parse().map_err(|_| FormatError::TooLarge)? };
            format.push(code, count, order.filter(|_| !native))?;
            rest = skip_spaces(after_code.as_str());
        }
        Ok(format)
    }

    /// Bytes of one packed record, as Python's `calcsize` counts them.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The fields in their order, one for each value.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether the most significant byte comes first.
    #[must_use]
    pub fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// Appends `count` of one character. A count of 0 only aligns.
    fn push(&mut self, code: char, count: usize, order: Option<char>) -> Result<(), FormatError> {
        let (kind, width, alignment) = meaning(code, order)?;
        let start = self.size.next_multiple_of(alignment);
        self.size = count
            .checked_mul(width)
            .and_then(|bytes| bytes.checked_add(start))
            .filter(|size| *size <= MAX_SIZE)
            .ok_or(FormatError::TooLarge)?;
        match kind {
            None => {}
            Some(kind @ (Kind::Bytes | Kind::Pascal)) => {
                self.fields.push(Field { code, kind, offset: start, width: count });
            }
            Some(kind) => self.fields.extend((0..count).map(|nth| Field {
                code,
                kind,
                offset: start + nth * width,
                width,
            })),
        }
        Ok(())
    }
}

impl fmt::Display for StructFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Field {
    /// The smallest and the largest integer the field takes; (0, 0) for what is no integer.
    #[must_use]
    pub fn range(&self) -> (i128, i128) {
        let values = 1_i128 << (8 * self.width.min(8));
        match self.kind {
            Kind::Signed => (-values / 2, values / 2 - 1),
            Kind::Unsigned => (0, values - 1),
            Kind::Pointer => (-values / 2, values - 1),
            Kind::Char | Kind::Bool | Kind::Float | Kind::Bytes | Kind::Pascal => (0, 0),
        }
    }

    /// True for the integers proper, which can say a length.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(self.kind, Kind::Signed | Kind::Unsigned)
    }
}

/// Python's white space is C's `isspace`, which counts the vertical tab; `is_ascii_whitespace` does not.
fn skip_spaces(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r'])
}

/// What a character holds (nothing: pad bytes), and the width and alignment of one of it, in bytes: those of C's
/// type on this machine, or Python's standard width, unaligned, where a byte order asks for that.
fn meaning(code: char, order: Option<char>) -> Result<(Option<Kind>, usize, usize), FormatError> {
    let byte = Layout::new::<u8>();
    let (kind, native, standard) = match code {
        'x' => (None, byte, Some(1)),
        'c' => (Some(Kind::Char), byte, Some(1)),
        'b' => (Some(Kind::Signed), byte, Some(1)),
        'B' => (Some(Kind::Unsigned), byte, Some(1)),
        '?' => (Some(Kind::Bool), byte, Some(1)),
        'h' => (Some(Kind::Signed), Layout::new::<c_short>(), Some(2)),
        'H' => (Some(Kind::Unsigned), Layout::new::<c_ushort>(), Some(2)),
        'i' => (Some(Kind::Signed), Layout::new::<c_int>(), Some(4)),
        'I' => (Some(Kind::Unsigned), Layout::new::<c_uint>(), Some(4)),
        'l' => (Some(Kind::Signed), Layout::new::<c_long>(), Some(4)),
        'L' => (Some(Kind::Unsigned), Layout::new::<c_ulong>(), Some(4)),
        'q' => (Some(Kind::Signed), Layout::new::<c_longlong>(), Some(8)),
        'Q' => (Some(Kind::Unsigned), Layout::new::<c_ulonglong>(), Some(8)),
        'n' => (Some(Kind::Signed), Layout::new::<isize>(), None),
        'N' => (Some(Kind::Unsigned), Layout::new::<usize>(), None),
        'P' => (Some(Kind::Pointer), Layout::new::<*const c_void>(), None),
        'e' => (Some(Kind::Float), Layout::new::<u16>(), Some(2)),
        'f' => (Some(Kind::Float), Layout::new::<f32>(), Some(4)),
        'd' => (Some(Kind::Float), Layout::new::<f64>(), Some(8)),
        's' => (Some(Kind::Bytes), byte, Some(1)),
        'p' => (Some(Kind::Pascal), byte, Some(1)),
        _ => return Err(FormatError::Character { code }),
    };
    match (order, standard) {
        (None, _) => Ok((kind, native.size(), native.align())),
        (Some(_), Some(width)) => Ok((kind, width, 1)),
        (Some(order), None) => Err(FormatError::NativeOnly { code, order }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> StructFormat {
        StructFormat::parse(text).expect(text)
    }

    #[test]
    fn the_fields_say_where_each_value_lies() {
        let place = |field: &Field| (field.code, field.offset, field.width);
        let places = |text| parse(text).fields().iter().map(place).collect::<Vec<_>>();
        assert_eq!(places("!BIH"), [('B', 0, 1), ('I', 1, 4), ('H', 5, 2)]);
        assert_eq!(places("@BIH"), [('B', 0, 1), ('I', 4, 4), ('H', 8, 2)]);
        assert_eq!(places("=2x3s2h"), [('s', 2, 3), ('h', 5, 2), ('h', 7, 2)]);
        assert_eq!(places("<0h"), []);
        assert!(parse("!H").is_big_endian() && !parse("<H").is_big_endian());
    }

    #[test]
    fn a_count_of_zero_aligns_the_end_in_native_mode_only() {
        assert_eq!(parse("b0q").size(), 8);
        assert_eq!(parse("=b0q").size(), 1);
    }

    #[test]
    fn what_is_no_format_is_refused_with_the_reason() {
        let error = |text: &str| StructFormat::parse(text).expect_err(text).to_string();
        assert!(error("!z").starts_with("'z' is not a character"));
        assert!(error("i!").starts_with("'!' is not a character"));
        assert!(error("3 i").starts_with("' ' is not a character"));
        assert!(error("!n").contains("leave out the byte order '!'"));
        assert!(error("=P").contains("leave out the byte order '='"));
        assert!(error("B12").contains("as in 12s"));
    }

    #[test]
    fn an_attackers_count_takes_no_memory() {
        for text in
            ["65537x", "16385i", "65536si", "99999999999999999999i", "9223372036854775807sB", "65535BQ"]
        {
            assert_eq!(StructFormat::parse(text), Err(FormatError::TooLarge), "{text}");
        }
        assert_eq!(parse("65536B").fields().len(), MAX_SIZE);
    }
}
