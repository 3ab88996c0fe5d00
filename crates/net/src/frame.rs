//! How a byte stream is cut into messages. TCP keeps no boundaries: what was sent as two messages may arrive stuck
//! together or in pieces, so both sides agree on a mark.
//!
//! | `--frame` | the message `hello` on the wire | |
//! |---|---|---|
//! | `raw` | `hello` | nothing is marked: one read is one message |
//! | `line` | `hello\n` | ends with LF; a CR before it belongs to the end |
//! | `nul` | `hello\0` | ends with a zero byte |
//! | `varint` | `\x05hello` | its length in LEB128, as Protocol Buffers' streams have it |
//! | `netstring` | `5:hello,` | <https://cr.yp.to/proto/netstrings.txt> |
//! | `!I` | `\0\0\0\x05hello` | its length in an integer of Python's `struct` |
//! | `!BIH`, field 1 | `\0\0\0\0\x05\0\0hello` | the length in one of several fields |
//!
//! ```
//! # use net::frame::Framing;
//! let on_the_wire = |frame, length_field| {
//!     let mut bytes = Vec::new();
//!     Framing::parse(frame, length_field)?.encode(b"hello", &mut bytes)?;
//!     Ok::<_, Box<dyn std::error::Error>>(bytes)
//! };
//! assert_eq!(on_the_wire("raw", None)?, b"hello");
//! assert_eq!(on_the_wire("line", None)?, b"hello\n");
//! assert_eq!(on_the_wire("nul", None)?, b"hello\0");
//! assert_eq!(on_the_wire("varint", None)?, b"\x05hello");
//! assert_eq!(on_the_wire("netstring", None)?, b"5:hello,");
//! assert_eq!(on_the_wire("!I", None)?, b"\0\0\0\x05hello");
//! assert_eq!(on_the_wire("<H", None)?, b"\x05\0hello");
//! assert_eq!(on_the_wire("!BIH", Some(1))?, b"\0\0\0\0\x05\0\0hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use memchr::memchr;
use strsim::levenshtein;
use thiserror::Error;

use crate::structs::{Field, FormatError, StructFormat};

mod decode;
mod header;

pub use decode::{Decoder, Frame, FrameError};
pub use header::Header;

/// The mark that both sides agree on, as `--frame` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framing {
    /// No mark: what one read brings is one message, and no boundary is promised.
    Raw,
    /// LF ends a message; a CR before it belongs to the end.
    Line,
    /// A zero byte ends a message.
    Nul,
    /// An unsigned LEB128 length in front.
    Varint,
    /// `LENGTH:` in front, `,` behind.
    Netstring,
    /// A header of a struct format in front, one field of which is the length of what follows it.
    Struct(Header),
}

/// Why a text does not name a framing. The message says how to write it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FramingError {
    /// Neither a name nor a struct format.
    #[error(
        "'{}' is no frame: write raw, line, nul, varint, netstring or a struct format such as '!I' ({reason}){}",
        text.escape_debug(),
        DidYouMean(*near)
    )]
    Unknown {
        /// What was given.
        text: String,
        /// Why it is no struct format.
        reason: FormatError,
        /// The name it resembles.
        near: Option<&'static str>,
    },
    /// A struct format none of whose fields can be a length.
    #[error("'{format}' has no integer to hold the length: write one of b B h H i I l L q Q n N, as in '!I'")]
    NoInteger {
        /// The format.
        format: String,
    },
    /// Several fields, and none chosen.
    #[error(
        "'{format}' has {fields} fields: say which one is the length with --length-field, counting from 0{}",
        DidYouMean(*near)
    )]
    LengthFieldNeeded {
        /// The format.
        format: String,
        /// How many fields it has.
        fields: usize,
        /// The name it resembles.
        near: Option<&'static str>,
    },
    /// A field that is not there.
    #[error("--length-field {index}: '{format}' has {fields} fields, and they are counted from 0")]
    NoSuchField {
        /// The format.
        format: String,
        /// The field asked for.
        index: usize,
        /// How many fields there are.
        fields: usize,
    },
    /// A field that is no integer.
    #[error("--length-field {index}: '{code}' is no integer, a length is one of b B h H i I l L q Q n N")]
    NotAnInteger {
        /// The field asked for.
        index: usize,
        /// Its character.
        code: char,
    },
    /// `--length-field` with a frame that has no fields.
    #[error(
        "--length-field chooses a field of a struct format such as '!BIH': leave it out with --frame {name}"
    )]
    NoFields {
        /// The frame's name.
        name: &'static str,
    },
}

/// Why a message cannot be sent in this framing.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EncodeError {
    /// The reader would take it for two.
    #[error(
        "byte {at} of the message is {delimiter}, which ends a message in this frame: send it in parts, or choose a frame with a length, such as '!I'"
    )]
    Delimiter {
        /// Bytes before it.
        at: usize,
        /// What it is.
        delimiter: &'static str,
    },
    /// The reader would take it for a part of the line's end.
    #[error(
        "the message ends with a carriage return, which a line loses: choose a frame with a length, such as '!I'"
    )]
    CarriageReturn,
    /// The length does not fit into the header.
    #[error(
        "'{header}' holds at most {highest}, and the message has {length} bytes: choose a wider integer, such as '!I'"
    )]
    TooLong {
        /// The header's format.
        header: String,
        /// The largest length it can say.
        highest: u64,
        /// Bytes in the message.
        length: usize,
    },
}

impl Framing {
    /// The framings that have names; all others are struct formats. A name wins over the format that is spelt the
    /// same: the format of four native fields `line` is written `@line`.
    pub const NAMED: [(&'static str, Self); 5] = [
        ("raw", Self::Raw),
        ("line", Self::Line),
        ("nul", Self::Nul),
        ("varint", Self::Varint),
        ("netstring", Self::Netstring),
    ];

    /// Reads the value of `--frame` and, for a struct format, of `--length-field`: which field, from 0, counts the
    /// payload bytes after the header. A format of one field needs none.
    ///
    /// # Errors
    /// When the text is neither a name nor a struct format, and when no one integer field is the length.
    pub fn parse(text: &str, length_field: Option<usize>) -> Result<Self, FramingError> {
        if let Some((name, framing)) = Self::NAMED.into_iter().find(|(name, _)| *name == text) {
            return if length_field.is_none() { Ok(framing) } else { Err(FramingError::NoFields { name }) };
        }
        let near = nearest_name(text);
        let format = StructFormat::parse(text).map_err(|reason| FramingError::Unknown {
            text: text.to_owned(),
            reason,
            near,
        })?;
        let fields = format.fields();
        if !fields.iter().any(Field::is_integer) {
            return Err(FramingError::NoInteger { format: text.to_owned() });
        }
        let index = match (length_field, fields) {
            (Some(index), _) => index,
            (None, [_]) => 0,
            (None, _) => {
                return Err(FramingError::LengthFieldNeeded {
                    format: text.to_owned(),
                    fields: fields.len(),
                    near,
                });
            }
        };
        Header::new(format, index).map(Self::Struct)
    }

    /// Bytes in the longest message that can be marked.
    #[must_use]
    pub fn longest(&self) -> usize {
        match self {
            Self::Struct(header) => usize::try_from(header.highest()).unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }

    /// Appends the message with its mark. On an error nothing is appended.
    ///
    /// # Errors
    /// When the reader could not tell where the message ends, or the header has no room for its length.
    pub fn encode(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Raw => out.extend_from_slice(payload),
            Self::Line if payload.ends_with(b"\r") => return Err(EncodeError::CarriageReturn),
            Self::Line => encode_delimited(payload, b"\n", "a line feed", out)?,
            Self::Nul => encode_delimited(payload, b"\0", "a zero", out)?,
            Self::Varint => {
                encode_varint(payload.len(), out);
                out.extend_from_slice(payload);
            }
            Self::Netstring => {
                out.extend_from_slice(payload.len().to_string().as_bytes());
                out.push(b':');
                out.extend_from_slice(payload);
                out.push(b',');
            }
            Self::Struct(header) => {
                let length = header.length_of(payload)?;
                let start = out.len();
                out.resize(start + header.size(), 0);
                header.write(&mut out[start..], length);
                out.extend_from_slice(payload);
            }
        }
        Ok(())
    }

    /// Appends the answer to `asked`, marked as that was: with its CRLF or LF, with its header's other fields.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_reply(
        &self,
        asked: &Frame<'_>,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Line if asked.suffix.starts_with(b"\r") => {
                encode_delimited(payload, b"\r\n", "a line feed", out)
            }
            Self::Struct(header) if asked.prefix.len() == header.size() => {
                let length = header.length_of(payload)?;
                let start = out.len();
                out.extend_from_slice(asked.prefix);
                header.write(&mut out[start..], length);
                out.extend_from_slice(payload);
                Ok(())
            }
            _ => self.encode(payload, out),
        }
    }
}

/// As `--frame` takes it; which field is the length is not part of it, see [`Header::length_field`].
impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw => f.write_str("raw"),
            Self::Line => f.write_str("line"),
            Self::Nul => f.write_str("nul"),
            Self::Varint => f.write_str("varint"),
            Self::Netstring => f.write_str("netstring"),
            Self::Struct(header) => header.fmt(f),
        }
    }
}

/// The tail of a message, where there is something to propose.
struct DidYouMean(Option<&'static str>);

impl fmt::Display for DidYouMean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, "; did you mean {name}?"))
    }
}

/// The name a text was meant to be: at most one edit for every four letters away from it, begun ones included.
fn nearest_name(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    Framing::NAMED
        .iter()
        .map(|(name, _)| *name)
        .find(|name| levenshtein(&text, name) <= name.len().div_ceil(4))
}

/// The delimiter is the last byte of `end`.
fn encode_delimited(
    payload: &[u8],
    end: &[u8],
    delimiter: &'static str,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    if let Some(at) = end.last().and_then(|last| memchr(*last, payload)) {
        return Err(EncodeError::Delimiter { at, delimiter });
    }
    out.extend_from_slice(payload);
    out.extend_from_slice(end);
    Ok(())
}

fn encode_varint(mut value: usize, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(framing: &Framing, payload: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = b"before".to_vec();
        let result = framing.encode(payload, &mut out);
        let after = out.strip_prefix(b"before").expect("what was there stays");
        match result {
            Ok(()) => Ok(after.to_vec()),
            Err(error) => {
                assert_eq!(after, b"", "nothing is appended on an error");
                Err(error.to_string())
            }
        }
    }

    fn parse(text: &str) -> Framing {
        Framing::parse(text, None).expect(text)
    }

    #[test]
    fn what_frame_takes_is_what_it_prints() {
        for text in ["raw", "line", "nul", "varint", "netstring", "i", "!I", "<H", ">Q", "@l", "4xB"] {
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(Framing::parse("!BIH", Some(1)).unwrap().to_string(), "!BIH");
    }

    #[test]
    fn a_name_wins_over_the_struct_format_spelt_the_same() {
        assert_eq!(parse("line"), Framing::Line);
        assert!(
            matches!(Framing::parse("@line", Some(0)), Ok(Framing::Struct(header)) if header.format().fields().len() == 4)
        );
    }

    #[test]
    fn what_is_no_frame_is_refused_with_the_way_to_write_it() {
        let error = |text, field| Framing::parse(text, field).expect_err(text).to_string();
        assert!(
            error("json", None)
                .contains("write raw, line, nul, varint, netstring or a struct format such as '!I'")
        );
        assert!(error("Line", None).ends_with("did you mean line?"));
        assert!(error("null", None).ends_with("did you mean nul?"));
        assert!(error("netstrings", None).ends_with("did you mean netstring?"));
        assert!(
            error("lines", None).ends_with("did you mean line?"),
            "although it is a format of five fields"
        );
        assert!(!error("!z", None).contains("did you mean"));
        assert_eq!(
            error("", None),
            "'' has no integer to hold the length: write one of b B h H i I l L q Q n N, as in '!I'"
        );
        assert!(error("4s", None).starts_with("'4s' has no integer"));
        assert_eq!(
            error("!BIH", None),
            "'!BIH' has 3 fields: say which one is the length with --length-field, counting from 0"
        );
        assert_eq!(
            error("!BIH", Some(3)),
            "--length-field 3: '!BIH' has 3 fields, and they are counted from 0"
        );
        assert!(error("!4sI", Some(0)).starts_with("--length-field 0: 's' is no integer"));
        assert!(error("I?", Some(1)).starts_with("--length-field 1: '?' is no integer"));
        assert!(error("IP", Some(1)).starts_with("--length-field 1: 'P' is no integer"));
        assert!(error("line", Some(0)).ends_with("leave it out with --frame line"));
    }

    #[test]
    fn a_message_that_the_frame_cannot_carry_is_refused_with_the_reason() {
        let error = |text, payload: &[u8]| encoded(&parse(text), payload).expect_err(text);
        assert!(error("line", b"two\nlines").starts_with("byte 3 of the message is a line feed"));
        assert!(error("line", b"text\r").contains("carriage return"));
        assert!(error("nul", b"a\0").starts_with("byte 1 of the message is a zero"));
        assert!(
            error("!H", &[0; 65_536])
                .starts_with("'!H' holds at most 65535, and the message has 65536 bytes")
        );
        assert!(error("b", &[0; 128]).starts_with("'b' holds at most 127"));
        assert!(encoded(&parse("!H"), &[0; 65_535]).is_ok());
        assert!(encoded(&parse("b"), &[0; 127]).is_ok());
    }

    #[test]
    fn a_length_goes_into_its_field_and_the_other_fields_are_zero() {
        let framing = Framing::parse("<BHxI", Some(1)).unwrap();
        assert_eq!(encoded(&framing, b"ab").unwrap(), b"\0\x02\0\0\0\0\0\0ab");
    }

    #[test]
    fn an_answer_keeps_the_line_end_and_the_header_of_what_was_asked() {
        let reply = |framing: &Framing, asked: &[u8]| {
            let mut decoder = Decoder::new(framing.clone().into(), 100);
            let asked = decoder.finish(asked).unwrap().unwrap();
            let mut out = Vec::new();
            framing.encode_reply(&asked, b"answer", &mut out).unwrap();
            out
        };
        assert_eq!(reply(&Framing::Line, b"ask\n"), b"answer\n");
        assert_eq!(reply(&Framing::Line, b"ask\r\n"), b"answer\r\n");
        assert_eq!(reply(&Framing::Line, b"ask"), b"answer\n");
        assert_eq!(reply(&Framing::Nul, b"ask"), b"answer\0");
        assert_eq!(reply(&Framing::Netstring, b"3:ask,"), b"6:answer,");
        let header = Framing::parse("!BHH", Some(1)).unwrap();
        assert_eq!(reply(&header, b"\x07\0\x03\xab\xcdask"), b"\x07\0\x06\xab\xcdanswer");
    }

    #[test]
    fn an_answer_to_a_line_that_ends_with_a_second_carriage_return_is_no_error() {
        let asked = Frame { prefix: b"", payload: b"text\r", suffix: b"\r\n" };
        let mut out = Vec::new();
        Framing::Line.encode_reply(&asked, b"TEXT\r", &mut out).unwrap();
        assert_eq!(out, b"TEXT\r\r\n");
    }
}
