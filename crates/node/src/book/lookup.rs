//! Finding a name: as it is spelt, or else without regard to case and width.

use std::collections::HashMap;

use net::Untrusted;
use thiserror::Error;

use super::Book;
use super::entry::{Entry, Sourced};
use super::name::{Name, fold};
use super::nearest::{DidYouMean, distance, first, one_of};
use super::pattern::Pattern;
use super::record::Record;

/// Why a name leads to no entry.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LookUpError {
    /// Nobody has it.
    #[error("'{}' is not in the book{}", Untrusted::from(name.as_str()), DidYouMean(near))]
    Unknown {
        /// What was looked up.
        name: String,
        /// The names and ranges it resembles, the nearest first.
        near: Vec<String>,
    },
    /// Without regard to case and width it is the name of several, and as it is spelt that of none.
    #[error("'{name}' may be {}: spell it as it stands in the book", one_of(names))]
    Ambiguous {
        /// What was looked up.
        name: String,
        /// The names it may be.
        names: Vec<Name>,
    },
}

/// Where the names of a book are: single ones by their folded form, and ranges folded, but not expanded.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    single: HashMap<String, Vec<usize>>,
    ranges: Vec<(Pattern, usize)>,
}

/// A record that has a name, and its place in there.
struct Match {
    record: usize,
    index: usize,
    name: Name,
}

impl Index {
    /// Takes in the names of the record at this place.
    pub(super) fn add(&mut self, names: &Pattern, record: usize) {
        let folded = fold(&names.to_string());
        if names.has_range() {
            // Two ranges may touch once they are folded; then they are found as they are spelt.
            self.ranges.push((Pattern::parse(&folded).unwrap_or_else(|_| names.clone()), record));
        } else {
            self.single.entry(folded).or_default().push(record);
        }
    }

    /// The records that are written for this name or range, whatever its case and width.
    fn written(&self, names: &str) -> impl Iterator<Item = usize> {
        let folded = fold(names);
        let ranges =
            self.ranges.iter().filter(|(range, _)| range.to_string() == folded).map(|(_, record)| *record);
        let ranges: Vec<usize> = ranges.collect();
        self.single.get(&folded).into_iter().flatten().copied().chain(ranges)
    }

    fn matches(&self, records: &[Sourced<Record>], name: &str) -> Vec<Match> {
        let folded = fold(name);
        let single = self.single.get(&folded).into_iter().flatten().map(|&record| (record, 0));
        let ranged =
            self.ranges.iter().filter_map(|(names, record)| Some((*record, names.index_of(&folded)?)));
        let found = single.chain(ranged);
        found
            .filter_map(|(record, index)| {
                Some(Match { record, index, name: records[record].value.name(index)? })
            })
            .collect()
    }
}

impl Book {
    /// What is known of a name. It is found as it is spelt, or else, where only one can be meant, without regard to
    /// case and width.
    ///
    /// # Errors
    /// When it is not in the book, or may be one of several.
    pub fn look_up(&self, name: &str) -> Result<Entry, LookUpError> {
        self.find(name)?.ok_or_else(|| LookUpError::Unknown { name: name.to_owned(), near: self.near(name) })
    }

    /// As [`Book::look_up`], for names that need no entry: those of the DNS.
    ///
    /// # Errors
    /// When it may be one of several.
    pub fn find(&self, name: &str) -> Result<Option<Entry>, LookUpError> {
        let mut found = self.index.matches(&self.records, name);
        if found.iter().any(|one| one.name.as_str() == name) {
            found.retain(|one| one.name.as_str() == name);
        }
        let mut names: Vec<Name> = found.iter().map(|one| one.name.clone()).collect();
        names.sort();
        names.dedup();
        match names.pop() {
            None => Ok(None),
            Some(only) if names.is_empty() => Ok(Some(self.gathered(only, found))),
            Some(last) => {
                names.push(last);
                Err(LookUpError::Ambiguous { name: name.to_owned(), names })
            }
        }
    }

    /// Whether a name, as it is spelt, is in the book.
    pub(super) fn has(&self, name: &str) -> bool {
        self.index.matches(&self.records, name).iter().any(|found| found.name.as_str() == name)
    }

    /// The entries that are written for this name or range, whatever its case and width.
    pub(super) fn named(&self, names: &str) -> impl Iterator<Item = &Record> {
        self.index.written(names).map(|record| &self.records[record].value)
    }

    /// The range in which a name lies, and how it is spelt there.
    pub(super) fn range_of(&self, name: &str) -> Option<(Name, &Sourced<Record>)> {
        let found = self.index.matches(&self.records, name).into_iter().next()?;
        Some((found.name, &self.records[found.record]))
    }

    /// The names and ranges that a wrong name resembles.
    pub(super) fn near(&self, name: &str) -> Vec<String> {
        let folded = fold(name);
        first(self.records.iter().filter_map(|record| {
            let names = record.value.names();
            let nearest = names.iter().filter_map(|known| distance(&folded, &fold(&known))).min()?;
            Some((nearest, names.to_string()))
        }))
    }

    /// Line by line, what wins: the own book before what other programs keep, there an entry before the range it lies
    /// in, then what was read first.
    fn gathered(&self, name: Name, mut found: Vec<Match>) -> Entry {
        found.sort_by_key(|one| {
            let record = &self.records[one.record];
            (record.origin.source, record.value.names().has_range(), one.record)
        });
        let mut entry = Entry::new(name);
        for one in found {
            entry.complete(&self.records[one.record], one.index);
        }
        entry
    }
}
