//! How a message is marked, for people: the frame's bytes, and what they say.

use std::fmt::Write as _;

use crate::frame::{Frame, Framing, Header};
use crate::structs::Value;

/// Bytes of a message, or of a header, that a line of the trace shows.
const SHOWN_BYTES: usize = 48;

/// Fields of a header that a line of the trace shows.
const SHOWN_FIELDS: usize = 8;

/// The mark of a message, read; none where there is none.
pub(super) fn mark(framing: &Framing, frame: &Frame<'_>) -> Option<String> {
    Some(match framing {
        Framing::Raw => return None,
        Framing::Line | Framing::Nul => match frame.suffix {
            b"\n" => "ends with LF".to_owned(),
            b"\r\n" => "ends with CR LF".to_owned(),
            b"\0" => "ends with a zero byte".to_owned(),
            _ => "ends with the stream, without its mark".to_owned(),
        },
        Framing::Varint => format!("length {}, as a varint {}", hex(frame.prefix), frame.payload.len()),
        Framing::Netstring => format!("length {} in front, a comma behind", preview(frame.prefix)),
        Framing::Struct(header) => format!("header {}, {}", hex(frame.prefix), fields(header, frame.prefix)),
    })
}

/// The beginning of a text from outside, in quotes, with nothing in it that could move a cursor.
pub(super) fn preview(bytes: &[u8]) -> String {
    let mut shown = String::from("\"");
    for chunk in bytes[..bytes.len().min(SHOWN_BYTES)].utf8_chunks() {
        let _ = write!(shown, "{}", chunk.valid().escape_debug());
        let _ = write!(shown, "{}", chunk.invalid().escape_ascii());
    }
    shown.push('"');
    if bytes.len() > SHOWN_BYTES {
        shown.push_str("...");
    }
    shown
}

fn hex(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > SHOWN_BYTES { " ..." } else { "" };
    shown.join(" ") + more
}

/// `'!BIH' is 1, 5, 0 (field 1 is the length)`.
fn fields(header: &Header, bytes: &[u8]) -> String {
    let Ok(values) = header.format().unpack(bytes) else {
        return format!("'{header}'");
    };
    let shown: Vec<String> = values.iter().take(SHOWN_FIELDS).map(value).collect();
    let more = if values.len() > SHOWN_FIELDS { ", ..." } else { "" };
    let which = match values.len() {
        1 => String::new(),
        _ => format!(" (field {} is the length)", header.length_field()),
    };
    format!("'{header}' is {}{more}{which}", shown.join(", "))
}

fn value(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Bytes(value) => preview(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Decoder;

    fn marked(framing: Framing, bytes: &[u8]) -> Option<String> {
        let framing = std::sync::Arc::new(framing);
        let frame = Decoder::new(framing.clone(), 1000).finish(bytes).unwrap().unwrap();
        mark(&framing, &frame)
    }

    #[test]
    fn every_mark_is_shown_as_it_lies_in_the_bytes() {
        for (frame, bytes, shown) in [
            ("!I", b"\0\0\0\x05hello".as_slice(), "header 00 00 00 05, '!I' is 5"),
            ("varint", b"\x05hello", "length 05, as a varint 5"),
            ("netstring", b"5:hello,", "length \"5:\" in front, a comma behind"),
            ("line", b"hello\n", "ends with LF"),
            ("line", b"hello\r\n", "ends with CR LF"),
            ("line", b"hello", "ends with the stream, without its mark"),
            ("nul", b"hello\0", "ends with a zero byte"),
        ] {
            assert_eq!(marked(Framing::parse(frame, None).unwrap(), bytes).as_deref(), Some(shown));
        }
        assert_eq!(marked(Framing::Raw, b"hello"), None);
        assert_eq!(
            marked(Framing::parse("!?2sfH", Some(3)).unwrap(), b"\x01\x1bX\x3f\0\0\0\0\x01y").as_deref(),
            Some(
                "header 01 1b 58 3f 00 00 00 00 01, '!?2sfH' is true, \"\\u{1b}X\", 0.5, 1 (field 3 is the length)"
            )
        );
    }

    #[test]
    fn what_could_move_a_cursor_is_escaped_and_the_rest_is_not() {
        assert_eq!(preview("打印 ok".as_bytes()), "\"打印 ok\"");
        assert_eq!(preview(b"\x1b[2J\r\n\x07"), r#""\u{1b}[2J\r\n\u{7}""#);
        assert_eq!(preview("a\u{202e}b\u{9b}".as_bytes()), r#""a\u{202e}b\u{9b}""#);
        assert_eq!(preview(b"\xff\xe6\x89"), r#""\xff\xe6\x89""#);
        assert_eq!(preview(b""), r#""""#);
    }

    #[test]
    fn a_line_of_the_trace_stays_short_whatever_was_sent() {
        assert!(preview(&[0; 100_000]).ends_with("\"...") && preview(&[0; 100_000]).len() < 200);
        let header = Framing::parse("!I60000x200B", Some(0)).unwrap();
        assert!(marked(header, &[0; 60_204]).unwrap().len() < 300);
    }
}
