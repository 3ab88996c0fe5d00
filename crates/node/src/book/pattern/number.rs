//! Numbers as names have them, where `7` and `07` are two.

use std::fmt;

/// Digits of the longest number in a range: the numbers of up to so many digits, with zeros in front or without, are
/// fewer than 2^64, and serial numbers are seldom longer.
pub const MAX_DIGITS: usize = 18;

/// A text of 1 to [`MAX_DIGITS`] digits, kept as its place in the row of all such texts, shorter ones first: `0` to
/// `9`, then `00` to `99`, then `000`. Within one length, the row is the order of counting. The first of all is `0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(u64);

/// Numbers that stand side by side in the row, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) first: Number,
    pub(crate) last: Number,
}

impl Number {
    /// None if this is no text of 1 to [`MAX_DIGITS`] digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_DIGITS || !is_digits(text) {
            return None;
        }
        Some(Self::of(text.parse().ok()?, u32::try_from(text.len()).ok()?))
    }

    /// The number of this value with this many digits, which have to be enough for it.
    pub(crate) fn of(value: u64, width: u32) -> Self {
        Self(zeros(width) + value)
    }

    /// How many digits there are.
    pub(crate) fn width(self) -> u32 {
        (9 * self.0 + 10).ilog10() // the inverse of `zeros`
    }

    pub(crate) fn value(self) -> u64 {
        self.0 - zeros(self.width())
    }

    /// Whether there is a zero in front.
    pub(crate) fn is_padded(self) -> bool {
        self.width() > digits_of(self.value())
    }

    /// The one so many places further on.
    pub(crate) fn plus(self, places: u64) -> Self {
        Self(self.0 + places)
    }

    /// The one before this; the first of all stays where it is.
    pub(crate) fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How many places there are from one to another further on.
    pub(crate) fn minus(self, before: Self) -> u64 {
        self.0 - before.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:01$}", self.value(), self.width() as usize)
    }
}

impl Run {
    /// A single number.
    pub(crate) fn one(number: Number) -> Self {
        Self { first: number, last: number }
    }

    /// What lies between two numbers when one counts from the first to the last: `8` to `12` is a run of one digit
    /// and a run of two. If either has a zero in front, both have to be of one length.
    pub(crate) fn counted(first: Number, last: Number) -> impl Iterator<Item = Self> {
        (first.width()..=last.width()).map(move |width| Self {
            first: if width == first.width() { first } else { Number::of(10_u64.pow(width - 1), width) },
            last: last.min(Number::of(10_u64.pow(width) - 1, width)),
        })
    }

    /// The same numbers, cut where they become longer.
    pub(crate) fn by_width(self) -> impl Iterator<Item = Self> {
        (self.first.width()..=self.last.width()).map(move |width| Self {
            first: self.first.max(Number::of(0, width)),
            last: self.last.min(Number::of(10_u64.pow(width) - 1, width)),
        })
    }

    /// Whether counting goes on from this run to a longer number, as from `8-9` to `10`, but not from `08-99` to `100`.
    pub(crate) fn counts_on_to(self, number: Number) -> bool {
        !self.first.is_padded() && !number.is_padded() && number.value() == self.last.value() + 1
    }

    /// The same numbers as sorted runs that neither overlap nor touch.
    pub(crate) fn joined(mut runs: Vec<Self>) -> Vec<Self> {
        runs.sort_unstable();
        runs.dedup_by(|run, before| {
            let joins = run.first <= before.last.plus(1);
            if joins {
                before.last = before.last.max(run.last);
            }
            joins
        });
        runs
    }

    /// How many numbers there are.
    pub(crate) fn len(self) -> u64 {
        self.last.minus(self.first) + 1
    }

    pub(crate) fn contains(self, number: Number) -> bool {
        (self.first..=self.last).contains(&number)
    }
}

/// Whether there is nothing but digits, `0` to `9`.
pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits of a value that has no zeros in front.
pub(crate) fn digits_of(value: u64) -> u32 {
    value.checked_ilog10().map_or(1, |tens| tens + 1)
}

/// The place of the first number of a width, which is all zeros: before it stand 10 + 100 + ... shorter ones.
fn zeros(width: u32) -> u64 {
    (10_u64.pow(width) - 10) / 9
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_row_goes_from_short_to_long() {
        let row = ["0", "9", "00", "09", "10", "99", "000", "100", "999999999999999999"];
        let places = row.map(|text| Number::parse(text).unwrap());
        assert!(places.is_sorted());
        assert_eq!(places.map(|number| number.to_string()), row);
        assert_eq!(places[0], Number::default());
    }

    #[test]
    fn what_is_no_number_has_no_place() {
        for text in ["", "+1", "-1", "1 ", "a", "１", "1234567890123456789"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn counting_passes_over_the_numbers_with_zeros_in_front() {
        let run = |first, last| {
            let runs = Run::counted(Number::parse(first).unwrap(), Number::parse(last).unwrap());
            runs.map(|run| format!("{}-{}", run.first, run.last)).collect::<Vec<_>>()
        };
        assert_eq!(run("0", "9"), ["0-9"]);
        assert_eq!(run("8", "120"), ["8-9", "10-99", "100-120"]);
        assert_eq!(run("008", "120"), ["008-120"]);
    }

    proptest! {
        #[test]
        fn a_number_prints_as_it_was_read(text in "[0-9]{1,18}") {
            let number = Number::parse(&text).unwrap();
            prop_assert_eq!(number.to_string(), &text[..]);
            prop_assert_eq!(number.is_padded(), text.len() > 1 && text.starts_with('0'));
        }
    }
}
