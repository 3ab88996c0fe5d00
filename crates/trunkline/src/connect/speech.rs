//! How texts become bytes on the wire: charset, line ends, frames.

use std::borrow::Cow;
use std::str;
use std::sync::Arc;

use anyhow::Context;
use net::charset::Charset;
use net::frame::{Decoder, Framing};

/// How messages are written here and at the far side.
#[derive(Clone, Debug)]
pub(super) struct Speech {
    pub(super) framing: Arc<Framing>,
    /// The most bytes of one message.
    pub(super) max_frame: usize,
    /// That of the far side; ours is UTF-8.
    pub(super) charset: Option<Charset>,
    crlf: bool,
    /// Every message is a datagram.
    pub(super) datagrams: bool,
}

impl Speech {
    pub(super) fn new(
        framing: Framing,
        max_frame: usize,
        charset: Option<Charset>,
        crlf: bool,
        datagrams: bool,
    ) -> Self {
        Self { framing: Arc::new(framing), max_frame, charset, crlf, datagrams }
    }

    /// Whether messages have boundaries in the stream.
    pub(super) fn is_framed(&self) -> bool {
        *self.framing != Framing::Raw
    }

    /// Whether a length goes ahead of each message: the bytes of a pipe do not bring it along.
    pub(super) fn has_header(&self) -> bool {
        matches!(*self.framing, Framing::Varint | Framing::Netstring | Framing::Struct(_))
    }

    /// Whether standard input goes on the wire byte for byte.
    pub(super) fn passes_bytes(&self) -> bool {
        self.charset.is_none() && !self.crlf && !self.has_header()
    }

    /// Whether an empty line at a terminal is worth sending.
    pub(super) fn sends_empty_lines(&self) -> bool {
        self.crlf || self.is_framed()
    }

    /// Cuts what arrives into messages; without a frame, what one read brings is one.
    pub(super) fn decoder(&self) -> Decoder {
        Decoder::new(Arc::clone(&self.framing), self.max_frame)
    }

    /// Passes on what arrives as it comes, without a look at its boundaries.
    pub(super) fn raw_decoder(&self) -> Decoder {
        Decoder::new(Arc::new(Framing::Raw), self.max_frame)
    }

    /// A text of `-m` or of a datagram: as it is, or in its frame.
    pub(super) fn message(&self, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut wire = Vec::new();
        if self.is_framed() {
            self.frame(text, &mut wire)?;
        } else {
            for line in text.split_inclusive(|&byte| byte == b'\n') {
                self.piece(line, &mut wire)?;
            }
        }
        Ok(wire)
    }

    /// A line of a pipe, with its LF where it has one. With a header it is one message; otherwise its bytes pass.
    pub(super) fn piped(&self, line: &[u8], wire: &mut Vec<u8>) -> anyhow::Result<()> {
        if self.has_header() {
            return self.frame(line.strip_suffix(b"\n").unwrap_or(line), wire);
        }
        self.piece(line, wire)
    }

    /// A line typed at a terminal, without its end.
    pub(super) fn typed(&self, line: &str) -> anyhow::Result<Vec<u8>> {
        let mut wire = Vec::new();
        if self.is_framed() {
            self.frame(line.as_bytes(), &mut wire)?;
        } else {
            wire.extend_from_slice(&self.encoded(line.as_bytes())?);
            wire.extend_from_slice(match (self.crlf, self.datagrams) {
                (true, _) => b"\r\n",
                (false, false) => b"\n",
                (false, true) => b"",
            });
        }
        Ok(wire)
    }

    /// Text with at most one LF, at its end; one that has a CR already gets no other.
    fn piece(&self, text: &[u8], wire: &mut Vec<u8>) -> anyhow::Result<()> {
        match text.strip_suffix(b"\n") {
            Some(line) if self.crlf && !line.ends_with(b"\r") => {
                wire.extend_from_slice(&self.encoded(line)?);
                wire.extend_from_slice(b"\r\n");
            }
            _ => wire.extend_from_slice(&self.encoded(text)?),
        }
        Ok(())
    }

    fn frame(&self, text: &[u8], wire: &mut Vec<u8>) -> anyhow::Result<()> {
        self.framing.encode(&self.encoded(text)?, wire)?;
        if self.crlf {
            // Only `line` goes together with it.
            wire.pop();
            wire.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    fn encoded<'a>(&self, text: &'a [u8]) -> anyhow::Result<Cow<'a, [u8]>> {
        let Some(charset) = self.charset else { return Ok(Cow::Borrowed(text)) };
        let text = str::from_utf8(text).context("with --charset, what is sent must be UTF-8 text")?;
        Ok(charset.encode(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(frame: &str, charset: Option<&str>, crlf: bool, datagrams: bool) -> Speech {
        let charset = charset.map(|name| Charset::parse(name).unwrap());
        Speech::new(Framing::parse(frame, None).unwrap(), 1000, charset, crlf, datagrams)
    }

    fn piped(speech: &Speech, line: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        speech.piped(line, &mut wire).unwrap();
        wire
    }

    #[test]
    fn a_typed_line_gets_lf_and_a_datagram_none() {
        assert_eq!(speech("raw", None, false, false).typed("hi").unwrap(), b"hi\n");
        assert_eq!(speech("raw", None, false, true).typed("hi").unwrap(), b"hi");
    }

    #[test]
    fn crlf_ends_typed_lines_of_every_kind() {
        assert_eq!(speech("raw", None, true, false).typed("hi").unwrap(), b"hi\r\n");
        assert_eq!(speech("raw", None, true, true).typed("hi").unwrap(), b"hi\r\n");
        assert_eq!(speech("line", None, true, false).typed("hi").unwrap(), b"hi\r\n");
    }

    #[test]
    fn a_typed_line_is_one_message_of_its_frame() {
        assert_eq!(speech("line", None, false, false).typed("hi").unwrap(), b"hi\n");
        assert_eq!(speech("nul", None, false, false).typed("").unwrap(), b"\0");
        assert_eq!(speech("!H", None, false, false).typed("hi").unwrap(), b"\0\x02hi");
    }

    #[test]
    fn a_text_of_m_is_sent_as_it_is() {
        assert_eq!(speech("raw", None, false, false).message(b"a\nb\xff").unwrap(), b"a\nb\xff");
        assert_eq!(speech("netstring", None, false, false).message(b"a\nb").unwrap(), b"3:a\nb,");
    }

    #[test]
    fn crlf_adds_the_carriage_returns_that_are_missing() {
        let speech = speech("raw", None, true, false);
        assert_eq!(speech.message(b"GET / HTTP/1.0\n\r\nx").unwrap(), b"GET / HTTP/1.0\r\n\r\nx");
        assert_eq!(piped(&speech, b"\n"), b"\r\n");
    }

    #[test]
    fn with_a_header_a_line_of_a_pipe_is_a_message_without_its_lf() {
        let speech = speech("varint", None, false, false);
        assert_eq!(piped(&speech, b"one\n"), b"\x03one");
        assert_eq!(piped(&speech, b"\n"), b"\0");
        assert_eq!(piped(&speech, b"last"), b"\x04last");
    }

    #[test]
    fn marks_that_a_pipe_brings_along_are_not_doubled() {
        assert_eq!(piped(&speech("line", Some("gbk"), false, false), "你\n".as_bytes()), b"\xc4\xe3\n");
        assert!(speech("line", None, false, false).passes_bytes());
        assert!(speech("nul", None, false, false).passes_bytes());
    }

    #[test]
    fn text_is_sent_in_the_charset_of_the_far_side() {
        assert_eq!(speech("raw", Some("gbk"), false, false).typed("你好").unwrap(), b"\xc4\xe3\xba\xc3\n");
        assert_eq!(speech("!H", Some("gbk"), false, false).typed("你").unwrap(), b"\0\x02\xc4\xe3");
        let error = speech("raw", Some("gbk"), false, false).message(b"\xff").unwrap_err().to_string();
        assert!(error.contains("must be UTF-8"), "{error}");
    }
}
