//! What a name is without its numbers: all of `n1`, `n2` and `n[3-40]` have one shape.

use std::fmt::{self, Display, Write};

use crate::book::pattern::{MAX_RANGES, Number, Pattern, Piece, Run, digits_in_front};

/// Stands in a shape where a number was. No name has this character: [`Pattern`] refuses control characters.
const NUMBER: char = '\0';

/// A name without its numbers.
///
/// The first [`MAX_RANGES`] texts of at most [`crate::book::pattern::MAX_DIGITS`] digits are its numbers; what stands
/// in brackets, which is an IPv6 address, is text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shape(String);

impl Shape {
    /// Takes a name apart.
    pub(super) fn of_name(name: &str) -> (Self, Vec<Number>) {
        let (mut shape, mut numbers) = (Self::default(), Vec::new());
        shape.push(name, &mut numbers, |number| number);
        (shape, numbers)
    }

    /// Takes a pattern apart, with the runs that each number may be one of; none if the numbers of its names are not
    /// those of the pattern: where a range stands beside digits, as in `n1[0-9]`, or far behind in a long name.
    pub(super) fn of_pattern(pattern: &Pattern) -> Option<(Self, Vec<Vec<Run>>)> {
        let beside_digits = pattern.pieces().windows(2).any(|pair| match pair {
            [Piece::Text(text), Piece::Range(_)] => text.ends_with(|c: char| c.is_ascii_digit()),
            [Piece::Range(_), Piece::Text(text)] => text.starts_with(|c: char| c.is_ascii_digit()),
            _ => false,
        });
        let (mut shape, mut axes) = (Self::default(), Vec::new());
        for piece in pattern.pieces() {
            match piece {
                Piece::Text(text) => shape.push(text, &mut axes, |number| vec![Run::one(number)]),
                Piece::Range(_) if beside_digits || axes.len() == MAX_RANGES => return None,
                Piece::Range(range) => {
                    shape.0.push(NUMBER);
                    axes.push(range.runs().to_vec());
                }
            }
        }
        Some((shape, axes))
    }

    /// Writes a name, or several: the shape with these in the places of its numbers.
    pub(super) fn write<N: Display>(
        &self,
        out: &mut impl Write,
        numbers: impl Iterator<Item = N>,
    ) -> fmt::Result {
        let mut texts = self.0.split(NUMBER);
        out.write_str(texts.next().unwrap_or_default())?;
        for (number, text) in numbers.zip(texts) {
            write!(out, "{number}{text}")?;
        }
        Ok(())
    }

    /// Adds a text, of whose numbers it gives what `of` makes of them.
    fn push<N>(&mut self, text: &str, numbers: &mut Vec<N>, of: impl Fn(Number) -> N) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let end = match first {
                '[' => rest.find(']').map_or(rest.len(), |close| close + 1),
                '0'..='9' => digits_in_front(rest),
                _ => rest.find(|c: char| c == '[' || c.is_ascii_digit()).unwrap_or(rest.len()),
            };
            let (part, following) = rest.split_at(end);
            match Number::parse(part).filter(|_| numbers.len() < MAX_RANGES) {
                Some(number) => {
                    self.0.push(NUMBER);
                    numbers.push(of(number));
                }
                None => self.0.push_str(part),
            }
            rest = following;
        }
    }
}
