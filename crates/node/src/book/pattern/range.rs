//! What stands in brackets: `[01-40,50]`, `[0-10/2]`.

use super::number::{Number, Run, digits_of, is_digits};
use crate::book::set::{Fault, MAX_NAMES, Problem};

/// The numbers of one pair of brackets, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    runs: Vec<Run>,
    /// For each run, how many numbers there are up to its end.
    ends: Vec<u64>,
}

impl Range {
    /// Reads what stands between the brackets: `NUMBER`, `FIRST-LAST` and `FIRST-LAST/STEP`, with commas between.
    ///
    /// # Errors
    /// The first part that is none of these, and where it begins; more than [`MAX_NAMES`] numbers.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let mut range = Self { runs: Vec::new(), ends: Vec::new() };
        let mut at = 0;
        for part in text.split(',') {
            let spaces = part.len() - part.trim_start().len();
            range.push(part.trim()).map_err(|problem| Fault { at: at + spaces, problem })?;
            at += part.len() + 1;
        }
        Ok(range)
    }

    /// How many numbers there are, repeated ones counted each time.
    pub(super) fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The numbers as they are written: neither sorted nor, in a set, without repetitions.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    pub(super) fn nth(&self, index: u64) -> Option<Number> {
        let nth = self.ends.partition_point(|end| *end <= index);
        Some(self.runs.get(nth)?.first.plus(index - self.before(nth)))
    }

    pub(super) fn index_of(&self, number: Number) -> Option<u64> {
        let nth = self.runs.iter().position(|run| run.contains(number))?;
        Some(self.before(nth) + number.minus(self.runs[nth].first))
    }

    /// A number that is written more than once.
    pub(super) fn repeated(&self) -> Option<Number> {
        let mut sorted = self.runs.clone();
        sorted.sort_unstable();
        sorted.windows(2).find(|pair| pair[1].first <= pair[0].last).map(|pair| pair[1].first)
    }

    /// How many numbers stand before the nth run.
    fn before(&self, nth: usize) -> u64 {
        nth.checked_sub(1).map_or(0, |previous| self.ends[previous])
    }

    fn push(&mut self, part: &str) -> Result<(), Problem> {
        if part.is_empty() {
            return Err(Problem::EmptyRange);
        }
        let (ends, step) = part.split_once('/').map_or((part, None), |(ends, step)| (ends, Some(step)));
        let (first, last) = ends.split_once('-').unwrap_or((ends, ends));
        let (first, last) = (number(first, part)?, number(last, part)?);
        if first.width() != last.width() && (first.is_padded() || last.is_padded()) {
            return Err(Problem::Padding { first: first.to_string(), last: last.to_string() });
        }
        let Some(distance) = last.value().checked_sub(first.value()) else {
            return Err(Problem::Backwards { first: first.to_string(), last: last.to_string() });
        };
        let step = match step {
            Some(step) if ends.contains('-') => number(step, part)?.value(),
            Some(_) => 0,
            None => 1,
        };
        let steps = distance.checked_div(step).ok_or_else(|| Problem::Step(part.to_owned()))?;
        if steps >= MAX_NAMES as u64 - self.len() {
            return Err(Problem::TooManyNames);
        }
        if step == 1 {
            Run::counted(first, last).for_each(|run| self.append(run));
        } else {
            for value in (0..=steps).map(|nth| first.value() + nth * step) {
                self.append(Run::one(Number::of(value, first.width().max(digits_of(value)))));
            }
        }
        Ok(())
    }

    fn append(&mut self, run: Run) {
        self.ends.push(self.len() + run.len());
        self.runs.push(run);
    }
}

/// Reads a number that stands in a part of a range.
fn number(text: &str, part: &str) -> Result<Number, Problem> {
    let text = text.trim();
    Number::parse(text)
        .ok_or_else(|| if is_digits(text) { Problem::TooLong } else { Problem::NotNumbers(part.to_owned()) })
}
