//! Sets of names: `n[01-40],-n07`, `@lab&rack[1-3]-n[1-16]`.
//!
//! The language is that of clustershell's `nodeset` (from version 1.9, where n1 and n01 are two names), and the tests
//! ask `nodeset` itself: <https://clustershell.readthedocs.io/en/latest/tools/nodeset.html>.
//!
//! ```
//! use node::book::NameSet;
//!
//! let set = NameSet::parse("n[01-40],anna,-n07", &())?;
//! assert_eq!(set.len(), 40);
//! assert_eq!(set.to_string(), "anna,n[01-06,08-40]");
//! assert_eq!(set.iter().next().as_deref(), Some("anna"));
//! # Ok::<(), node::book::SetError>(())
//! ```

use std::collections::BTreeSet;
use std::collections::btree_map::{self, BTreeMap};
use std::fmt;

mod error;
mod expression;
mod fold;
mod grid;
mod groups;
mod parts;
mod shape;
#[cfg(test)]
mod tests;

pub(crate) use error::Fault;
pub use error::{Problem, SetError};
pub use expression::{MAX_DEPTH, OPERATORS};
pub use groups::Groups;

use fold::Numbers;
use grid::{Grid, Keep, Rows};
use parts::Parts;
use shape::Shape;

/// Names in one set: more than any network this program is for, and few enough that `n[1-999999999]`, a slip of the
/// finger, is an error and not the end of the memory.
pub const MAX_NAMES: usize = 1_000_000;

/// A set of names, kept as the ranges that their numbers make.
///
/// It prints as an expression that [`NameSet::parse`] reads back as the same set; the empty set prints as nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameSet {
    /// For each shape the numbers that its names have.
    families: BTreeMap<Shape, Grid>,
}

impl NameSet {
    /// Reads an expression: names, ranges and `@groups`, joined from left to right by `,` (union), `!` or `,-`
    /// (difference), `&` (intersection) and `^` (symmetric difference). Operators in brackets do not count, and
    /// neither do spaces around names.
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// # use node::book::NameSet;
    /// let groups = BTreeMap::from([("lab".to_owned(), "pc[1-30]".to_owned())]);
    /// let set = NameSet::parse("@lab,pc99!pc[1-10]", &groups)?;
    /// assert_eq!(set.to_string(), "pc[11-30,99]");
    /// # Ok::<(), node::book::SetError>(())
    /// ```
    ///
    /// # Errors
    /// The first mistake, with its place: in the expression, or in that of a group.
    pub fn parse(expression: &str, groups: &dyn Groups) -> Result<Self, SetError> {
        expression::evaluate(expression, groups)
    }

    /// Gathers names, and patterns such as `n[01-40]`. These are no expressions: what joins names in one is refused.
    ///
    /// # Errors
    /// On a text that would not be one name or pattern in an expression, and on more than [`MAX_NAMES`] names.
    pub fn of<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Result<Self, SetError> {
        let mut parts = Parts::default();
        for name in names {
            let name = name.as_ref();
            let added = expression::check_single(name).and_then(|()| parts.add_text(name));
            added.map_err(|fault| fault.within(None, name))?;
        }
        parts.into_set().map_err(|problem| Fault { at: 0, problem }.within(None, ""))
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let names = self.families.values().map(Grid::len).fold(0, u64::saturating_add);
        usize::try_from(names).unwrap_or(usize::MAX)
    }

    /// Whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// Whether this very name is in the set; no case or width is overlooked here.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        let (shape, numbers) = Shape::of_name(name);
        self.families.get(&shape).is_some_and(|grid| grid.contains(&numbers))
    }

    /// Every name once: n2 before n10, and rack1-n2 before rack2-n1. Names of one shape stand together.
    #[must_use]
    pub fn iter(&self) -> Names<'_> {
        Names { families: self.families.iter(), family: None }
    }

    /// The names of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combined(other, Keep::UNION)
    }

    /// The names of this one that are not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.combined(other, Keep::DIFFERENCE)
    }

    /// The names of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combined(other, Keep::INTERSECTION)
    }

    /// The names of either that are not in both.
    #[must_use]
    pub fn symmetric_difference(&self, other: &Self) -> Self {
        self.combined(other, Keep::SYMMETRIC_DIFFERENCE)
    }

    fn combined(&self, other: &Self, keep: Keep) -> Self {
        let shapes: BTreeSet<&Shape> = self.families.keys().chain(other.families.keys()).collect();
        let families = shapes.into_iter().filter_map(|shape| {
            let grid = Grid::combined(self.families.get(shape), other.families.get(shape), keep)?;
            Some((shape.clone(), grid))
        });
        Self { families: families.collect() }
    }
}

/// Folded into as few texts with ranges as is quickly found: `n[01-06,08-40]`.
impl fmt::Display for NameSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (shape, grid) in &self.families {
            for block in fold::blocks(grid) {
                f.write_str(separator)?;
                shape.write(f, block.iter().map(|runs| Numbers(runs)))?;
                separator = ",";
            }
        }
        Ok(())
    }
}

impl<'a> IntoIterator for &'a NameSet {
    type Item = String;
    type IntoIter = Names<'a>;

    fn into_iter(self) -> Names<'a> {
        self.iter()
    }
}

/// The names of a set, in order.
pub struct Names<'a> {
    families: btree_map::Iter<'a, Shape, Grid>,
    /// The shape that was come to, at the row that is next.
    family: Option<(&'a Shape, Rows<'a>)>,
}

impl Iterator for Names<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let (shape, mut rows) = match self.family.take() {
            Some(family) => family,
            None => self.families.next().map(|(shape, grid)| (shape, grid.rows()))?,
        };
        let mut name = String::new();
        shape.write(&mut name, rows.numbers()).ok()?; // a String takes everything
        if rows.advance() {
            self.family = Some((shape, rows));
        }
        Some(name)
    }
}
