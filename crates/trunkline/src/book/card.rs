//! What is shown of an entry, whether it is one name or a range as it is written.

use std::fmt::{self, Display};

use net::frame::{Framing, Header};
use node::book::{ChatLine, Entry, Origin, Record, SocketLine, Source, Sourced, SshLine};
use serde::Serialize;

/// An entry as the faces of the book show it. It serialises as one JSON object; what is not known is left out.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Card {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<Chat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh: Option<Ssh>,
    #[serde(skip_serializing_if = "Option::is_none")]
    socket: Option<Socket>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seat: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    /// Where its parts stand, each place once: `PATH:LINE`.
    pub(super) from: Vec<String>,
    /// Whether some of them stand elsewhere than in the book.
    #[serde(skip)]
    pub(super) foreign: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Chat {
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    charset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Ssh {
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    charset: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Socket {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_field: Option<usize>,
}

impl Card {
    /// Of a name that is nowhere, as members of groups may be.
    pub(super) fn unknown(name: String) -> Self {
        Self {
            name,
            chat: None,
            ssh: None,
            socket: None,
            seat: None,
            note: None,
            from: Vec::new(),
            foreign: false,
        }
    }

    /// Whether it is written anywhere.
    pub(super) fn is_known(&self) -> bool {
        !self.from.is_empty()
    }

    /// Each line's word and what it says, for a person.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let shown = [
            ("chat", self.chat.as_ref().map(ToString::to_string)),
            ("ssh", self.ssh.as_ref().map(ToString::to_string)),
            ("socket", self.socket.as_ref().map(ToString::to_string)),
        ];
        shown.into_iter().filter_map(|(line, says)| Some((line, says?))).collect()
    }
}

impl From<&Sourced<Record>> for Card {
    fn from(Sourced { value: record, origin }: &Sourced<Record>) -> Self {
        Self {
            name: record.names().to_string(),
            chat: record.chat.as_ref().map(Chat::from),
            ssh: record.ssh.as_ref().map(Ssh::from),
            socket: record.socket.as_ref().map(Socket::from),
            seat: record.seat.as_ref().map(ToString::to_string),
            note: record.note.clone(),
            from: vec![origin.to_string()],
            foreign: origin.source != Source::Book,
        }
    }
}

impl From<&Entry> for Card {
    fn from(entry: &Entry) -> Self {
        fn place<T>(part: Option<&Sourced<T>>) -> Option<&Origin> {
            part.map(|part| &part.origin)
        }
        let places = [
            place(entry.chat.as_ref()),
            place(entry.ssh.as_ref()),
            place(entry.socket.as_ref()),
            place(entry.seat.as_ref()),
            place(entry.note.as_ref()),
        ];
        let places: Vec<_> = places.into_iter().flatten().collect();
        let mut from: Vec<_> = places.iter().map(ToString::to_string).collect();
        from.dedup();
        Self {
            name: entry.name.to_string(),
            chat: entry.chat.as_ref().map(|line| Chat::from(&line.value)),
            ssh: entry.ssh.as_ref().map(|line| Ssh::from(&line.value)),
            socket: entry.socket.as_ref().map(|line| Socket::from(&line.value)),
            seat: entry.seat.as_ref().map(|seat| seat.value.to_string()),
            note: entry.note.as_ref().map(|note| note.value.clone()),
            from,
            foreign: places.iter().any(|place| place.source != Source::Book),
        }
    }
}

impl<At: Display> From<&ChatLine<At>> for Chat {
    fn from(line: &ChatLine<At>) -> Self {
        Self {
            at: line.at.to_string(),
            charset: line.charset.map(|charset| charset.to_string()),
            key: line.key.map(|key| key.to_string()),
        }
    }
}

impl<At: Display> From<&SshLine<At>> for Ssh {
    fn from(line: &SshLine<At>) -> Self {
        Self {
            at: line.at.to_string(),
            charset: line.charset.map(|charset| charset.to_string()),
            via: line.via.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<At: Display> From<&SocketLine<At>> for Socket {
    fn from(line: &SocketLine<At>) -> Self {
        let header = line.framing.as_ref().and_then(several_fields);
        Self {
            address: line.at.to_string(),
            frame: line.framing.as_ref().map(ToString::to_string),
            length_field: header.map(Header::length_field),
        }
    }
}

/// The header of a frame in which the length has to be chosen.
fn several_fields(framing: &Framing) -> Option<&Header> {
    match framing {
        Framing::Struct(header) if header.format().fields().len() > 1 => Some(header),
        _ => None,
    }
}

impl Display for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.at)?;
        optional(f, "charset", self.charset.as_deref())?;
        optional(f, "key", self.key.as_deref())
    }
}

impl Display for Ssh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.at)?;
        let via = self.via.join(", ");
        optional(f, "via", Some(via.as_str()).filter(|via| !via.is_empty()))?;
        optional(f, "charset", self.charset.as_deref())
    }
}

impl Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        optional(f, "frame", self.frame.as_deref())?;
        optional(f, "length-field", self.length_field.map(|field| field.to_string()).as_deref())
    }
}

fn optional(f: &mut fmt::Formatter<'_>, word: &str, value: Option<&str>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {word} {value}"))
}

/// What is shown of a group.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct GroupCard {
    pub(super) group: String,
    /// As it is written.
    pub(super) written: String,
    /// Its members, folded.
    pub(super) members: String,
    pub(super) count: usize,
    pub(super) from: String,
}
