//! `book.toml`: how it is read. `docs/book.md` has every key.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use net::charset::Charset;
use net::frame::Framing;
use net::{Address, HostPort};
use toml_edit::{Document, TomlError};

use super::entry::{
    ChatAddress, ChatLine, Fingerprint, Login, Origin, SocketLine, Source, Sourced, SshLine, Via,
};
use super::name::Name;
use super::pattern::Pattern;
use super::record::{Each, Record};
use super::{Book, Group};

mod check;
mod error;
mod reader;

pub use error::{BookError, MISTAKES_SHOWN, Mistake, Mistakes};

use check::{Mention, check};
pub(super) use reader::key_in;
use reader::{Field, Lines, Reader};

const ENTRY: [&str; 5] = ["chat", "ssh", "socket", "seat", "note"];
const CHAT: [&str; 3] = ["at", "charset", "key"];
const SSH: [&str; 5] = ["at", "user", "port", "charset", "via"];
const SOCKET: [&str; 3] = ["address", "frame", "length-field"];

/// A file that is being read: each entry by itself.
struct Reading {
    reader: Reader,
    path: Arc<Path>,
    records: Vec<Sourced<Record>>,
    groups: Vec<Group>,
    /// Names that have to be in the book.
    mentions: Vec<Mention>,
}

/// Reads the text of a book.
pub(super) fn read(text: &str, path: &Path) -> Result<Book, Mistakes> {
    let (book, mentions) = read_entries(text, path)?;
    let mistakes = check(&book, &mentions);
    if mistakes.is_empty() { Ok(book) } else { Err(Mistakes::new(path.to_owned(), mistakes)) }
}

/// Reads the text of a book, each entry by itself; [`check()`] looks at all of them together.
pub(super) fn read_entries(text: &str, path: &Path) -> Result<(Book, Vec<Mention>), Mistakes> {
    let document = parse(text, path)?;
    let (records, groups, mentions) = (Vec::new(), Vec::new(), Vec::new());
    let mut reading = Reading { reader: Reader::new(text), path: path.into(), records, groups, mentions };
    reading.file(&Field::root(document.as_item()));
    if !reading.reader.mistakes.is_empty() {
        return Err(Mistakes::new(path.to_owned(), reading.reader.mistakes));
    }
    let book = Book { groups: reading.groups, ..Book::default() };
    Ok((book.with(reading.records), reading.mentions))
}

/// Reads the TOML of a book, with the places of everything in it.
pub(super) fn parse<'a>(text: &'a str, path: &Path) -> Result<Document<&'a str>, Mistakes> {
    Document::parse(text).map_err(|error| Mistakes::new(path.to_owned(), vec![syntax(text, &error)]))
}

/// The line of what stands at these bytes, from 1.
pub(super) fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    Lines::of(text.as_bytes()).line(span.map_or(0, |span| span.start))
}

/// The text of a book, if it is one.
pub(super) fn utf8(bytes: Vec<u8>, path: &Path) -> Result<String, Mistakes> {
    String::from_utf8(bytes).map_err(|error| {
        let line = Lines::of(error.as_bytes()).line(error.utf8_error().valid_up_to());
        let message =
            "this is not UTF-8: save the file in UTF-8 (editors on Windows may take another charset)";
        Mistakes::new(
            path.to_owned(),
            vec![Mistake { line, key: String::new(), message: message.to_owned() }],
        )
    })
}

fn syntax(text: &str, error: &TomlError) -> Mistake {
    let shown = error.span().and_then(|span| text.get(span)).filter(|shown| !shown.is_empty());
    let shown = shown.map_or_else(String::new, |shown| format!("{shown}: "));
    let hint = if error.message().contains("expected") {
        " (in TOML, texts stand in quotes, and so do keys with other characters than A-Z a-z 0-9 - _)"
    } else {
        ""
    };
    let message = format!("{shown}{}{hint}", error.message());
    Mistake { line: line_of(text, error.span()), key: String::new(), message }
}

impl Reading {
    fn file(&mut self, root: &Field<'_>) {
        let Some(parts) = self.reader.table(root, "a table", &["entry", "groups"]) else { return };
        let tables = |reader: &mut Reader, part: &str, expected| {
            parts.get(part).and_then(|part| reader.fields(part, expected)).unwrap_or_default()
        };
        for entry in tables(&mut self.reader, "entry", "tables [entry.NAME]") {
            if let Some(record) = self.entry(&entry) {
                let origin = self.origin(&entry);
                self.records.push(Sourced { value: record, origin });
            }
        }
        for group in tables(&mut self.reader, "groups", "a table [groups]") {
            let name = self.reader.done(&group, group.name.parse::<Name>());
            if let (Some(name), Some(members)) = (name, self.reader.text(&group)) {
                let origin = self.origin(&group);
                self.groups.push(Group { name, members: members.to_owned(), origin });
            }
        }
    }

    fn origin(&self, field: &Field<'_>) -> Origin {
        Origin { source: Source::Book, path: Arc::clone(&self.path), line: field.line }
    }

    fn entry(&mut self, entry: &Field<'_>) -> Option<Record> {
        let mut record = self.reader.done(entry, Record::new(entry.name))?;
        let names = record.names().clone();
        let parts = self.reader.table(entry, "a table", &ENTRY)?;
        record.chat = parts.get("chat").and_then(|line| self.chat(line, &names));
        record.ssh = parts.get("ssh").and_then(|line| self.ssh(line, &names));
        record.socket = parts.get("socket").and_then(|line| self.socket(line, &names));
        record.seat = parts.get("seat").and_then(|seat| self.seat(seat, &names));
        record.note = parts.get("note").and_then(|note| self.reader.text(note)).map(str::to_owned);
        Some(record)
    }

    fn chat(&mut self, line: &Field<'_>, names: &Pattern) -> Option<ChatLine<Each<ChatAddress>>> {
        if line.is_text() {
            let text = self.reader.text(line)?;
            let at = self.reader.done(line, Each::parse(text, names))?;
            return Some(ChatLine { at, charset: None, key: None });
        }
        let parts = self.reader.table(line, "an address in quotes or a table", &CHAT)?;
        let charset = parts.get("charset").and_then(|charset| self.charset(charset));
        let at = self.needed(line, parts.get("at"), "at = \"HOST\"")?;
        let text = self.reader.text(at)?;
        let at = self.reader.done(at, Each::<ChatAddress>::parse(text, names))?;
        let key = parts.get("key").and_then(|field| {
            let key = self.reader.parsed::<Fingerprint>(field)?;
            if names.len() > 1 {
                let message =
                    format!("one key cannot be that of {}: give each an entry of its own", names.len());
                self.reader.complain(field, message);
            }
            if at.iter().any(|at| matches!(at, ChatAddress::Udp(_))) {
                self.reader.complain(field, "at a plain udp:// address nobody shows a key: leave it out");
            }
            Some(key)
        });
        Some(ChatLine { at, charset, key })
    }

    fn ssh(&mut self, line: &Field<'_>, names: &Pattern) -> Option<SshLine<Each<Login>>> {
        if line.is_text() {
            let text = self.reader.text(line)?;
            let at = self.reader.done(line, Each::parse(text, names))?;
            return Some(SshLine { at, charset: None, via: Vec::new() });
        }
        let parts = self.reader.table(line, "HOST or USER@HOST:PORT in quotes or a table", &SSH)?;
        let charset = parts.get("charset").and_then(|charset| self.charset(charset));
        let via = parts.get("via").and_then(|via| self.via(via)).unwrap_or_default();
        let user = parts.get("user").and_then(|user| self.user(user));
        let port = parts.get("port").and_then(|port| self.reader.number(port, 1, "a port from 1 to 65535"));
        let text = match parts.get("at") {
            Some(at) => self.reader.text(at)?.to_owned(),
            None => names.to_string(),
        };
        let at = Each::<Login>::parse(&text, names);
        let at = self.reader.done(parts.get("at").unwrap_or(line), at)?;
        if let Some(user) = parts.get("user").filter(|_| at.iter().any(|at| at.user.is_some())) {
            self.reader.complain(user, "a user stands in at already: leave one of them out");
        }
        if let Some(port) = parts.get("port").filter(|_| at.iter().any(|at| at.port.is_some())) {
            self.reader.complain(port, "a port stands in at already: leave one of them out");
        }
        let at = at.map(login_text(user, &text, port), |at| Login {
            user: at.user.or_else(|| user.map(str::to_owned)),
            port: at.port.or(port),
            ..at
        });
        Some(SshLine { at, charset, via })
    }

    fn user<'a>(&mut self, field: &Field<'a>) -> Option<&'a str> {
        let user = self.reader.text(field)?;
        self.reader.done(field, Login::check_user(user)).map(|()| user)
    }

    fn via(&mut self, field: &Field<'_>) -> Option<Vec<Via>> {
        let way = self
            .reader
            .text(field)?
            .split(',')
            .map(|via| via.trim().parse())
            .collect::<Result<Vec<Via>, _>>();
        let way = self.reader.done(field, way)?;
        let names = way.iter().filter_map(|via| match via {
            Via::Name(name) => Some(name),
            Via::Login(_) => None,
        });
        self.mentions.extend(names.map(|name| Mention::via(field, name)));
        Some(way)
    }

    fn socket(&mut self, line: &Field<'_>, names: &Pattern) -> Option<SocketLine<Each<Address>>> {
        if line.is_text() {
            return Some(SocketLine { at: self.endpoint(line, names)?, framing: None });
        }
        let parts = self.reader.table(line, "an address in quotes or a table", &SOCKET)?;
        let length_field = parts.get("length-field").and_then(|field| {
            if parts.get("frame").is_none() {
                self.reader
                    .complain(field, "it counts the fields of a frame: write frame too, or leave it out");
            }
            self.reader.number(field, 0, "the place of a field, counted from 0")
        });
        let framing = parts.get("frame").and_then(|frame| {
            let text = self.reader.text(frame)?;
            // The message names the options of the command line; here they are keys.
            let framing =
                Framing::parse(text, length_field).map_err(|error| error.to_string().replace("--", ""));
            self.reader.done(frame, framing)
        });
        let at = self.needed(line, parts.get("address"), "address = \"tcp://HOST:PORT\"")?;
        let at = self.endpoint(at, names)?;
        if let Some(frame) = parts.get("frame").filter(|_| at.iter().any(Address::is_datagram)) {
            self.reader.complain(frame, "a datagram is a message by itself: leave the frame out");
        }
        Some(SocketLine { at, framing })
    }

    /// An address that can be connected to.
    fn endpoint(&mut self, field: &Field<'_>, names: &Pattern) -> Option<Each<Address>> {
        let text = self.reader.text(field)?;
        let at = self.reader.done(field, Each::parse(text, names))?;
        let nowhere = |at: &Address| {
            matches!(at, Address::Tcp(HostPort { port: 0, .. }) | Address::Udp(HostPort { port: 0, .. }))
        };
        if at.iter().any(nowhere) {
            self.reader.complain(field, "0 is not a port to connect to: write a number from 1 to 65535");
        }
        Some(at)
    }

    fn seat(&mut self, field: &Field<'_>, names: &Pattern) -> Option<Each<Name>> {
        let text = self.reader.text(field)?;
        let seats = self.reader.done(field, Each::parse(text, names))?;
        self.mentions.extend(seats.iter().map(|name| Mention::seat(field, name)));
        Some(seats)
    }

    fn charset(&mut self, field: &Field<'_>) -> Option<Charset> {
        let label = self.reader.text(field)?;
        self.reader.done(field, Charset::parse(label))
    }

    fn needed<'f, 'a>(
        &mut self,
        line: &Field<'_>,
        part: Option<&'f Field<'a>>,
        how: &str,
    ) -> Option<&'f Field<'a>> {
        if part.is_none() {
            self.reader.complain(line, format!("{how} is missing"));
        }
        part
    }
}

/// `[user@]at[:port]`.
fn login_text(user: Option<&str>, at: &str, port: Option<u16>) -> String {
    let user = user.map_or_else(String::new, |user| format!("{user}@"));
    match port {
        // Without brackets it would be a part of the address.
        Some(port) if at.contains(':') && !at.starts_with('[') => format!("{user}[{at}]:{port}"),
        Some(port) => format!("{user}{at}:{port}"),
        None => format!("{user}{at}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_in_the_table_of_the_documentation_and_no_other() {
        let documentation = include_str!("../../../../docs/book.md");
        let (_, section) = documentation.split_once("## Every key").unwrap();
        let (section, _) = section.split_once("\n## ").unwrap();
        let documented: Vec<&str> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(key, _)| key)
            .collect();
        let keys = |line: &str, keys: &[&str]| -> Vec<String> {
            [format!("entry.NAME.{line}")]
                .into_iter()
                .chain(keys.iter().map(|key| format!("entry.NAME.{line}.{key}")))
                .collect()
        };
        let lines = [keys("chat", &CHAT), keys("ssh", &SSH), keys("socket", &SOCKET)].concat();
        let others = ["seat", "note"];
        assert_eq!(
            lines.iter().filter(|key| key.matches('.').count() == 2).count() + others.len(),
            ENTRY.len()
        );
        let known = ["entry.NAME".to_owned()].into_iter().chain(lines);
        let known =
            known.chain(others.map(|key| format!("entry.NAME.{key}"))).chain(["groups.NAME".to_owned()]);
        assert_eq!(documented, known.collect::<Vec<_>>());
    }
}
