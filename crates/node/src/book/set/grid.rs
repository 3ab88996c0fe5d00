//! Sets of the numbers that names of one shape have: `rack[1-3]-n[1-16]` is a grid of 3 by 16.

use crate::book::pattern::{Number, Run};

/// A set of rows of numbers, all of one length, which has at least one row.
///
/// The first numbers are cut into runs, each with what may follow, which is a grid again; the grid of rows without
/// numbers has no runs, and one row. Runs are sorted and do not overlap, and where two touch, different things follow
/// them: so two grids are the same set only if they are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grid {
    pub(super) slices: Vec<Slice>,
}

/// A run of numbers, after each of which the same may follow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slice {
    pub(super) run: Run,
    pub(super) rest: Grid,
}

/// Which members of two sets a third one has: those of the first alone, of both, of the second alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keep {
    left: bool,
    both: bool,
    right: bool,
}

impl Keep {
    pub(super) const UNION: Self = Self { left: true, both: true, right: true };
    pub(super) const DIFFERENCE: Self = Self { left: true, both: false, right: false };
    pub(super) const INTERSECTION: Self = Self { left: false, both: true, right: false };
    pub(super) const SYMMETRIC_DIFFERENCE: Self = Self { left: true, both: false, right: true };
}

impl Grid {
    /// Every row whose nth number is one of the nth runs, which may be in any order and overlap.
    pub(super) fn product(axes: Vec<Vec<Run>>) -> Self {
        axes.into_iter().rev().fold(Self::default(), |rest, runs| {
            let slices = Run::joined(runs).into_iter().map(|run| Slice { run, rest: rest.clone() });
            Self { slices: slices.collect() }
        })
    }

    /// The rows of all; none if there are none. Neighbours are joined first, for they often make one run; then pairs of
    /// them, and so on, so that each row is gone through a few times only.
    pub(super) fn union(mut grids: Vec<Self>) -> Option<Self> {
        grids.sort_unstable();
        while grids.len() > 1 {
            let pairs = grids.chunks(2);
            grids = pairs.filter_map(|pair| Self::combined(pair.first(), pair.get(1), Keep::UNION)).collect();
        }
        grids.pop()
    }

    pub(super) fn len(&self) -> u64 {
        if self.slices.is_empty() {
            return 1;
        }
        self.slices
            .iter()
            .map(|slice| slice.run.len().saturating_mul(slice.rest.len()))
            .fold(0, u64::saturating_add)
    }

    pub(super) fn contains(&self, row: &[Number]) -> bool {
        let Some((number, rest)) = row.split_first() else {
            return self.slices.is_empty();
        };
        let nth = self.slices.partition_point(|slice| slice.run.last < *number);
        self.slices.get(nth).is_some_and(|slice| slice.run.first <= *number && slice.rest.contains(rest))
    }

    /// The rows of either or both, as `keep` says; none if there are no such rows. Both have rows of one length.
    pub(super) fn combined(left: Option<&Self>, right: Option<&Self>, keep: Keep) -> Option<Self> {
        let (mut left, mut right) = match (left, right) {
            (None, None) => return None,
            (Some(left), None) => return keep.left.then(|| left.clone()),
            (None, Some(right)) => return keep.right.then(|| right.clone()),
            (Some(left), Some(_)) if left.slices.is_empty() => return keep.both.then(|| left.clone()),
            (Some(left), Some(right)) => (left.slices.as_slice(), right.slices.as_slice()),
        };
        let mut grid = Self::default();
        let mut from = Number::default();
        loop {
            let ahead = [left.first(), right.first()];
            let slices = || ahead.into_iter().flatten();
            let Some(first) = slices().map(|slice| slice.run.first.max(from)).min() else { break };
            // Up to here neither side changes.
            let edge = |Run { first: start, last }| if start <= first { last } else { start.before() };
            let Some(last) = slices().map(|slice| edge(slice.run)).min() else { break };
            let [in_left, in_right] =
                ahead.map(|slice| slice.filter(|slice| slice.run.first <= first).map(|slice| &slice.rest));
            if let Some(rest) = Self::combined(in_left, in_right, keep) {
                grid.push(Run { first, last }, rest);
            }
            for side in [&mut left, &mut right] {
                if let [slice, later @ ..] = *side
                    && slice.run.last == last
                {
                    *side = later;
                }
            }
            from = last.plus(1);
        }
        (!grid.slices.is_empty()).then_some(grid)
    }

    /// Every row, in order.
    pub(super) fn rows(&self) -> Rows<'_> {
        let mut rows = Rows { path: Vec::new() };
        rows.descend(self);
        rows
    }

    /// Adds a run behind the others.
    fn push(&mut self, run: Run, rest: Self) {
        match self.slices.last_mut() {
            Some(last) if last.run.last.plus(1) == run.first && last.rest == rest => last.run.last = run.last,
            _ => self.slices.push(Slice { run, rest }),
        }
    }
}

/// Goes through the rows of a grid.
pub(super) struct Rows<'a> {
    /// For each number of the row where it stands.
    path: Vec<Step<'a>>,
}

struct Step<'a> {
    number: Number,
    slice: &'a Slice,
    later: &'a [Slice],
}

impl<'a> Rows<'a> {
    /// The numbers of the row that was come to.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Number> {
        self.path.iter().map(|step| step.number)
    }

    /// Goes to the next row; false if there is none.
    pub(super) fn advance(&mut self) -> bool {
        while let Some(mut step) = self.path.pop() {
            if step.number < step.slice.run.last {
                step.number = step.number.plus(1);
            } else if let Some((slice, later)) = step.later.split_first() {
                step = Step { number: slice.run.first, slice, later };
            } else {
                continue;
            }
            let rest = &step.slice.rest;
            self.path.push(step);
            self.descend(rest);
            return true;
        }
        false
    }

    /// To the first row of what follows.
    fn descend(&mut self, mut grid: &'a Grid) {
        while let Some((slice, later)) = grid.slices.split_first() {
            self.path.push(Step { number: slice.run.first, slice, later });
            grid = &slice.rest;
        }
    }
}
