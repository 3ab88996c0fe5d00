//! Reads expressions.

use std::collections::HashMap;

use super::grid::Keep;
use super::parts::Parts;
use super::{Fault, Groups, NameSet, Problem, SetError};
use crate::book::nearest::nearest;
use crate::book::pattern::{Pattern, Repeats};

/// Groups within groups: nobody nests so deep, and every level takes its share of the stack.
pub const MAX_DEPTH: usize = 32;

/// What joins names in an expression: no name has one of these.
pub const OPERATORS: [char; 4] = [',', '!', '&', '^'];

/// Reads an expression and the groups that it names.
pub(super) fn evaluate(expression: &str, groups: &dyn Groups) -> Result<NameSet, SetError> {
    Evaluation { groups, path: Vec::new(), known: HashMap::new() }.evaluate(expression)
}

/// Whether a text would be one name or pattern in an expression.
pub(super) fn check_single(text: &str) -> Result<(), Fault> {
    if let Some((at, operator)) = next_operator(text) {
        return Err(Fault { at, problem: Problem::Operator(operator) });
    }
    let spaces = text.len() - text.trim_start().len();
    match text[spaces..].chars().next() {
        Some('-') => Err(Fault { at: spaces, problem: Problem::Minus }),
        Some('@') => Err(Fault { at: spaces, problem: Problem::Group }),
        _ => Ok(()),
    }
}

struct Evaluation<'a> {
    groups: &'a dyn Groups,
    /// The groups that are being read, each named in the expression of the one before it.
    path: Vec<String>,
    /// Groups that have been read: however often each is named, it is read once.
    known: HashMap<String, NameSet>,
}

/// What stands between two operators.
struct Item<'a> {
    keep: Keep,
    /// Where it begins in the expression, in bytes.
    at: usize,
    text: &'a str,
}

impl Evaluation<'_> {
    fn evaluate(&mut self, expression: &str) -> Result<NameSet, SetError> {
        let group = self.path.last().cloned();
        let error = |fault: Fault| fault.within(group.as_deref(), expression);
        let mut parts = Parts::default();
        for item in items(expression) {
            if item.keep == Keep::UNION {
                self.add(&item, &mut parts, &error)?;
                continue;
            }
            let mut right = Parts::default();
            self.add(&item, &mut right, &error)?;
            let here = |problem| error(Fault { at: item.at, problem });
            let (left, right) = (parts.into_set().map_err(here)?, right.into_set().map_err(here)?);
            parts = Parts::from(left.combined(&right, item.keep));
        }
        parts.into_set().map_err(|problem| error(Fault { at: expression.len(), problem }))
    }

    /// Adds what an item stands for.
    fn add(
        &mut self,
        item: &Item<'_>,
        parts: &mut Parts,
        error: &dyn Fn(Fault) -> SetError,
    ) -> Result<(), SetError> {
        let text = item.text.trim();
        let at = item.at + item.text.len() - item.text.trim_start().len();
        let here = |problem| error(Fault { at, problem });
        if text.starts_with('-') {
            return Err(here(Problem::Minus));
        }
        let Some(groups) = text.strip_prefix('@') else {
            return parts.add_text(text).map_err(|fault| error(fault.moved(at)));
        };
        let groups = Pattern::scan(groups, Repeats::Allowed).map_err(|fault| error(fault.moved(at + 1)))?;
        groups.iter().try_for_each(|group| parts.add_set(self.group(group, &here)?).map_err(here))
    }

    /// Reads a group, once. What is wrong with its name is an error `here`, where it is named.
    fn group(&mut self, name: String, here: &dyn Fn(Problem) -> SetError) -> Result<NameSet, SetError> {
        if let Some(set) = self.known.get(&name) {
            return Ok(set.clone());
        }
        if let Some(first) = self.path.iter().position(|outer| *outer == name) {
            let mut circle = self.path.split_off(first);
            circle.push(name);
            return Err(here(Problem::Circle(circle)));
        }
        if self.path.len() == MAX_DEPTH {
            return Err(here(Problem::TooDeep));
        }
        let Some(expression) = self.groups.expression(&name) else {
            let near = nearest(&name, self.groups.names()).iter().map(|name| format!("@{name}")).collect();
            return Err(here(Problem::NoGroup { name, near }));
        };
        let mut set = NameSet::default();
        if !expression.trim().is_empty() {
            self.path.push(name.clone());
            set = self.evaluate(&expression)?;
            self.path.pop();
        }
        self.known.insert(name, set.clone());
        Ok(set)
    }
}

/// Cuts an expression at its operators.
fn items(expression: &str) -> Vec<Item<'_>> {
    let (mut items, mut keep, mut at) = (Vec::new(), Keep::UNION, 0);
    loop {
        let rest = &expression[at..];
        let next = next_operator(rest);
        let text = next.map_or(rest, |(end, _)| &rest[..end]);
        let after_comma = !items.is_empty() && keep == Keep::UNION;
        items.push(match text.trim_start().strip_prefix('-') {
            Some(name) if after_comma => {
                Item { keep: Keep::DIFFERENCE, at: at + text.len() - name.len(), text: name }
            }
            _ => Item { keep, at, text },
        });
        let Some((end, operator)) = next else {
            return items;
        };
        at += end + operator.len_utf8();
        keep = match operator {
            '!' => Keep::DIFFERENCE,
            '&' => Keep::INTERSECTION,
            '^' => Keep::SYMMETRIC_DIFFERENCE,
            _ => Keep::UNION,
        };
    }
}

/// The first operator that does not stand in brackets, and where.
fn next_operator(text: &str) -> Option<(usize, char)> {
    let mut in_brackets = false;
    text.char_indices().find(|(_, c)| {
        in_brackets = *c == '[' || (in_brackets && *c != ']');
        !in_brackets && OPERATORS.contains(c)
    })
}
