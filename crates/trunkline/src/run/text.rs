//! What of a stream is written here: its bytes as they are, as UTF-8, or as text that cannot steer a terminal.

use std::borrow::Cow;

use net::Untrusted;
use net::charset::{Charset, TextDecoder};

use super::lines::{Line, whole_characters};

/// How the text of a stream is read. A line that is UTF-8 is taken as it is; any other one is read in the machine's
/// charset, where that is known.
pub(super) struct Text {
    charset: Option<Charset>,
    at_terminal: bool,
    /// Reads on in a line that is given in parts, and was no UTF-8.
    decoder: Option<TextDecoder>,
}

impl Text {
    pub(super) fn new(charset: Option<Charset>, at_terminal: bool) -> Self {
        Self { charset, at_terminal, decoder: None }
    }

    /// Whether bytes are written as they are.
    pub(super) fn is_exact(&self) -> bool {
        self.charset.is_none() && !self.at_terminal
    }

    /// How many bytes of an unfinished line can be written now: a character that is cut waits for its rest, and so does
    /// whatever the rest of the line decides.
    pub(super) fn ready(&self, held: &[u8]) -> usize {
        let ready = match self.charset {
            None => whole_characters(held),
            Some(_) if self.decoder.is_some() => held.len(),
            Some(_) => held.iter().position(|byte| !byte.is_ascii()).unwrap_or(held.len()),
        };
        // It may be the half of a CR LF.
        ready - usize::from(held[..ready].ends_with(b"\r"))
    }

    /// The line as it is written, without its end. At a terminal a carriage return begins a line anew, as bars of progress
    /// do: `again` stands for it, or where that is `None`, only what came last is left.
    pub(super) fn line<'a>(&mut self, line: &Line<'a>, again: Option<&str>) -> Cow<'a, [u8]> {
        let text = self.read(line);
        if !self.at_terminal {
            return text;
        }
        let text = text.strip_suffix(b"\r").filter(|_| line.ends).unwrap_or(&text);
        let mut drawn =
            text.split(|&byte| byte == b'\r').map(|bytes| Untrusted::from(bytes).multiline().to_string());
        let shown = match again {
            Some(again) => drawn.collect::<Vec<_>>().join(again),
            None => drawn.rfind(|text| !text.is_empty()).unwrap_or_default(),
        };
        shown.into_bytes().into()
    }

    /// The stream is over: gives what is left of a character that never became whole.
    pub(super) fn finish(&mut self) -> String {
        let mut text = String::new();
        if let Some(decoder) = self.decoder.take() {
            decoder.finish(&mut text);
        }
        text
    }

    fn read<'a>(&mut self, line: &Line<'a>) -> Cow<'a, [u8]> {
        let Some(charset) = self.charset else { return line.bytes.into() };
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None if std::str::from_utf8(line.bytes).is_ok() => return line.bytes.into(),
            None => charset.decoder(),
        };
        let mut text = String::new();
        decoder.decode(line.bytes, &mut text);
        if line.ends {
            decoder.finish(&mut text);
        } else {
            self.decoder = Some(decoder);
        }
        text.into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZHANG_SAN_IN_GBK: &[u8] = b"\xd5\xc5\xc8\xfd";

    fn gbk() -> Option<Charset> {
        Charset::parse("gbk").ok()
    }

    fn whole(bytes: &[u8]) -> Line<'_> {
        Line { bytes, continues: false, ends: true }
    }

    fn part(bytes: &[u8]) -> Line<'_> {
        Line { bytes, continues: false, ends: false }
    }

    #[test]
    fn a_pipe_gets_bytes_as_they_are_unless_a_charset_is_known() {
        assert_eq!(*Text::new(None, false).line(&whole(b"\x1b[2J\xff\r"), None), *b"\x1b[2J\xff\r");
        let mut text = Text::new(gbk(), false);
        assert_eq!(*text.line(&whole(ZHANG_SAN_IN_GBK), None), *"张三".as_bytes());
        assert_eq!(*text.line(&whole("张三".as_bytes()), None), *"张三".as_bytes(), "it is UTF-8 already");
    }

    #[test]
    fn a_terminal_gets_text_that_steers_nothing() {
        let mut text = Text::new(None, true);
        assert_eq!(*text.line(&whole(b"a\tb \x1b]0;root\x07 \xff\r"), None), *br"a	b \x1b]0;root\x07 \xff");
        assert_eq!(*text.line(&whole(b"10%\r50%\r100%\r"), None), *b"100%");
        assert_eq!(*text.line(&whole(b"10%\r50%"), Some("<again>")), *b"10%<again>50%");
    }

    #[test]
    fn a_line_in_parts_is_read_in_one_charset_and_no_character_is_broken() {
        let mut text = Text::new(gbk(), false);
        let (front, back) = ZHANG_SAN_IN_GBK.split_at(3);
        let mut read = text.line(&part(front), None).into_owned();
        read.extend_from_slice(&text.line(&whole(back), None));
        assert_eq!(read, "张三".as_bytes());
        assert_eq!(
            *text.line(&whole("李".as_bytes()), None),
            *"李".as_bytes(),
            "the next line is another one"
        );
    }

    #[test]
    fn what_the_rest_of_a_line_may_change_waits_for_it() {
        let (plain, known) = (Text::new(None, true), Text::new(gbk(), true));
        assert_eq!((plain.ready(b"name? "), known.ready(b"name? ")), (6, 6));
        assert_eq!((plain.ready("张".as_bytes()), known.ready("张".as_bytes())), (3, 0));
        assert_eq!((plain.ready(b"ab\xe5\xbc"), plain.ready(b"ab\r")), (2, 2));
    }
}
