//! A set as few texts with ranges.

use std::fmt;

use super::grid::Grid;
use crate::book::pattern::Run;

/// Rows of numbers that are a product: any of the first numbers, then any of the second, and so on.
pub(super) type Block = Vec<Vec<Run>>;

/// The rows of a grid as blocks that do not overlap, and few of them; the fewest would take too long to find.
pub(super) fn blocks(grid: &Grid) -> Vec<Block> {
    let mut blocks = from_front(grid);
    // What can be one block is one by now. Of more, there are often fewer when one begins at the other end.
    if blocks.len() > 2
        && let Some(grid) = Grid::union(turned(&blocks).into_iter().map(Grid::product).collect())
    {
        let from_back = turned(&from_front(&grid));
        if from_back.len() < blocks.len() {
            blocks = from_back;
        }
    }
    blocks.sort_unstable();
    blocks
}

/// Joins what has the same last numbers, then what has the same numbers before it, and so on.
fn from_front(grid: &Grid) -> Vec<Block> {
    let mut blocks = Vec::new();
    cut(grid, &mut Vec::new(), &mut blocks);
    let axes = blocks.first().map_or(0, Vec::len);
    loop {
        let before = blocks.len();
        for axis in (0..axes).rev() {
            blocks = joined(blocks, axis);
        }
        if blocks.len() == before {
            return blocks;
        }
    }
}

/// The same blocks, with the last numbers first.
fn turned(blocks: &[Block]) -> Vec<Block> {
    blocks.iter().map(|block| block.iter().rev().cloned().collect()).collect()
}

/// A block for each way through a grid, but for the last numbers of its rows, which stay together.
fn cut(grid: &Grid, path: &mut Vec<Run>, blocks: &mut Vec<Block>) {
    if grid.slices.iter().any(|slice| !slice.rest.slices.is_empty()) {
        for slice in &grid.slices {
            path.push(slice.run);
            cut(&slice.rest, path, blocks);
            path.pop();
        }
        return;
    }
    let last: Vec<Run> = grid.slices.iter().map(|slice| slice.run).collect();
    let path = path.iter().map(|run| vec![*run]);
    blocks.push(path.chain((!last.is_empty()).then_some(last)).collect());
}

/// Joins the blocks that differ in nothing but their numbers at this axis.
fn joined(blocks: Vec<Block>, axis: usize) -> Vec<Block> {
    let take_out = |mut block: Block| {
        let runs = block.remove(axis);
        (block, runs)
    };
    let mut apart: Vec<(Block, Vec<Run>)> = blocks.into_iter().map(take_out).collect();
    apart.sort_unstable();
    apart.dedup_by(|(others, runs), (same_others, gathered)| {
        let joins = others == same_others;
        if joins {
            gathered.append(runs);
        }
        joins
    });
    let put_in = |(mut block, runs): (Block, Vec<Run>)| {
        block.insert(axis, Run::joined(runs));
        block
    };
    apart.into_iter().map(put_in).collect()
}

/// Numbers as they are written in a set: `7`, `[01-06,08-40]`. The runs are sorted and do not touch.
pub(super) struct Numbers<'a>(pub(super) &'a [Run]);

impl fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [Run { first, last }] = self.0
            && first == last
        {
            return first.fmt(f);
        }
        let mut ranges: Vec<Run> = Vec::new();
        for run in self.0.iter().flat_map(|run| run.by_width()) {
            match ranges.last_mut() {
                Some(range) if range.counts_on_to(run.first) => range.last = run.last,
                _ => ranges.push(run),
            }
        }
        let mut separator = '[';
        for Run { first, last } in ranges {
            write!(f, "{separator}{first}")?;
            if first != last {
                write!(f, "-{last}")?;
            }
            separator = ',';
        }
        f.write_str("]")
    }
}
