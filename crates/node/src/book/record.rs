//! An entry as it is written: of one name, or of a range of names.

use std::fmt;
use std::str::FromStr;

use net::Address;
use thiserror::Error;

use super::entry::{ChatAddress, ChatLine, Entry, Login, Origin, SocketLine, Sourced, SshLine};
use super::name::{NAME_MAX, Name, NameError};
use super::pattern::Pattern;
use super::set::SetError;

/// An entry as it is written. In a range, what has an address has one for all names, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    names: Pattern,
    /// How these people are reached.
    pub chat: Option<ChatLine<Each<ChatAddress>>>,
    /// How these machines are reached.
    pub ssh: Option<SshLine<Each<Login>>>,
    /// How these endpoints are reached.
    pub socket: Option<SocketLine<Each<Address>>>,
    /// The machines these people sit at.
    pub seat: Option<Each<Name>>,
    /// What somebody wrote down about all of them.
    pub note: Option<String>,
}

/// A value for each name of an entry: one for all, or as many as there are names, in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Each<T> {
    written: String,
    first: T,
    /// Empty where the first is for all.
    rest: Vec<T>,
}

/// Why a text is not what the entries of a range are called.
#[derive(Debug, Error)]
pub enum NamesError {
    /// One of them would be no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The range is wrong.
    #[error(transparent)]
    Range(#[from] SetError),
}

/// Why a text has no value for each name.
#[derive(Debug, Error)]
pub enum EachError<E: std::error::Error + 'static> {
    /// The range in it is wrong.
    #[error(transparent)]
    Range(SetError),
    /// Neither one value nor as many as there are names.
    #[error("{text} stands for {values}, and {names} for {count}: write as many, or one for all")]
    Count {
        /// The text.
        text: String,
        /// How many it has.
        values: usize,
        /// The names.
        names: String,
        /// How many they are.
        count: usize,
    },
    /// One of the values is not what it should be.
    #[error(transparent)]
    Value(#[from] E),
}

impl Record {
    /// An entry of this name or range of names, of which nothing is known yet.
    ///
    /// # Errors
    /// When one of them would be no name.
    pub fn new(names: &str) -> Result<Self, NamesError> {
        if names.is_empty() {
            return Err(NameError::Empty.into());
        }
        if names.trim() != names {
            return Err(NameError::Space { name: names.to_owned() }.into());
        }
        // No name is longer than its range is written.
        if names.len() > NAME_MAX {
            return Err(NameError::TooLong { name: names.to_owned(), bytes: names.len() }.into());
        }
        let names = Pattern::parse(names)?;
        // They differ in their digits only: if one is a name, all are.
        names.nth(0).unwrap_or_default().parse::<Name>()?;
        Ok(Self { names, chat: None, ssh: None, socket: None, seat: None, note: None })
    }

    /// The name at this place of the range, from 0.
    pub(super) fn name(&self, index: usize) -> Option<Name> {
        self.names.nth(index)?.parse().ok()
    }

    /// The name, or the range of names.
    #[must_use]
    pub fn names(&self) -> &Pattern {
        &self.names
    }
}

impl<T: FromStr<Err: std::error::Error + 'static>> Each<T> {
    /// Reads a text that may have ranges, such as `10.1.0.[1-40]`.
    ///
    /// # Errors
    /// When a range is wrong, has another number of members than there are names, or a member cannot be read.
    pub fn parse(text: &str, names: &Pattern) -> Result<Self, EachError<T::Err>> {
        let written = text.to_owned();
        if !text.contains('[') {
            return Ok(Self { first: text.parse()?, rest: Vec::new(), written });
        }
        let members = Pattern::parse(text).map_err(EachError::Range)?;
        if members.len() != 1 && members.len() != names.len() {
            let (values, names, count) = (members.len(), names.to_string(), names.len());
            return Err(EachError::Count { text: written, values, names, count });
        }
        let mut rest = members.iter().map(|member| member.parse()).collect::<Result<Vec<T>, _>>()?;
        Ok(Self { first: rest.remove(0), rest, written })
    }
}

impl<T> Each<T> {
    /// The value for the name at this place of the range, from 0.
    #[must_use]
    pub fn nth(&self, index: usize) -> &T {
        index.checked_sub(1).and_then(|index| self.rest.get(index)).unwrap_or(&self.first)
    }

    /// Other values made of these, and how they are written.
    pub(super) fn map<U>(self, written: String, map: impl Fn(T) -> U) -> Each<U> {
        Each { written, first: map(self.first), rest: self.rest.into_iter().map(map).collect() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

/// As it is written, with its ranges.
impl<T> fmt::Display for Each<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Entry {
    pub(super) fn new(name: Name) -> Self {
        Self { name, chat: None, ssh: None, socket: None, seat: None, note: None }
    }

    /// Takes what it has not yet from the record whose name it is at this place.
    pub(super) fn complete(&mut self, Sourced { value: record, origin }: &Sourced<Record>, index: usize) {
        fn fill<T>(part: &mut Option<Sourced<T>>, value: Option<T>, origin: &Origin) {
            if part.is_none() {
                *part = value.map(|value| Sourced { value, origin: origin.clone() });
            }
        }
        fill(&mut self.chat, record.chat.as_ref().map(|line| line.nth(index)), origin);
        fill(&mut self.ssh, record.ssh.as_ref().map(|line| line.nth(index)), origin);
        fill(&mut self.socket, record.socket.as_ref().map(|line| line.nth(index)), origin);
        fill(&mut self.seat, record.seat.as_ref().map(|seat| seat.nth(index).clone()), origin);
        fill(&mut self.note, record.note.clone(), origin);
    }
}

impl ChatLine<Each<ChatAddress>> {
    fn nth(&self, index: usize) -> ChatLine {
        ChatLine { at: self.at.nth(index).clone(), charset: self.charset, key: self.key }
    }
}

impl SshLine<Each<Login>> {
    fn nth(&self, index: usize) -> SshLine {
        SshLine { at: self.at.nth(index).clone(), charset: self.charset, via: self.via.clone() }
    }
}

impl SocketLine<Each<Address>> {
    fn nth(&self, index: usize) -> SocketLine {
        SocketLine { at: self.at.nth(index).clone(), framing: self.framing.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(at: &str, names: &str) -> Result<Vec<String>, String> {
        let names = Pattern::parse(names).unwrap();
        let each = Each::<Address>::parse(at, &names).map_err(|error| error.to_string())?;
        assert_eq!(each.to_string(), at);
        Ok((0..names.len()).map(|nth| each.nth(nth).to_string()).collect())
    }

    #[test]
    fn an_address_is_one_for_all_or_one_for_each() {
        let same = ["tcp://h:80", "tcp://h:80"].map(str::to_owned).to_vec();
        assert_eq!(addresses("h:80", "n[1-2]"), Ok(same));
        let each = ["tcp://10.0.0.9:80", "tcp://10.0.0.10:80"].map(str::to_owned).to_vec();
        assert_eq!(addresses("10.0.0.[9-10]:80", "n[1-2]"), Ok(each));
        let ports = ["tcp://[::1]:8001", "tcp://[::1]:8002"].map(str::to_owned).to_vec();
        assert_eq!(addresses("[::1]:[8001-8002]", "n[1-2]"), Ok(ports), "brackets of IPv6 are no range");
        assert_eq!(addresses("h[3]:80", "n"), Ok(vec!["tcp://h3:80".to_owned()]));
        assert_eq!(
            addresses("h[1-3]:80", "n[1-2]"),
            Err("h[1-3]:80 stands for 3, and n[1-2] for 2: write as many, or one for all".to_owned())
        );
        assert!(addresses("h:[80-81]", "n[1-2]").is_ok());
        assert!(
            addresses("h:[65535-65536]", "n[1-2]").is_err_and(|error| error.contains("65536 is not a port"))
        );
    }

    #[test]
    fn a_record_has_names_and_nothing_else() {
        let error = |names: &str| Record::new(names).expect_err(names).to_string();
        assert_eq!(Record::new("rack[1-3]-n[1-16]").unwrap().names().len(), 48);
        assert!(error(" n1").contains("begins or ends with a space"));
        assert!(error("-n[1-2]").contains("begins with '-'"));
        assert!(error("a:[1-2]").contains("has ':' in it"));
        assert!(error("n[2-1]").contains("runs backwards"));
        assert!(error("").contains("a name is empty"));
        let long = "n".repeat(NAME_MAX);
        assert!(Record::new(&long).is_ok());
        assert!(error(&format!("{long}[1-2]")).contains("at most 255 bytes"));
    }
}
