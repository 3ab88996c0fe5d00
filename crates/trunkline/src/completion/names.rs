//! Names as completions: what `clap` cannot know, because it stands in the book.

use std::ffi::OsStr;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};
use node::book::{Book, Record};

use crate::book::own_book;

/// Names and groups, where a set of them may stand: the part after the last operator is completed.
pub(crate) fn targets() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        current.to_str().map_or_else(Vec::new, |current| set(current, "", |_| true))
    })
}

/// Likewise, or a word that has a meaning there.
pub(crate) fn targets_or(word: &'static str) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let Some(current) = current.to_str() else { return Vec::new() };
        let word = offer("", current, std::iter::once(word.to_owned()));
        word.into_iter().chain(set(current, "", |_| true)).collect()
    })
}

/// Files here, or machines with the colon behind which their files stand.
pub(crate) fn files_here_or_there() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let machines = current.to_str().filter(|current| !current.contains([':', '/']));
        let machines = machines.map_or_else(Vec::new, |current| set(current, ":", |of| of.ssh.is_some()));
        machines.into_iter().chain(PathCompleter::any().complete(current)).collect()
    })
}

/// What may go on with a set, with something behind each.
fn set(current: &str, behind: &str, wanted: impl Fn(&Record) -> bool) -> Vec<CompletionCandidate> {
    let start = current.rfind([',', '!', '&', '^']).map_or(0, |operator| operator + 1);
    let start = start + usize::from(start > 0 && current[start..].starts_with('-'));
    let (before, begun) = current.split_at(start);
    let book = book();
    let groups = book.groups().iter().map(|group| format!("@{}", group.name));
    let words = names(&book, wanted).into_iter().chain(groups);
    offer(before, begun, words.map(|word| word + behind))
}

/// Names that can be connected to.
pub(crate) fn endpoints() -> ArgValueCompleter {
    one(|book| names(book, |record| record.socket.is_some()))
}

/// Names of machines.
pub(crate) fn machines() -> ArgValueCompleter {
    one(|book| names(book, |record| record.ssh.is_some()))
}

/// Names of groups, without their `@`.
pub(crate) fn groups() -> ArgValueCompleter {
    one(|book| book.groups().iter().map(|group| group.name.to_string()).collect())
}

/// Entries and groups as they are written.
pub(crate) fn entries() -> ArgValueCompleter {
    one(|book| {
        let entries = book.records().iter().map(|record| record.value.names().to_string());
        entries.chain(book.groups().iter().map(|group| format!("@{}", group.name))).collect()
    })
}

fn one(words: impl Fn(&Book) -> Vec<String> + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        current.to_str().map_or_else(Vec::new, |current| offer("", current, words(&book()).into_iter()))
    })
}

/// A book that cannot be read has no names to offer; whoever uses it is told why.
fn book() -> Book {
    own_book().unwrap_or_default()
}

/// The names of entries, ranges expanded.
fn names(book: &Book, wanted: impl Fn(&Record) -> bool) -> Vec<String> {
    book.names_where(wanted).iter().collect()
}

/// Those words that go on as it was begun.
fn offer(before: &str, begun: &str, words: impl Iterator<Item = String>) -> Vec<CompletionCandidate> {
    let fits = |word: &String| word.starts_with(begun);
    words.filter(fits).map(|word| CompletionCandidate::new(format!("{before}{word}"))).collect()
}
