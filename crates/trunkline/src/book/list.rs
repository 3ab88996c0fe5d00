//! `book list`: the book as a table, as JSON lines, or as names alone.

use node::book::{Book, NameSet, Record, Source, Sourced};

use super::card::Card;
use super::table::table;
use crate::cli::ListFlags;
use crate::failure::{Failure, Outcome, say};
use crate::stdout;

/// Shows what the flags ask for.
pub(super) fn run(flags: &ListFlags, json: bool) -> Outcome {
    let home = super::home()?;
    let with_others = flags.all || flags.targets.is_some();
    let (book, notes) =
        if with_others { super::everything(&home)? } else { (super::own(&home)?, Vec::new()) };
    if flags.all {
        notes.iter().for_each(say);
    }
    let picked = match (&flags.targets, &flags.exclude) {
        (None, None) => None,
        (targets, exclude) => Some(super::select(&book, targets.as_deref(), exclude.as_deref())?),
    };
    if flags.names {
        let names = picked.map_or_else(|| names(&book), Ok)?;
        return stdout::print(names.iter().fold(String::new(), |text, name| text + &name + "\n"));
    }
    let (cards, groups) = match &picked {
        Some(names) => (entries(&book, names)?, Vec::new()),
        None => (records(&book), super::groups(&book)?),
    };
    if json {
        return stdout::print_json(cards.iter()).and_then(|_| stdout::print_json(groups.iter()));
    }
    if cards.is_empty() && groups.is_empty() {
        let path = home.book();
        return stdout::print(format!(
            "The book is empty. Add what you talk to:\n  trunkline book add printer --socket tcp://10.0.0.9:9100\nIt will be written to {}\n",
            path.display()
        ));
    }
    stdout::print(table(&cards, &groups))
}

/// Every entry as it is written, but for those of other programs in whose place the book has another.
fn records(book: &Book) -> Vec<Card> {
    let counts = |record: &&Sourced<Record>| {
        let foreign = record.origin.source != Source::Book;
        let found = foreign.then(|| book.find(&record.value.names().to_string()).ok().flatten()).flatten();
        found.and_then(|entry| entry.ssh).is_none_or(|ssh| ssh.origin == record.origin)
    };
    book.records().iter().filter(counts).map(Card::from).collect()
}

/// Every name of the book.
pub(super) fn names(book: &Book) -> Result<NameSet, Failure> {
    NameSet::of(book.records().iter().map(|record| record.value.names().to_string())).map_err(Failure::usage)
}

/// What is known of each name. A group may have members that the book does not know.
fn entries(book: &Book, names: &NameSet) -> Result<Vec<Card>, Failure> {
    if let (1, Some(name)) = (names.len(), names.iter().next()) {
        return Ok(vec![Card::from(&super::look_up(book, &name)?)]);
    }
    let entry = |name: String| match book.find(&name).map_err(Failure::usage)? {
        Some(entry) => Ok(Card::from(&entry)),
        None => Ok(Card::unknown(name)),
    };
    names.iter().map(entry).collect()
}
