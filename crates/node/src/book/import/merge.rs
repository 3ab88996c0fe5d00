//! An import put into the book.

use super::{Import, Machines, Reach};
use crate::book::{Draft, EditError, Force, Name, NameSet};

/// What became of an import. A machine counts by its ssh line: another line that it has is no matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Machines that the book knows now.
    pub added: NameSet,
    /// Groups that it has now.
    pub added_groups: Vec<Name>,
    /// Machines that it knew already.
    pub known: NameSet,
    /// Groups that it had already, with the same members.
    pub known_groups: Vec<Name>,
    /// What it has in another way, and keeps.
    pub differing: Vec<Difference>,
}

/// Something that the book and a file do not agree about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// A name, or `@` and the name of a group.
    pub what: String,
    /// How the book has it: a login, or the members of the group.
    pub book: String,
    /// How the file has it.
    pub file: String,
}

/// What the book has of some machines.
#[derive(Default)]
struct Found {
    /// Names that are not in the book.
    new: Vec<String>,
    /// Names that are in the book, without an ssh line.
    without_line: Vec<String>,
    known: Vec<String>,
    differing: Vec<Difference>,
}

impl Import {
    /// Adds what the book does not have. What it has stays as it is, so that a second time nothing changes.
    ///
    /// # Errors
    /// When the book refuses a change.
    pub fn merge_into(&self, draft: &mut Draft) -> Result<Merged, EditError> {
        let (mut added, mut known, mut merged) = (Vec::new(), Vec::new(), Merged::default());
        for machines in &self.machines {
            let found = Found::of(machines, draft);
            add(draft, &machines.reach, &found.new)?;
            // Each by itself: a range may lie across another one, which the book does not allow.
            for name in &found.without_line {
                add(draft, &machines.reach, std::slice::from_ref(name))?;
            }
            added.extend(found.new);
            added.extend(found.without_line);
            known.extend(found.known);
            merged.differing.extend(found.differing);
        }
        for group in &self.groups {
            let book = draft.book();
            let Some(theirs) = book.groups().iter().find(|known| known.name == group.name) else {
                draft.add_group(&group.name, &group.expression, Force::No)?;
                merged.added_groups.push(group.name.clone());
                continue;
            };
            if book.select(&theirs.members).is_ok_and(|members| members == group.members) {
                merged.known_groups.push(group.name.clone());
            } else {
                let (book, file) = (theirs.members.clone(), group.expression.clone());
                merged.differing.push(Difference { what: format!("@{}", group.name), book, file });
            }
        }
        // These are names of sets: they make sets again.
        merged.added = NameSet::of(added).unwrap_or_default();
        merged.known = NameSet::of(known).unwrap_or_default();
        Ok(merged)
    }
}

impl Found {
    fn of(machines: &Machines, draft: &Draft) -> Self {
        let mut found = Self::default();
        for name in &machines.names {
            // Where it may be one of several, none is spelt so: it is another name.
            let entry = draft.book().find(&name).ok().flatten();
            match entry.map(|entry| entry.ssh.map(|ssh| ssh.value.at)) {
                None => found.new.push(name),
                Some(None) => found.without_line.push(name),
                Some(Some(login)) if machines.reach.agrees_with(&login) => found.known.push(name),
                Some(Some(login)) => {
                    let file = machines.reach.login(&name).to_string();
                    found.differing.push(Difference { what: name, book: login.to_string(), file });
                }
            }
        }
        found
    }
}

/// Adds an entry for each range that these names make.
fn add(draft: &mut Draft, reach: &Reach, names: &[String]) -> Result<(), EditError> {
    let machines = Machines { names: NameSet::of(names).unwrap_or_default(), reach: reach.clone() };
    machines.records().iter().try_for_each(|record| draft.add(record, Force::No))
}
