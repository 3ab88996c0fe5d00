//! Groups of an import, which may name each other across files.

use std::collections::{BTreeMap, HashMap};

use super::gathered::Place;
use super::machines;
use crate::book::note::Notes;
use crate::book::set::OPERATORS;
use crate::book::{Name, NameSet, Pattern};

/// A group that can stand in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedGroup {
    /// Without the `@`.
    pub name: Name,
    /// Its members as a set is written. The groups it names are in the same import.
    pub expression: String,
    /// Its members.
    pub members: NameSet,
}

/// A group as it stands in a file.
#[derive(Debug)]
pub(super) struct Members {
    /// Whose names of groups these are: clustershell has several such sources.
    pub(super) source: Option<String>,
    pub(super) name: String,
    /// A set, in which `@SOURCE:GROUP` may stand too.
    pub(super) expression: String,
    pub(super) place: Place,
}

/// The groups that can stand in the book: in their order, each name once, and all that they name among them.
pub(super) fn resolved(groups: Vec<Members>, notes: &mut Notes) -> Vec<ImportedGroup> {
    let mut named: Vec<(Name, Members)> = Vec::new();
    let mut sources: HashMap<String, Option<String>> = HashMap::new();
    for group in groups {
        match group.name.parse::<Name>() {
            Ok(_) if sources.contains_key(&group.name) => {
                let reason = "there is another group of this name, read before";
                notes.push(group.place.note(&group.name, reason));
            }
            Ok(name) => {
                sources.insert(group.name.clone(), group.source.clone());
                named.push((name, group));
            }
            Err(error) => notes.push(group.place.note(&group.name, error.to_string())),
        }
    }
    let mut expressions: BTreeMap<String, String> = BTreeMap::new();
    for (_, group) in &named {
        match in_the_book(group, &sources) {
            Ok(expression) => drop(expressions.insert(group.name.clone(), expression)),
            Err(reason) => notes.push(group.place.note(&group.name, reason)),
        }
    }
    let resolve = |(name, group): (Name, Members)| {
        let expression = expressions.get(&group.name)?;
        let members = NameSet::parse(&format!("@{name}"), &expressions).map_err(|error| error.to_string());
        match members.and_then(|members| machines::check(&members).map(|()| members)) {
            Ok(members) => {
                // Without groups in it, it is written anew, which folds it.
                let is_plain = !expression.contains('@');
                let expression = if is_plain { members.to_string() } else { expression.clone() };
                Some(ImportedGroup { name, expression, members })
            }
            Err(reason) => {
                notes.push(group.place.note(&group.name, reason));
                None
            }
        }
    };
    named.into_iter().filter_map(resolve).collect()
}

/// The expression of a group, with the groups it names as they are called in the book.
fn in_the_book(group: &Members, sources: &HashMap<String, Option<String>>) -> Result<String, String> {
    let mut expression = String::new();
    let mut rest = group.expression.as_str();
    while let Some((before, after)) = rest.split_once('@') {
        let mut in_brackets = false;
        let ends = |c: char| {
            in_brackets = c == '[' || in_brackets && c != ']';
            !in_brackets && (OPERATORS.contains(&c) || c.is_whitespace())
        };
        let (named, following) = after.split_at(after.find(ends).unwrap_or(after.len()));
        let (source, names) = match named.split_once(':') {
            Some((source, names)) => (Some(source), names),
            None => (group.source.as_deref(), named),
        };
        // Where there is none of this name, it is found out later.
        for name in Pattern::parse(names).iter().flat_map(Pattern::iter) {
            match sources.get(&name) {
                Some(of) if of.as_deref() != source => {
                    return Err(format!("@{named} is not here: @{name} is that of another source"));
                }
                Some(_) => {}
                None => break,
            }
        }
        expression.push_str(before);
        expression.push('@');
        expression.push_str(names);
        rest = following;
    }
    expression.push_str(rest);
    Ok(expression)
}
