//! Many names made a set: in one go, for adding each to a large set on its own takes long.

use std::collections::HashMap;

use super::grid::Grid;
use super::shape::Shape;
use super::{Fault, MAX_NAMES, NameSet, Problem};
use crate::book::pattern::{Pattern, Repeats, Run};

/// Parts of a set, most of them not joined yet.
#[derive(Default)]
pub(super) struct Parts {
    families: HashMap<Shape, Vec<Grid>>,
    /// How many names came since the parts were last joined; one that came twice counts twice.
    added: u64,
}

impl From<NameSet> for Parts {
    fn from(set: NameSet) -> Self {
        let families = set.families.into_iter().map(|(shape, grid)| (shape, vec![grid]));
        Self { families: families.collect(), added: 0 }
    }
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

    /// Joins what was added.
    ///
    /// # Errors
    /// If there are more than [`MAX_NAMES`] names.
    pub(super) fn into_set(mut self) -> Result<NameSet, Problem> {
        self.join()?;
        let families = self.families.into_iter();
        let families = families.filter_map(|(shape, mut grids)| Some((shape, grids.pop()?)));
        Ok(NameSet { families: families.collect() })
    }

    fn add(&mut self, shape: Shape, grid: Grid) -> Result<(), Problem> {
        self.added = self.added.saturating_add(grid.len());
        self.families.entry(shape).or_default().push(grid);
        if self.added > MAX_NAMES as u64 { self.join() } else { Ok(()) }
    }

    /// Leaves one grid for each shape, so that each name counts once.
    fn join(&mut self) -> Result<(), Problem> {
        for grids in self.families.values_mut() {
            *grids = Grid::union(std::mem::take(grids)).into_iter().collect();
        }
        self.added = 0;
        let names = self.families.values().flatten().map(Grid::len).fold(0, u64::saturating_add);
        if names > MAX_NAMES as u64 { Err(Problem::TooManyNames) } else { Ok(()) }
    }
}
