//! What can be wrong between entries that are right by themselves.

use super::error::Mistake;
use super::reader::{Field, key_in};
use crate::book::Book;
use crate::book::entry::{Sourced, Via};
use crate::book::name::Name;
use crate::book::record::Record;
use crate::book::set::NameSet;

/// A name that another entry relies on.
pub(in crate::book) struct Mention {
    line: usize,
    key: String,
    name: Name,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Seat,
    Via,
}

impl Mention {
    pub(super) fn seat(field: &Field<'_>, name: &Name) -> Self {
        Self::new(field, name, Role::Seat)
    }

    pub(super) fn via(field: &Field<'_>, name: &Name) -> Self {
        Self::new(field, name, Role::Via)
    }

    fn new(field: &Field<'_>, name: &Name, role: Role) -> Self {
        Self { line: field.line, key: field.path.clone(), name: name.clone(), role }
    }

    /// What is wrong with it.
    fn mistake(&self, book: &Book) -> Option<String> {
        let entry = match (book.look_up(self.name.as_str()), self.role) {
            (Ok(_), Role::Seat) => return None,
            (Ok(entry), Role::Via) => entry,
            (Err(error), Role::Seat) => return Some(error.to_string()),
            (Err(error), Role::Via) => {
                return Some(format!(
                    "{error} (a host that needs no entry is written with its port: {}:22)",
                    self.name
                ));
            }
        };
        let name = entry.name;
        if entry.ssh.is_none() {
            return Some(format!(
                "{name} has no ssh line, so nothing can be reached through it: add ssh = {{}} to it"
            ));
        }
        book.circle(&name).map(|circle| format!("the way goes in a circle: {}", circle.join(" via ")))
    }
}

/// Everything that is wrong between the parts of a book.
pub(in crate::book) fn check(book: &Book, mentions: &[Mention]) -> Vec<Mistake> {
    let mut mistakes = shared_names(book);
    for mention in mentions {
        // Of the seats of a range, the first wrong one tells enough.
        let told = mistakes.last().is_some_and(|last| last.line == mention.line && last.key == mention.key);
        if let Some(message) = mention.mistake(book).filter(|_| !told) {
            mistakes.push(Mistake { line: mention.line, key: mention.key.clone(), message });
        }
    }
    mistakes.extend(book.groups().iter().filter_map(|group| {
        let message = book.select(&group.members).err()?.to_string();
        Some(Mistake { line: group.origin.line, key: key_in("groups", group.name.as_str()), message })
    }));
    mistakes
}

/// Names that lie in two ranges: which of them should win nobody could tell.
fn shared_names(book: &Book) -> Vec<Mistake> {
    let ranges = || book.records().iter().filter(|record| record.value.names().has_range());
    // Comparing each with each takes long, and is needed only if some name is lost in the set of all.
    let all = NameSet::of(ranges().map(|record| record.value.names().to_string()));
    let names: usize = ranges().map(|record| record.value.names().len()).sum();
    if all.is_ok_and(|all| all.len() == names) {
        return Vec::new();
    }
    let mut mistakes = Vec::new();
    let mut before: Vec<(&Sourced<Record>, NameSet)> = Vec::new();
    for record in ranges() {
        let names = record.value.names().to_string();
        let Ok(set) = NameSet::of([&names]) else { continue };
        for (other, others) in &before {
            let shared = set.intersection(others);
            if let Some(name) = shared.iter().next() {
                let (range, line) = (other.value.names(), other.origin.line);
                let message =
                    format!("{name} lies in {range} too (line {line}): a name may lie in one range only");
                mistakes.push(Mistake { line: record.origin.line, key: key_in("entry", &names), message });
                break;
            }
        }
        before.push((record, set));
    }
    mistakes
}

impl Book {
    /// The names on the way to this one, from it back to a name that was there already.
    fn circle(&self, name: &Name) -> Option<Vec<String>> {
        let mut way = vec![name.to_string()];
        loop {
            let entry = self.look_up(way.last()?).ok()?;
            // The first machine of a way is reached by its own way, the others through the one before them.
            let Some(Via::Name(next)) = entry.ssh?.value.via.into_iter().next() else { return None };
            let next = self.look_up(next.as_str()).ok()?.name.to_string();
            let known = way.contains(&next);
            way.push(next);
            if known {
                return Some(way);
            }
        }
    }
}
