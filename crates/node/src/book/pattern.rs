//! Names and addresses with ranges in them: `n[01-40]`, `rack[1-3]-n[1-16]`, `10.1.0.[1-40]`.
//!
//! ```
//! use node::book::Pattern;
//!
//! let names = Pattern::parse("n[01-40]")?;
//! let addresses = Pattern::parse("10.1.0.[1-40]")?;
//! let nth = names.index_of("n07").unwrap();
//! assert_eq!(addresses.nth(nth).as_deref(), Some("10.1.0.7"));
//! assert_eq!(names.len(), addresses.len());
//! # Ok::<(), node::book::SetError>(())
//! ```

use std::fmt;
use std::net::Ipv6Addr;

mod number;
mod range;
#[cfg(test)]
mod tests;

pub use number::MAX_DIGITS;
pub(crate) use number::{Number, Run};

use range::Range;

use super::set::{Fault, MAX_NAMES, Problem, SetError};

/// Ranges in one pattern. An IPv4 address with its port has five numbers; a few more do no harm.
pub const MAX_RANGES: usize = 16;

/// A text with ranges of numbers in it, not expanded: `n[01-40,50]` is n01 to n40, then n50.
///
/// In brackets stand numbers, ranges `FIRST-LAST`, and ranges with a step (`0-10/2`), with commas between; each stands
/// for itself, in the order in which it is written. With several ranges the last one varies fastest. Zeros in front
/// count: `[08-12]` has two digits throughout, `[8-12]` none in front, and n8 and n08 are two names. A bracket with a
/// colon in it is no range but an IPv6 address: `[fe80::1%eth0]:22`.
///
/// A text without ranges is a pattern of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    pieces: Vec<Piece>,
}

/// Between two ranges there is a text with more than digits in it: so a name belongs to a pattern in one way only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Range(Range),
}

impl Pattern {
    /// Reads a pattern. Spaces around it, and in its brackets, do not count.
    ///
    /// # Errors
    /// On brackets that hold no range, on a number that stands in a range twice, and on more than [`MAX_NAMES`] texts.
    pub fn parse(text: &str) -> Result<Self, SetError> {
        Self::scan(text, Repeats::Refused).map_err(|fault| fault.within(None, text))
    }

    /// Reads a pattern that stands in a text of which the error has to tell.
    ///
    /// # Errors
    /// As [`Pattern::parse`]; the place is counted from the beginning of `text`.
    pub(crate) fn scan(text: &str, repeats: Repeats) -> Result<Self, Fault> {
        let start = text.len() - text.trim_start().len();
        let text = text.trim();
        let pieces = pieces(text, repeats).map_err(|fault| fault.moved(start))?;
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// How many texts it stands for: at least one, at most [`MAX_NAMES`].
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(count(&self.pieces)).unwrap_or(usize::MAX)
    }

    /// Whether there is a range in it.
    #[must_use]
    pub fn has_range(&self) -> bool {
        self.ranges().next().is_some()
    }

    /// The text at this place, counted from 0.
    #[must_use]
    pub fn nth(&self, index: usize) -> Option<String> {
        if index >= self.len() {
            return None;
        }
        let mut rest = index as u64;
        let mut numbers = Vec::with_capacity(MAX_RANGES);
        for range in self.ranges().rev() {
            numbers.push(range.nth(rest % range.len())?);
            rest /= range.len();
        }
        let mut name = String::with_capacity(self.text.len());
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => name.push_str(text),
                Piece::Range(_) => name.push_str(&numbers.pop()?.to_string()),
            }
        }
        Some(name)
    }

    /// The place of a text, counted from 0; none if it is not one of those that this pattern stands for.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        let (mut index, mut rest) = (0, name);
        for (nth, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Piece::Range(range) => {
                    // Of the digits here, those of the text that follows are not the number's.
                    let after = self.pieces.get(nth + 1).map_or(0, Piece::digits_in_front);
                    let (number, following) =
                        rest.split_at_checked(digits_in_front(rest).checked_sub(after)?)?;
                    index = index * range.len() + range.index_of(Number::parse(number)?)?;
                    rest = following;
                }
            }
        }
        usize::try_from(index).ok().filter(|_| rest.is_empty())
    }

    /// Every text, in order.
    pub fn iter(&self) -> impl Iterator<Item = String> {
        (0..self.len()).filter_map(|index| self.nth(index))
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    fn ranges(&self) -> impl DoubleEndedIterator<Item = &Range> {
        self.pieces.iter().filter_map(Piece::range)
    }
}

/// As it was written.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a number may stand in a range more than once. Where the place of a name counts it may not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    Allowed,
    Refused,
}

impl Piece {
    fn range(&self) -> Option<&Range> {
        match self {
            Self::Range(range) => Some(range),
            Self::Text(_) => None,
        }
    }

    fn digits_in_front(&self) -> usize {
        match self {
            Self::Text(text) => digits_in_front(text),
            Self::Range(_) => 0,
        }
    }
}

/// Cuts a text at its brackets.
fn pieces(text: &str, repeats: Repeats) -> Result<Vec<Piece>, Fault> {
    if text.is_empty() {
        return Err(Fault { at: 0, problem: Problem::Empty });
    }
    if let Some((at, control)) = text.char_indices().find(|(_, c)| c.is_control()) {
        return Err(Fault { at, problem: Problem::Control(control) });
    }
    let (mut pieces, mut plain, mut at) = (Vec::new(), String::new(), 0);
    while let Some(open) = text[at..].find(['[', ']']).map(|found| at + found) {
        plain.push_str(&text[at..open]);
        let inside = inside(text, open)?;
        at = open + inside.len() + 2;
        if inside.contains(':') {
            plain.push_str(&text[open..at]);
            continue;
        }
        let range = Range::parse(inside).map_err(|fault| fault.moved(open + 1))?;
        let fault = |problem| Err(Fault { at: open, problem });
        if repeats == Repeats::Refused
            && let Some(number) = range.repeated()
        {
            return fault(Problem::Repeated(number.to_string()));
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Range(_)))
            && plain.bytes().all(|b| b.is_ascii_digit())
        {
            return fault(Problem::RangesTouch);
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Range(range));
        if pieces.iter().filter_map(Piece::range).count() > MAX_RANGES {
            return fault(Problem::TooManyRanges);
        }
        if count(&pieces) > MAX_NAMES as u64 {
            return fault(Problem::TooManyNames);
        }
    }
    plain.push_str(&text[at..]);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// What stands between the bracket at `open` and the one that closes it.
fn inside(text: &str, open: usize) -> Result<&str, Fault> {
    let fault = |at, problem| Err(Fault { at, problem });
    let Some(rest) = text[open..].strip_prefix('[') else {
        return fault(open, Problem::NotOpened);
    };
    let Some(end) = rest.find(['[', ']']) else {
        return fault(open, Problem::NotClosed);
    };
    let inside = &rest[..end];
    if rest[end..].starts_with('[') {
        return fault(open + 1 + end, Problem::Nested);
    }
    if inside.contains(':') && !is_ipv6(inside) {
        return fault(open, Problem::NotIpv6(inside.to_owned()));
    }
    Ok(inside)
}

/// With or without a `%zone`.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    address.parse::<Ipv6Addr>().is_ok() && zone != Some("")
}

/// How many texts there are; none of the factors is 0.
fn count(pieces: &[Piece]) -> u64 {
    pieces.iter().filter_map(Piece::range).map(Range::len).fold(1, u64::saturating_mul)
}

/// How many bytes at the beginning are digits.
pub(crate) fn digits_in_front(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}
