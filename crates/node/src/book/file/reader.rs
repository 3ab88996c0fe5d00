//! TOML with the place of everything in it, so that a wrong value can be shown by its line and key.

use std::fmt::Display;
use std::str::FromStr;

use toml_edit::{Item, Key};

use super::error::Mistake;
use crate::book::nearest::{DidYouMean, nearest, one_of};

/// Reads values and collects what is wrong with them. Reading goes on after a mistake, so that all are found at once.
pub(super) struct Reader {
    lines: Lines,
    pub(super) mistakes: Vec<Mistake>,
}

/// A value of the file, and where it stands.
#[derive(Clone)]
pub(super) struct Field<'a> {
    /// Its key alone.
    pub(super) name: &'a str,
    /// The line of its key, from 1.
    pub(super) line: usize,
    /// Its key as TOML writes it, behind those of the tables it is in.
    pub(super) path: String,
    item: &'a Item,
}

/// What a table has.
pub(super) struct Fields<'a>(Vec<Field<'a>>);

/// Where the lines of a text begin, but for the first.
pub(super) struct Lines(Vec<usize>);

impl Reader {
    pub(super) fn new(text: &str) -> Self {
        Self { lines: Lines::of(text.as_bytes()), mistakes: Vec::new() }
    }

    pub(super) fn complain(&mut self, field: &Field<'_>, message: impl Display) {
        let Field { line, path, .. } = field;
        self.mistakes.push(Mistake { line: *line, key: path.clone(), message: message.to_string() });
    }

    /// The value, or none after a complaint.
    pub(super) fn done<T, E: Display>(&mut self, field: &Field<'_>, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.complain(field, error)).ok()
    }

    /// What is in a table, in whichever way it is written. `expected` says what should stand there.
    pub(super) fn fields<'a>(&mut self, table: &Field<'a>, expected: &str) -> Option<Vec<Field<'a>>> {
        let Some(entries) = table.item.as_table_like() else {
            self.complain(table, format!("expected {expected}, found {}", table.kind()));
            return None;
        };
        let field = |(name, item): (&'a str, &'a Item)| {
            let span = entries.key(name).and_then(Key::span);
            let line = span.map_or(table.line, |span| self.lines.line(span.start));
            Field { name, line, path: key_in(&table.path, name), item }
        };
        Some(entries.iter().map(field).collect())
    }

    /// A table that has no other keys than these; complains about others.
    pub(super) fn table<'a>(
        &mut self,
        table: &Field<'a>,
        expected: &str,
        keys: &[&str],
    ) -> Option<Fields<'a>> {
        let (known, unknown): (Vec<_>, Vec<_>) =
            self.fields(table, expected)?.into_iter().partition(|field| keys.contains(&field.name));
        for field in unknown {
            let near = nearest(field.name, keys.iter().copied());
            self.complain(&field, format!("no such key, expected {}{}", one_of(keys), DidYouMean(&near)));
        }
        Some(Fields(known))
    }

    pub(super) fn text<'a>(&mut self, field: &Field<'a>) -> Option<&'a str> {
        match field.item.as_str() {
            Some("") => self.complain(field, "expected a text, found an empty one: leave the key out"),
            Some(text) => return Some(text),
            None => self.complain(field, format!("expected a text in quotes, found {}", field.kind())),
        }
        None
    }

    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, field: &Field<'_>) -> Option<T> {
        let text = self.text(field)?;
        self.done(field, text.parse())
    }

    /// A number from `least` to the largest of its type; `expected` says so in words.
    pub(super) fn number<T: TryFrom<i64>>(
        &mut self,
        field: &Field<'_>,
        least: i64,
        expected: &str,
    ) -> Option<T> {
        let number = field.item.as_integer();
        let value = number.filter(|number| *number >= least).and_then(|number| T::try_from(number).ok());
        if value.is_none() {
            let found = number.map_or_else(|| field.kind(), |number| number.to_string());
            self.complain(field, format!("expected {expected}, found {found}"));
        }
        value
    }
}

impl<'a> Field<'a> {
    pub(super) fn root(document: &'a Item) -> Self {
        Self { name: "", line: 1, path: String::new(), item: document }
    }

    pub(super) fn is_text(&self) -> bool {
        self.item.is_str()
    }

    /// With its article.
    fn kind(&self) -> String {
        let kind = self.item.type_name();
        let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
        format!("{article} {kind}")
    }
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&Field<'a>> {
        self.0.iter().find(|field| field.name == key)
    }
}

impl Lines {
    pub(super) fn of(text: &[u8]) -> Self {
        Self((1..=text.len()).filter(|&start| text[start - 1] == b'\n').collect())
    }

    /// The line in which the byte at this place stands, from 1.
    pub(super) fn line(&self, place: usize) -> usize {
        1 + self.0.partition_point(|&start| start <= place)
    }
}

/// A key as TOML writes it, behind that of its table.
pub(in crate::book) fn key_in(table: &str, name: &str) -> String {
    let key = Key::new(name);
    let point = if table.is_empty() { "" } else { "." };
    format!("{table}{point}{}", key.display_repr())
}
