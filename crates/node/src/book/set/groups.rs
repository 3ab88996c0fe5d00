//! Where the groups of an expression come from.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Knows the groups that an expression may name.
pub trait Groups {
    /// The expression that a group, named without its `@`, stands for. It may name groups; where it is blank, the group
    /// is empty.
    fn expression(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The names of all groups, to find the one that was meant.
    fn names(&self) -> Vec<&str>;
}

/// No groups.
impl Groups for () {
    fn expression(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// From name to expression.
impl Groups for BTreeMap<String, String> {
    fn expression(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(|expression| expression.as_str().into())
    }

    fn names(&self) -> Vec<&str> {
        self.keys().map(String::as_str).collect()
    }
}
