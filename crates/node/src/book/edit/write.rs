//! An entry as it is written into the book.

use net::charset::Charset;
use net::frame::Framing;
use toml_edit::{InlineTable, Key, Value};

use crate::book::record::Record;

/// The lines of an entry: key and value, in the order of the documentation.
pub(super) fn lines(record: &Record) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut push = |key, value: Value| lines.push((key, value.to_string()));
    if let Some(chat) = &record.chat {
        let key = chat.key.map(|key| key.to_string().into());
        push("chat", line("at", chat.at.to_string(), [("charset", chat.charset.map(label)), ("key", key)]));
    }
    if let Some(ssh) = &record.ssh {
        let via: Vec<String> = ssh.via.iter().map(ToString::to_string).collect();
        let via = (!via.is_empty()).then(|| via.join(",").into());
        push("ssh", line("at", ssh.at.to_string(), [("charset", ssh.charset.map(label)), ("via", via)]));
    }
    if let Some(socket) = &record.socket {
        let frame = socket.framing.as_ref().map(|framing| framing.to_string().into());
        let length_field = socket.framing.as_ref().and_then(length_field).map(Value::from);
        push(
            "socket",
            line("address", socket.at.to_string(), [("frame", frame), ("length-field", length_field)]),
        );
    }
    if let Some(seat) = &record.seat {
        push("seat", seat.to_string().into());
    }
    if let Some(note) = &record.note {
        push("note", note.into());
    }
    lines
}

/// A text in quotes.
pub(super) fn text(text: &str) -> String {
    Value::from(text).to_string()
}

/// A key, in quotes where TOML wants them.
pub(super) fn key(name: &str) -> String {
    Key::new(name).display_repr().into_owned()
}

/// The address alone, or a table where there is more to say.
fn line(at: &str, address: String, more: [(&str, Option<Value>); 2]) -> Value {
    if more.iter().all(|(_, value)| value.is_none()) {
        return address.into();
    }
    let mut table = InlineTable::new();
    table.insert(at, address.into());
    for (key, value) in more {
        if let Some(value) = value {
            table.insert(key, value);
        }
    }
    table.into()
}

fn label(charset: Charset) -> Value {
    charset.to_string().to_lowercase().into()
}

/// Where a frame has one field only, it need not be said which.
fn length_field(framing: &Framing) -> Option<i64> {
    match framing {
        Framing::Struct(header) if header.format().fields().len() > 1 => {
            i64::try_from(header.length_field()).ok()
        }
        _ => None,
    }
}
