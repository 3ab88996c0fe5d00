//! Messages out of bytes. Nothing is copied or allocated: a frame borrows from the caller's buffer.

use std::sync::Arc;

use memchr::memchr;
use thiserror::Error;

use super::Framing;

/// One message as it lay in the stream: mark, text, mark, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header or the length in front; often empty.
    pub prefix: &'a [u8],
    /// The message.
    pub payload: &'a [u8],
    /// The delimiter behind; often empty.
    pub suffix: &'a [u8],
}

/// Cuts the bytes of one connection into messages. Small, because every connection has one.
#[derive(Clone, Debug)]
pub struct Decoder {
    framing: Arc<Framing>,
    max_frame: usize,
    /// Bytes of the message at hand that are known to hold no delimiter.
    searched: usize,
}

/// Why a stream cannot be cut further; its connection is to be ended.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// A length below zero.
    #[error(
        "the header '{header}' announces {announced} bytes: a length is not negative, does the other side use the same header?"
    )]
    Negative {
        /// The header's format.
        header: String,
        /// The number in it.
        announced: i64,
    },
    /// A length above the limit.
    #[error(
        "{mark} announces {announced} bytes, more than --max-frame {max_frame}: raise that, if the other side uses the same frame"
    )]
    TooLong {
        /// What announces it.
        mark: String,
        /// The number in it.
        announced: u64,
        /// The limit, in payload bytes.
        max_frame: usize,
    },
    /// A length whose first digits are above the limit; how many follow is not waited for.
    #[error(
        "the netstring announces {at_least} bytes or more, more than --max-frame {max_frame}: raise that, if the other side uses the same frame"
    )]
    NetstringTooLong {
        /// The number up to the digit that was too many.
        at_least: usize,
        /// The limit, in payload bytes.
        max_frame: usize,
    },
    /// No delimiter within the limit.
    #[error(
        "a {what} is longer than --max-frame {max_frame}: raise that, if the other side uses the same frame"
    )]
    Unended {
        /// What should have ended.
        what: &'static str,
        /// The limit, in payload bytes.
        max_frame: usize,
    },
    /// A varint beyond 64 bits, or with zeros that say nothing.
    #[error("the varint in front of a message {fault}: does the other side use the same frame?")]
    Varint {
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Not what a netstring consists of.
    #[error(
        "a netstring is a length without leading zeros, ':', so many bytes and ',', as in 5:hello, - here is '{}' in place of {expected}",
        found.escape_ascii()
    )]
    Netstring {
        /// The byte that does not belong there.
        found: u8,
        /// What does.
        expected: &'static str,
    },
    /// The stream ended within a message.
    #[error("the stream ended within a message: {had} of its {needed} bytes came")]
    Cut {
        /// Bytes that came, header and delimiter included.
        had: usize,
        /// Bytes of the whole.
        needed: usize,
    },
    /// The stream ended within a header.
    #[error("the stream ended within the header '{header}': {had} of its {needed} bytes came")]
    CutHeader {
        /// The header's format.
        header: String,
        /// Bytes that came.
        had: usize,
        /// Bytes of the whole.
        needed: usize,
    },
    /// The stream ended within a length that is as long as it likes.
    #[error("the stream ended within the length of a message: {had} bytes of it came")]
    CutLength {
        /// Bytes that came.
        had: usize,
    },
}

#[allow(clippy::len_without_is_empty, reason = "no message takes no bytes at all")]
impl<'a> Frame<'a> {
    /// Bytes of the whole, to be taken from the front of the buffer. Never 0.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prefix.len() + self.payload.len() + self.suffix.len()
    }

    /// The front of `bytes`, which must hold all of it.
    #[inline]
    fn cut(bytes: &'a [u8], shape: Shape) -> Self {
        let (prefix, rest) = bytes.split_at(shape.prefix);
        let (payload, rest) = rest.split_at(shape.payload);
        Self { prefix, payload, suffix: &rest[..shape.suffix] }
    }
}

impl Decoder {
    /// A decoder for one connection. `max_frame` is the most payload bytes of a message; raw streams have no
    /// messages to measure.
    #[must_use]
    pub fn new(framing: Arc<Framing>, max_frame: usize) -> Self {
        Self { framing, max_frame, searched: 0 }
    }

    /// The first whole message at the start of `bytes`; none when it is not whole yet. Then call again with the
    /// same bytes and more behind them: what was searched is not searched again.
    ///
    /// # Errors
    /// As soon as it is sure that no acceptable message can come of these bytes.
    #[inline]
    pub fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        match &*self.framing {
            Framing::Raw if bytes.is_empty() => Ok(None),
            Framing::Raw => Ok(Some(Frame { prefix: &[], payload: bytes, suffix: &[] })),
            Framing::Line | Framing::Nul => self.next_delimited(bytes),
            Framing::Varint | Framing::Netstring | Framing::Struct(_) => match self.shape(bytes)? {
                Some(shape) if shape.len() <= bytes.len() => match Frame::cut(bytes, shape) {
                    frame @ Frame { suffix: [] | b",", .. } => Ok(Some(frame)),
                    Frame { suffix, .. } => Err(FrameError::Netstring { found: suffix[0], expected: "','" }),
                },
                _ => Ok(None),
            },
        }
    }

    /// How many bytes the message at the start of `bytes` has in all, mark included, where its length is announced
    /// and acceptable.
    #[must_use]
    pub fn needed(&self, bytes: &[u8]) -> Option<usize> {
        self.shape(bytes).ok().flatten().map(Shape::len)
    }

    /// As [`Self::next`], when nothing comes after `bytes`: a last line, or a last message of `nul`, needs no
    /// delimiter. Call until it gives none.
    ///
    /// # Errors
    /// As [`Self::next`], and when the stream ended within a message.
    pub fn finish<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        if let Some(frame) = self.next(bytes)? {
            return Ok(Some(frame));
        }
        let had = bytes.len();
        if had == 0 {
            return Ok(None);
        }
        match (&*self.framing, self.shape(bytes)?) {
            (Framing::Raw | Framing::Line | Framing::Nul, _) => {
                // A CR is half of the end that did not come.
                let suffix = usize::from(*self.framing == Framing::Line && bytes.ends_with(b"\r"));
                self.searched = 0;
                Ok(Some(Frame::cut(bytes, Shape { prefix: 0, payload: had - suffix, suffix })))
            }
            (_, Some(shape)) => Err(FrameError::Cut { had, needed: shape.len() }),
            (Framing::Struct(header), None) => {
                Err(FrameError::CutHeader { header: header.to_string(), had, needed: header.size() })
            }
            (Framing::Varint | Framing::Netstring, None) => Err(FrameError::CutLength { had }),
        }
    }

    #[inline]
    fn next_delimited<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        let line = matches!(*self.framing, Framing::Line);
        let delimiter = if line { b'\n' } else { 0 };
        // Beyond the longest message and its CRLF there is nothing to look for.
        let window = &bytes[..bytes.len().min(self.max_frame.saturating_add(2))];
        let searched = self.searched.min(window.len());
        let found = memchr(delimiter, &window[searched..]).map(|at| searched + at);
        let end = found.unwrap_or(window.len());
        let carriage_return = usize::from(line && window[..end].ends_with(b"\r"));
        let payload = end - carriage_return;
        if payload > self.max_frame {
            let what = if line { "line" } else { "message that a zero byte should end" };
            return Err(FrameError::Unended { what, max_frame: self.max_frame });
        }
        self.searched = if found.is_some() { 0 } else { end };
        Ok(found.map(|_| Frame::cut(bytes, Shape { prefix: 0, payload, suffix: carriage_return + 1 })))
    }

    /// What the length at the start of `bytes` announces; none where there is no length, or not all of it yet.
    #[inline]
    fn shape(&self, bytes: &[u8]) -> Result<Option<Shape>, FrameError> {
        match &*self.framing {
            Framing::Raw | Framing::Line | Framing::Nul => Ok(None),
            Framing::Struct(header) => {
                let prefix = header.size();
                if bytes.len() < prefix {
                    return Ok(None);
                }
                match header.announced(bytes) {
                    Ok(announced) => self.accept(prefix, announced, || format!("the header '{header}'")),
                    Err(announced) => Err(FrameError::Negative { header: header.to_string(), announced }),
                }
            }
            Framing::Varint => match read_varint(bytes)? {
                Some((prefix, announced)) => self.accept(prefix, announced, || "the varint".to_owned()),
                None => Ok(None),
            },
            Framing::Netstring => read_netstring_length(bytes, self.max_frame),
        }
    }

    #[inline]
    fn accept(
        &self,
        prefix: usize,
        announced: u64,
        mark: impl FnOnce() -> String,
    ) -> Result<Option<Shape>, FrameError> {
        match usize::try_from(announced) {
            Ok(payload) if payload <= self.max_frame => Ok(Some(Shape { prefix, payload, suffix: 0 })),
            _ => Err(FrameError::TooLong { mark: mark(), announced, max_frame: self.max_frame }),
        }
    }
}

/// Bytes of a message's parts.
#[derive(Clone, Copy)]
struct Shape {
    prefix: usize,
    payload: usize,
    suffix: usize,
}

impl Shape {
    /// A length no buffer reaches, where the sum would overflow.
    #[inline]
    fn len(self) -> usize {
        self.payload.saturating_add(self.prefix + self.suffix)
    }
}

/// The bytes of an unsigned LEB128 number and the number; none when more is to come.
#[inline]
fn read_varint(bytes: &[u8]) -> Result<Option<(usize, u64)>, FrameError> {
    /// Seven bits each: the tenth has room for one.
    const LAST: usize = 9;
    let mut value = 0;
    for (index, byte) in bytes.iter().copied().enumerate() {
        if index == LAST && byte > 1 {
            return Err(FrameError::Varint { fault: "has more than 64 bits" });
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            if byte == 0 && index > 0 {
                return Err(FrameError::Varint { fault: "ends with a byte that says nothing" });
            }
            return Ok(Some((index + 1, value)));
        }
    }
    Ok(None)
}

/// Reads `LENGTH:`. Digits are counted against the limit as they come, so a stream of digits ends by itself.
fn read_netstring_length(bytes: &[u8], max_frame: usize) -> Result<Option<Shape>, FrameError> {
    let mut payload = 0_usize;
    for (index, found) in bytes.iter().copied().enumerate() {
        match found {
            b':' if index > 0 => return Ok(Some(Shape { prefix: index + 1, payload, suffix: 1 })),
            b'0'..=b'9' if index > 0 && payload == 0 => {
                return Err(FrameError::Netstring { found, expected: "':' after a zero" });
            }
            b'0'..=b'9' => {
                // Saturated, it is beyond any limit.
                payload = payload.saturating_mul(10).saturating_add(usize::from(found - b'0'));
                if payload > max_frame || payload == usize::MAX {
                    return Err(FrameError::NetstringTooLong { at_least: payload, max_frame });
                }
            }
            _ if index == 0 => return Err(FrameError::Netstring { found, expected: "a digit" }),
            _ => return Err(FrameError::Netstring { found, expected: "a digit or ':'" }),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX_FRAME: usize = 300;

    fn decoder(framing: Framing) -> Decoder {
        Decoder::new(Arc::new(framing), MAX_FRAME)
    }

    fn named(text: &str) -> Decoder {
        decoder(Framing::parse(text, None).expect(text))
    }

    /// All messages of a stream that arrives in reads of these sizes (the last repeats), and how it ended.
    fn read_in(framing: &Framing, stream: &[u8], sizes: &[usize]) -> (Vec<Vec<u8>>, Result<(), FrameError>) {
        let mut decoder = decoder(framing.clone());
        let (mut start, mut end) = (0, 0);
        let mut messages = Vec::new();
        let mut sizes = sizes.iter().chain(std::iter::repeat(sizes.last().unwrap_or(&1)));
        loop {
            let bytes = &stream[start..end];
            let needed = decoder.needed(bytes);
            let next = if end < stream.len() { decoder.next(bytes) } else { decoder.finish(bytes) };
            match next {
                Ok(Some(frame)) => {
                    assert_eq!([frame.prefix, frame.payload, frame.suffix].concat(), bytes[..frame.len()]);
                    assert!(frame.len() > 0 && needed.is_none_or(|needed| needed == frame.len()));
                    messages.push(frame.payload.to_vec());
                    start += frame.len();
                }
                Ok(None) if end == stream.len() => return (messages, Ok(())),
                Ok(None) => {
                    assert!(needed.is_none_or(|needed| needed > bytes.len()));
                    end = stream.len().min(end + sizes.next().copied().unwrap_or(1).max(1));
                }
                Err(error) => return (messages, Err(error)),
            }
        }
    }

    fn marked_framings() -> impl Strategy<Value = Framing> {
        let named = prop::sample::select(vec!["line", "nul", "varint", "netstring"]);
        prop_oneof![
            named.prop_map(|text| Framing::parse(text, None).unwrap()),
            "[@=<>!]?[bB?3sx]{0,2}[bBhHiIlLqQ][xe]{0,2}".prop_map(|text| {
                (0..40).rev().find_map(|field| Framing::parse(&text, Some(field)).ok()).expect(&text)
            }),
        ]
    }

    fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let payload = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            prop::collection::vec(any::<u8>(), 120..=MAX_FRAME),
            "[a-z\r,:0-9]{0,9}".prop_map(String::into_bytes),
        ];
        prop::collection::vec(payload, 0..8)
    }

    proptest! {
        #[test]
        fn whatever_the_reads_the_messages_are_those_that_were_sent(
            framing in marked_framings(), mut payloads in payloads(), sizes in prop::collection::vec(1_usize..200, 1..20),
        ) {
            let mut stream = Vec::new();
            payloads.retain(|payload| framing.encode(payload, &mut stream).is_ok());
            prop_assert_eq!(read_in(&framing, &stream, &sizes), (payloads, Ok(())));
        }

        #[test]
        fn any_bytes_are_the_same_messages_or_the_same_error_whatever_the_reads(
            framing in marked_framings(),
            stream in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..1000),
                prop::collection::vec(prop::sample::select(b"\0\0\0\x01\x02\n\r,:0123".to_vec()), 0..1000),
            ],
            sizes in prop::collection::vec(1_usize..20, 1..20),
        ) {
            let whole = read_in(&framing, &stream, &[stream.len()]);
            prop_assert_eq!(&read_in(&framing, &stream, &[1]), &whole);
            prop_assert_eq!(read_in(&framing, &stream, &sizes), whole);
        }

        #[test]
        fn raw_gives_every_byte_of_a_read(bytes in prop::collection::vec(any::<u8>(), 1..50)) {
            prop_assert_eq!(decoder(Framing::Raw).next(&bytes).unwrap().unwrap().payload, &bytes);
        }
    }

    #[test]
    fn a_decoder_is_small_because_every_connection_has_one() {
        assert!(size_of::<Decoder>() <= 48);
    }

    #[test]
    fn a_line_may_end_with_cr_lf_and_keeps_other_carriage_returns() {
        let frame = named("line").next(b"a\rb\r\r\nrest");
        assert_eq!(frame, Ok(Some(Frame { prefix: b"", payload: b"a\rb\r", suffix: b"\r\n" })));
    }

    #[test]
    fn what_was_searched_is_not_searched_again() {
        let mut decoder = named("line");
        assert_eq!(decoder.next(b"abc"), Ok(None));
        // No caller does this: the first bytes changed, and are not looked at.
        let frame = decoder.next(b"\n\n\nd\n").unwrap().unwrap();
        assert_eq!(frame.payload, b"\n\n\nd");
        assert_eq!(
            decoder.next(b"\n").unwrap().unwrap().payload,
            b"",
            "after a message the search starts anew"
        );
    }

    #[test]
    fn the_last_message_needs_no_delimiter() {
        assert_eq!(
            named("line").finish(b"end"),
            Ok(Some(Frame { prefix: b"", payload: b"end", suffix: b"" }))
        );
        assert_eq!(
            named("line").finish(b"end\r"),
            Ok(Some(Frame { prefix: b"", payload: b"end", suffix: b"\r" }))
        );
        assert_eq!(
            named("nul").finish(b"end\r"),
            Ok(Some(Frame { prefix: b"", payload: b"end\r", suffix: b"" }))
        );
        for text in ["raw", "line", "nul", "varint", "netstring", "!I"] {
            assert_eq!(named(text).finish(b""), Ok(None));
        }
    }

    #[test]
    fn a_cut_message_says_how_much_of_it_came() {
        let error = |text, bytes: &[u8]| named(text).finish(bytes).expect_err(text).to_string();
        assert_eq!(error("!I", b"\0\0\0\x05hel"), "the stream ended within a message: 7 of its 9 bytes came");
        assert_eq!(error("!I", b"\0\0"), "the stream ended within the header '!I': 2 of its 4 bytes came");
        assert_eq!(error("varint", b"\x05hel"), "the stream ended within a message: 4 of its 6 bytes came");
        assert_eq!(
            error("varint", b"\x85"),
            "the stream ended within the length of a message: 1 bytes of it came"
        );
        assert_eq!(
            error("netstring", b"5:hello"),
            "the stream ended within a message: 7 of its 8 bytes came"
        );
        assert_eq!(
            error("netstring", b"5"),
            "the stream ended within the length of a message: 1 bytes of it came"
        );
    }

    #[test]
    fn how_much_a_message_needs_is_known_once_its_length_is() {
        assert_eq!(named("!I").needed(b"\0\0\0"), None);
        assert_eq!(named("!I").needed(b"\0\0\0\x05"), Some(9));
        assert_eq!(named("varint").needed(b"\x05"), Some(6));
        assert_eq!(named("netstring").needed(b"5:"), Some(8));
        assert_eq!(named("!i").needed(b"\xff\xff\xff\xff"), None);
        assert_eq!(named("line").needed(b"text"), None);
    }

    #[test]
    fn a_header_that_lies_is_refused_before_its_message_comes() {
        let error = |text, bytes: &[u8]| named(text).next(bytes).expect_err(text).to_string();
        assert!(
            error("!i", &[0xff; 4])
                .starts_with("the header '!i' announces -1 bytes: a length is not negative")
        );
        assert!(error("<h", b"\0\x80").contains("announces -32768 bytes"));
        assert!(error("b", b"\x80").contains("announces -128 bytes"));
        assert!(error("q", &[0xff; 8]).contains("announces -1 bytes"));
        assert!(
            error("!I", b"POST")
                .starts_with("the header '!I' announces 1347375956 bytes, more than --max-frame 300")
        );
        assert!(error("Q", &[0xff; 8]).contains("announces 18446744073709551615 bytes"));
        assert!(
            error("varint", b"\xad\x02")
                .starts_with("the varint announces 301 bytes, more than --max-frame 300")
        );
        assert!(
            error("netstring", b"301")
                .starts_with("the netstring announces 301 bytes or more, more than --max-frame 300")
        );
        assert!(named("varint").next(b"\xac\x02").is_ok());
        assert!(named("netstring").next(b"300").is_ok());
    }

    #[test]
    fn without_a_limit_the_largest_lengths_are_waited_for_and_overflow_nothing() {
        let unlimited = |text| Decoder::new(Arc::new(Framing::parse(text, None).unwrap()), usize::MAX);
        assert_eq!(unlimited("Q").next(&[0xff; 8]), Ok(None));
        assert_eq!(unlimited("varint").next(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Ok(None));
        assert_eq!(unlimited("line").next(b"text"), Ok(None));
        assert!(unlimited("netstring").next(&[b'9'; 21]).is_err());
    }

    #[test]
    fn a_varint_has_one_spelling_and_at_most_64_bits() {
        let error = |bytes: &[u8]| named("varint").next(bytes).unwrap_err().to_string();
        assert!(error(b"\x80\x00").contains("says nothing"));
        assert!(error(&[0xff; 10]).contains("more than 64 bits"));
        assert!(error(b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02").contains("more than 64 bits"));
    }

    #[test]
    fn a_netstring_follows_its_specification() {
        let error = |bytes: &[u8]| named("netstring").next(bytes).unwrap_err().to_string();
        assert_eq!(named("netstring").next(b"0:,").unwrap().unwrap().payload, b"");
        assert!(error(b"hello").ends_with("as in 5:hello, - here is 'h' in place of a digit"));
        assert!(error(b":,").ends_with("here is ':' in place of a digit"));
        assert!(error(b"05:hello,").ends_with("here is '5' in place of ':' after a zero"));
        assert!(error(b"5\x1b").ends_with("here is '\\x1b' in place of a digit or ':'"));
        assert!(error(b"5:hello!").ends_with("here is '!' in place of ','"));
    }

    #[test]
    fn a_line_without_an_end_is_refused_at_the_limit() {
        let long = [b'x'; MAX_FRAME + 1];
        for (text, bytes) in [("line", &long[..]), ("nul", &long[..])] {
            assert!(matches!(named(text).next(bytes), Err(FrameError::Unended { max_frame: MAX_FRAME, .. })));
            assert_eq!(named(text).next(&bytes[1..]), Ok(None));
        }
        let crlf = [&long[1..], b"\r\n"].concat();
        assert_eq!(named("line").next(&crlf[..=MAX_FRAME]), Ok(None), "the CR may be half of the end");
        assert_eq!(named("line").next(&crlf).unwrap().unwrap().payload.len(), MAX_FRAME);
    }
}
