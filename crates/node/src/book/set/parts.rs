//! Many names made a set: in one go, for adding each to a large set on its own takes long.

use std::collections::HashMap;

use super::grid::{Grid, Keep};
use super::shape::Shape;
use super::{Fault, MAX_NAMES, NameSet, Problem};
use crate::book::pattern::{Pattern, Repeats, Run};

/// Parts of a set that have not been joined yet.
#[derive(Default)]
pub(super) struct Parts {
    families: HashMap<Shape, Vec<Grid>>,
    /// How many names these are at most; what stands in several parts counts several times.
    names: u64,
}

impl Parts {
    /// Adds a name or a pattern.
    ///
    /// # Errors
    /// On what is neither, and if there are more than [`MAX_NAMES`] names now.
    pub(super) fn add_text(&mut self, text: &str) -> Result<(), Fault> {
        let pattern = Pattern::scan(text, Repeats::Allowed)?;
        let added = match Shape::of_pattern(&pattern) {
            Some((shape, axes)) => self.add(shape, Grid::product(axes)),
            None => pattern.iter().try_for_each(|name| {
                let (shape, numbers) = Shape::of_name(&name);
                self.add(
                    shape,
                    Grid::product(numbers.into_iter().map(|number| vec![Run::one(number)]).collect()),
                )
            }),
        };
        added.map_err(|problem| Fault { at: 0, problem })
    }

    /// Adds a set.
    ///
    /// # Errors
    /// If there are more than [`MAX_NAMES`] names now.
    pub(super) fn add_set(&mut self, set: NameSet) -> Result<(), Problem> {
        set.families.into_iter().try_for_each(|(shape, grid)| self.add(shape, grid))
    }

    pub(super) fn into_set(self) -> NameSet {
        let families = self.families.into_iter().filter_map(|(shape, grids)| Some((shape, union(grids)?)));
        NameSet { families: families.collect() }
    }

    fn add(&mut self, shape: Shape, grid: Grid) -> Result<(), Problem> {
        self.names = self.names.saturating_add(grid.len());
        self.families.entry(shape).or_default().push(grid);
        if self.names > MAX_NAMES as u64 {
            self.join();
        }
        if self.names > MAX_NAMES as u64 { Err(Problem::TooManyNames) } else { Ok(()) }
    }

    /// Leaves one grid for each shape, which counts each name once.
    fn join(&mut self) {
        for grids in self.families.values_mut() {
            *grids = union(std::mem::take(grids)).into_iter().collect();
        }
        self.names = self.families.values().flatten().map(Grid::len).fold(0, u64::saturating_add);
    }
}

impl From<NameSet> for Parts {
    fn from(set: NameSet) -> Self {
        let names = set.families.values().map(Grid::len).fold(0, u64::saturating_add);
        let families = set.families.into_iter().map(|(shape, grid)| (shape, vec![grid]));
        Self { families: families.collect(), names }
    }
}

/// By pairs, and pairs of pairs, so that no grid is gone through more than a few times.
fn union(mut grids: Vec<Grid>) -> Option<Grid> {
    while grids.len() > 1 {
        let pairs = grids.chunks(2);
        grids = pairs.filter_map(|pair| Grid::combined(pair.first(), pair.get(1), Keep::UNION)).collect();
    }
    grids.pop()
}
