//! Finding a name: as it is spelt, or else without regard to case and width.

use std::collections::HashMap;

use net::Untrusted;
use thiserror::Error;

use super::Book;
use super::entry::{Entry, Sourced};
use super::name::{Name, fold};
use super::nearest::{DidYouMean, closest, distance, one_of};
use super::pattern::Pattern;
use super::record::Record;
use super::set::NameSet;

/// Names of a range that a wrong one is compared with: enough to know the range again, and a long one costs no time.
const COMPARED: usize = 1000;

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
    #[error("'{}' may be {}: spell it as it stands in the book", Untrusted::from(name.as_str()), one_of(names))]
    Ambiguous {
        /// What was looked up.
        name: String,
        /// The names it may be, or the ranges.
        names: Vec<String>,
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
    fn written(&self, names: &str) -> Vec<usize> {
        let folded = fold(names);
        let mut found = self.single.get(&folded).cloned().unwrap_or_default();
        found.extend(
            self.ranges.iter().filter(|(range, _)| range.to_string() == folded).map(|(_, record)| record),
        );
        found
    }

    /// The records that have this name, whatever its case and width.
    fn matches(&self, records: &[Sourced<Record>], name: &str) -> Vec<Match> {
        let folded = fold(name);
        let single = self.single.get(&folded).into_iter().flatten().map(|&record| (record, 0));
        let ranged = self.ranges.iter().filter_map(|(names, record)| {
            let index = names.index_of(&folded).or_else(|| names.index_of(name))?;
            Some((*record, index))
        });
        let found = single.chain(ranged).filter_map(|(record, index)| {
            let name = records[record].value.name(index)?;
            Some(Match { record, index, name })
        });
        found.collect()
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
        match names.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(self.gathered(only.clone(), found))),
            several => {
                let names = several.iter().map(Name::to_string).collect();
                Err(LookUpError::Ambiguous { name: name.to_owned(), names })
            }
        }
    }

    /// The names of those entries as they are written, ranges expanded. There are none where they are too many for a set.
    #[must_use]
    pub fn names_where(&self, is_wanted: impl Fn(&Record) -> bool) -> NameSet {
        let wanted = self.records.iter().filter(|record| is_wanted(&record.value));
        NameSet::of(wanted.map(|record| record.value.names().to_string())).unwrap_or_default()
    }

    /// What is known of each of these names; those that are not in the book are left out.
    pub fn entries(&self, names: &NameSet) -> impl Iterator<Item = Entry> {
        names.iter().filter_map(|name| self.find(&name).ok().flatten())
    }

    /// Whether a name, as it is spelt, is in the book.
    pub(super) fn has(&self, name: &str) -> bool {
        self.index.matches(&self.records, name).iter().any(|found| found.name.as_str() == name)
    }

    /// The entries that are written for this name or range, whatever its case and width.
    pub(super) fn named(&self, names: &str) -> impl Iterator<Item = &Record> {
        self.index.written(names).into_iter().map(|record| &self.records[record].value)
    }

    /// The range in which a name lies, and how it is spelt there.
    pub(super) fn range_of(&self, name: &str) -> Option<(Name, &Sourced<Record>)> {
        let found = self.index.matches(&self.records, name).into_iter().next()?;
        Some((found.name, &self.records[found.record]))
    }

    /// The names and ranges that a wrong name resembles, or the group of which the `@` was forgotten.
    pub(crate) fn near(&self, name: &str) -> Vec<String> {
        let folded = fold(name);
        let names = self.records.iter().filter_map(|record| {
            let names = record.value.names();
            let nearest =
                names.iter().take(COMPARED).filter_map(|known| distance(&folded, &fold(&known))).min()?;
            Some((nearest, names.to_string()))
        });
        let group = self.group(name).map(|group| (0, format!("@{}", group.name)));
        closest(names.chain(group))
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::book::entry::{Origin, Source, SshLine};
    use crate::book::record::Each;

    fn book(text: &str) -> Book {
        Book::from_text(text, Path::new("book.toml")).unwrap()
    }

    /// A machine that another program knows.
    fn known(source: Source, name: &str, at: &str) -> Sourced<Record> {
        let mut record = Record::new(name).unwrap();
        let at = Each::parse(at, record.names()).unwrap();
        record.ssh = Some(SshLine { at, charset: None, via: Vec::new() });
        Sourced { value: record, origin: Origin { source, path: Arc::from(Path::new("hosts")), line: 3 } }
    }

    fn error(book: &Book, name: &str) -> String {
        book.look_up(name).unwrap_err().to_string()
    }

    #[test]
    fn the_exact_spelling_wins_and_then_case_and_width_do_not_count() {
        let book = book("[entry.PC1]\n[entry.pc1]\n[entry.'Ｎ[01-40]']\n[entry.'プリンタ']\n");
        let found = |name: &str| book.look_up(name).map(|entry| entry.name.to_string());
        assert_eq!(found("PC1").as_deref(), Ok("PC1"));
        assert_eq!(found("pc1").as_deref(), Ok("pc1"));
        assert_eq!(found("n07").as_deref(), Ok("Ｎ07"));
        assert_eq!(found("Ｎ０７").as_deref(), Ok("Ｎ07"));
        assert_eq!(found("ﾌﾟﾘﾝﾀ").as_deref(), Ok("プリンタ"));
        assert_eq!(error(&book, "Pc1"), "'Pc1' may be PC1 or pc1: spell it as it stands in the book");
    }

    #[test]
    fn a_name_that_is_not_there_is_answered_with_those_it_resembles() {
        let book = book("[entry.printer]\n[entry.'n[01-40]']\n[entry.Gate]\n");
        assert_eq!(error(&book, "prnter"), "'prnter' is not in the book; did you mean printer?");
        assert_eq!(error(&book, "n41"), "'n41' is not in the book; did you mean n[01-40]?");
        assert_eq!(error(&book, "gaet"), "'gaet' is not in the book; did you mean Gate?");
        assert_eq!(error(&book, "张三"), "'张三' is not in the book");
        assert_eq!(error(&book, "a\u{202e}b"), r"'a\u{202e}b' is not in the book");
        assert_eq!(error(&book, ""), "'' is not in the book");
        assert_eq!(book.find("prnter"), Ok(None));
    }

    #[test]
    fn an_entry_of_its_own_wins_over_its_range_line_by_line() {
        let book = book("[entry.'n[1-3]']\nssh = 'ops@10.0.0.[1-3]'\nnote = 'all'\n[entry.n2]\nssh = 'n2'\n");
        let entry = book.look_up("n2").unwrap();
        let (ssh, note) = (entry.ssh.unwrap(), entry.note.unwrap());
        assert_eq!((ssh.value.at.to_string(), ssh.origin.line), ("n2".to_owned(), 4));
        assert_eq!((note.value.as_str(), note.origin.line), ("all", 1));
        assert_eq!(book.look_up("n3").unwrap().ssh.unwrap().value.at.to_string(), "ops@10.0.0.3");
    }

    #[test]
    fn the_book_wins_over_ssh_and_ssh_over_the_hosts_whichever_was_added_first() {
        let book = book("[entry.a]\nsocket = 'a:80'\n[entry.b]\nssh = 'book'\n").with(vec![
            known(Source::Hosts, "a", "hosts"),
            known(Source::SshConfig, "a", "config"),
            known(Source::SshConfig, "a", "later"),
            known(Source::Hosts, "b", "hosts"),
            known(Source::Hosts, "c", "hosts"),
        ]);
        let at = |name: &str| book.look_up(name).unwrap().ssh.unwrap().value.at.host;
        assert_eq!((at("a").as_str(), at("b").as_str(), at("c").as_str()), ("config", "book", "hosts"));
        assert!(book.look_up("a").unwrap().socket.is_some());
        assert_eq!(book.look_up("c").unwrap().ssh.unwrap().origin.to_string(), "hosts:3");
    }

    #[test]
    fn those_who_have_a_line_are_found_one_by_one() {
        let book = book(
            "[entry.'n[1-2]']\nssh = '10.0.0.[1-2]'\n[entry.gate]\nssh = 'gate'\n[entry.desk]\nchat = 'desk'\n",
        );
        let names = book.names_where(|record| record.ssh.is_some());
        assert_eq!(names.to_string(), "gate,n[1-2]");
        let hosts: Vec<_> = book.entries(&names).map(|entry| entry.ssh.unwrap().value.at.host).collect();
        assert_eq!(hosts, ["gate", "10.0.0.1", "10.0.0.2"]);
    }

    #[test]
    fn ranges_that_only_touch_once_their_width_is_ignored_are_found_as_they_are_spelt() {
        let book = book("[entry.'a[1-2]①[1-2]']\n");
        assert_eq!(book.look_up("a1①2").unwrap().name.as_str(), "a1①2");
    }
}
