//! How a message is marked, for people: the frame's bytes, and what they say.

use crate::frame::{Frame, Framing, Header};
use crate::structs::Value;
use crate::untrusted::Untrusted;

/// Characters of a message, and bytes of a header, that a line of the trace shows.
const SHOWN: usize = 48;

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

/// The beginning of what came from outside, safe to print.
pub(super) fn preview(bytes: &[u8]) -> String {
    Untrusted::from(bytes).preview(SHOWN).to_string()
}

fn hex(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > SHOWN { " ..." } else { "" };
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
            ("netstring", b"5:hello,", "length 5: in front, a comma behind"),
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
                "header 01 1b 58 3f 00 00 00 00 01, '!?2sfH' is true, \\x1bX, 0.5, 1 (field 3 is the length)"
            )
        );
    }

    #[test]
    fn a_line_of_the_trace_stays_short_and_harmless_whatever_was_sent() {
        assert_eq!(preview(b"\x1b[2J\xff"), r"\x1b[2J\xff");
        assert!(preview(&[0; 100_000]).ends_with("… (100000 bytes)") && preview(&[0; 100_000]).len() < 100);
        let header = Framing::parse("!I60000x200B", Some(0)).unwrap();
        assert!(marked(header, &[0; 60_204]).unwrap().len() < 300);
    }
}
