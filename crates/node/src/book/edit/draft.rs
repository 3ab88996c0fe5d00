//! A book that is being changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml_edit::{Item, Value};

use super::{EditError, Force, splice, write};
use crate::book::entry::{Origin, Source, Sourced, Via};
use crate::book::file::{self, BookError, key_in, line_of};
use crate::book::lookup::LookUpError;
use crate::book::name::Name;
use crate::book::nearest::nearest;
use crate::book::record::{Each, Record};
use crate::book::set::NameSet;
use crate::book::{Book, Groups as _};

/// A book that is being changed by [`super::edit`].
pub struct Draft {
    path: PathBuf,
    text: String,
    /// What the text says. Whether what relies on other entries finds them is looked at once, at the end.
    book: Book,
}

impl Draft {
    pub(in crate::book) fn new(text: &str, path: &Path) -> Result<Self, EditError> {
        let book = file::read(text, path).map_err(BookError::from)?;
        Ok(Self { path: path.to_owned(), text: text.to_owned(), book })
    }

    /// The text, if it is that of a book.
    pub(in crate::book) fn finish(self) -> Result<String, EditError> {
        file::read(&self.text, &self.path).map_err(EditError::Breaks)?;
        Ok(self.text)
    }

    /// The book as it is so far.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Adds an entry at the end; or, where this name or range has one already, its lines to that.
    ///
    /// # Errors
    /// When the entry has one of these lines already, unless forced: then the new one replaces it.
    pub fn add(&mut self, record: &Record, force: Force) -> Result<(), EditError> {
        let names = record.names().to_string();
        let lines = write::lines(record);
        let Some(known) = self.spelt(&names)? else {
            self.append_entry(record, &lines);
            return Ok(());
        };
        let before = self.text.clone();
        let put = lines.iter().try_for_each(|(key, value)| self.put(&["entry", &known], key, value, force));
        put.inspect_err(|_| self.text = before)?;
        self.reread()
    }

    /// Adds a group.
    ///
    /// # Errors
    /// When there is one of this name already, unless forced: then these are its members.
    pub fn add_group(&mut self, name: &Name, members: &str, force: Force) -> Result<(), EditError> {
        self.put(&["groups"], name.as_str(), &write::text(members), force)?;
        self.reread()
    }

    /// Removes the entry of a name, or of a range as it is written, with the comments in it; those above it stay.
    ///
    /// # Errors
    /// When there is none, when the name is one of a range, and, unless forced, when other entries or groups name it.
    /// Groups may name what is not in the book; seats and ways may not, and keep it from being removed.
    pub fn remove(&mut self, names: &str, force: Force) -> Result<(), EditError> {
        let Some(names) = self.spelt(names)? else {
            let (near, name) = (self.book.near(names), names.to_owned());
            return Err(match self.book.range_of(names) {
                Some((name, range)) => {
                    let line = range.origin.line;
                    EditError::InRange { name, range: range.value.names().to_string(), line }
                }
                None => LookUpError::Unknown { name, near }.into(),
            });
        };
        let by = if force == Force::No { self.mentions_of(&names) } else { Vec::new() };
        if !by.is_empty() {
            return Err(EditError::Mentioned { name: names, by });
        }
        self.cut("entry", &names)
    }

    /// Removes a group; its members stay.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove_group(&mut self, name: &str) -> Result<(), EditError> {
        let Some(group) = self.book.group(name) else {
            let near = nearest(name, self.book.names()).iter().map(|name| format!("@{name}")).collect();
            return Err(EditError::NoGroup { name: name.to_owned(), near });
        };
        let name = group.name.to_string();
        self.cut("groups", &name)
    }

    /// How a name or a range is spelt that is in the book.
    fn spelt(&self, names: &str) -> Result<Option<String>, EditError> {
        let mut known: Vec<String> =
            self.book.named(names).map(|record| record.names().to_string()).collect();
        if known.iter().any(|known| known == names) {
            return Ok(Some(names.to_owned()));
        }
        match known.len() {
            0 | 1 => Ok(known.pop()),
            _ => Err(LookUpError::Ambiguous { name: names.to_owned(), names: known }.into()),
        }
    }

    /// What names these, as far as they would not be in the book any more.
    fn mentions_of(&self, names: &str) -> Vec<String> {
        let gone = NameSet::of([names]).unwrap_or_default();
        let others = self.book.records.iter().filter(|record| record.value.names().to_string() != names);
        let left = Book::default().with(others.cloned().collect());
        let is_gone = |name: &str| {
            let found = self.book.find(name).ok().flatten();
            found.is_some_and(|entry| gone.contains(entry.name.as_str()) && !left.has(entry.name.as_str()))
        };
        let mut by = Vec::new();
        for Sourced { value: record, origin } in left.records() {
            if record.seat.iter().flat_map(Each::iter).any(|seat| is_gone(seat.as_str())) {
                by.push(format!("the seat of {} (line {})", record.names(), origin.line));
            }
            let via = record.ssh.iter().flat_map(|ssh| &ssh.via);
            if via.into_iter().any(|via| matches!(via, Via::Name(name) if is_gone(name.as_str()))) {
                by.push(format!("the way to {} (line {})", record.names(), origin.line));
            }
        }
        for group in self.book.groups() {
            let members = self.book.select(&group.members).unwrap_or_default();
            if members.iter().any(|name| is_gone(&name)) {
                by.push(format!("@{} (line {})", group.name, group.origin.line));
            }
        }
        by
    }

    fn append_entry(&mut self, record: &Record, lines: &[(&str, String)]) {
        let header = format!("[entry.{}]", write::key(&record.names().to_string()));
        let lines = lines.iter().map(|(key, value)| format!("{key} = {value}"));
        let line = splice::append(&mut self.text, std::iter::once(header).chain(lines));
        let origin = Origin { source: Source::Book, path: Arc::from(self.path.as_path()), line };
        self.book = std::mem::take(&mut self.book).with(vec![Sourced { value: record.clone(), origin }]);
    }

    /// Sets a key of a table, which is made at the end if it is missing.
    fn put(&mut self, path: &[&str], key: &str, value: &str, force: Force) -> Result<(), EditError> {
        let document = file::parse(&self.text, &self.path).map_err(BookError::from)?;
        let mut table = Some(document.as_table());
        let mut name = String::new();
        for step in path {
            name = key_in(&name, step);
            table = match table.and_then(|table| table.get(step)) {
                None => None,
                Some(Item::Table(table)) if !table.is_dotted() => Some(table),
                Some(item) => return Err(self.by_hand(name, item)),
            };
        }
        if let Some((known, item)) = table.and_then(|table| table.get_key_value(key)) {
            let what = key_in(&name, key);
            let value_span = item.as_value().and_then(Value::span);
            match (force, value_span) {
                (Force::No, _) => {
                    return Err(EditError::Exists { what, line: line_of(&self.text, known.span()) });
                }
                (Force::Yes, None) => return Err(self.by_hand(what, item)),
                (Force::Yes, Some(span)) => self.text.replace_range(span, value),
            }
            return Ok(());
        }
        let line = format!("{} = {value}", write::key(key));
        match table.and_then(|table| Some(splice::end(table, splice::header(table)?.end))) {
            Some(end) => splice::insert_line(&mut self.text, end, &line),
            None => {
                splice::append(&mut self.text, [format!("[{name}]"), line].into_iter());
            }
        }
        Ok(())
    }

    /// Takes out what a table has for a key.
    fn cut(&mut self, table: &str, key: &str) -> Result<(), EditError> {
        let document = file::parse(&self.text, &self.path).map_err(BookError::from)?;
        let blocks = match document.get(table) {
            Some(Item::Table(table)) => splice::blocks(table, key),
            Some(item) => return Err(self.by_hand(table, item)),
            None => Vec::new(),
        };
        splice::remove_lines(&mut self.text, blocks);
        self.reread()
    }

    fn by_hand(&self, key: impl Into<String>, item: &Item) -> EditError {
        EditError::Form { key: key.into(), line: line_of(&self.text, item.span()) }
    }

    fn reread(&mut self) -> Result<(), EditError> {
        self.book = file::read_entries(&self.text, &self.path).map_err(EditError::Breaks)?.0;
        Ok(())
    }
}
