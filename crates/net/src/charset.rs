//! Text in charsets other than UTF-8: what a Windows desk set to Chinese prints is GBK.
//!
//! Names and tables are those of the WHATWG Encoding Standard, <https://encoding.spec.whatwg.org>; in it `latin1`
//! means windows-1252, which has more letters in the same places.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{CoderResult, Encoding, UTF_16BE, UTF_16LE};
use thiserror::Error;

/// A charset with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

/// A name that no charset has.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "'{}' is not a charset known here: write utf-8, gbk, gb18030, big5, shift_jis, euc-kr, latin1 or another name of https://encoding.spec.whatwg.org",
    label.escape_debug()
)]
pub struct CharsetError {
    label: String,
}

/// A character that a charset does not have.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "'{}' (U+{:04X}) does not exist in {charset}: leave it out, or use --charset utf-8 at both ends",
    character.escape_debug(),
    u32::from(*character)
)]
pub struct Unmappable {
    /// The first such character.
    pub character: char,
    /// The charset it was meant for.
    pub charset: Charset,
}

/// Windows' code pages as `chcp` and Python name them, where the standard has no such label.
const CODE_PAGES: [(&str, &str); 5] =
    [("cp932", "shift_jis"), ("cp936", "gbk"), ("cp949", "euc-kr"), ("cp950", "big5"), ("cp65001", "utf-8")];

impl Charset {
    /// What everything speaks unless told otherwise.
    pub const UTF_8: Self = Self(encoding_rs::UTF_8);

    /// Finds a charset by any of its names, in any case.
    ///
    /// # Errors
    /// When none has that name.
    pub fn parse(label: &str) -> Result<Self, CharsetError> {
        let code_page = CODE_PAGES.iter().find(|(page, _)| label.eq_ignore_ascii_case(page));
        let standard = code_page.map_or(label, |(_, standard)| standard);
        Encoding::for_label_no_replacement(standard.as_bytes())
            .map(Self)
            .ok_or_else(|| CharsetError { label: label.to_owned() })
    }

    /// Starts to read text that comes in pieces.
    #[must_use]
    pub fn decoder(self) -> TextDecoder {
        TextDecoder(self.0.new_decoder_with_bom_removal())
    }

    /// Writes text in this charset. A character it does not have is never replaced by another or by `&#NNN;`.
    ///
    /// # Errors
    /// On the first such character.
    pub fn encode(self, text: &str) -> Result<Cow<'_, [u8]>, Unmappable> {
        // The standard decodes UTF-16 but never writes it.
        if self.0 == UTF_16LE {
            return Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        }
        if self.0 == UTF_16BE {
            return Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        }
        let (bytes, _, replaced) = self.0.encode(text);
        let missing = |character: &char| self.0.encode(character.encode_utf8(&mut [0; 4])).2;
        match text.chars().filter(|_| replaced).find(missing) {
            Some(character) => Err(Unmappable { character, charset: self }),
            None => Ok(bytes),
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Reads text that comes in pieces. A character cut at the edge of a piece is kept until it is whole; bytes that
/// are no character become U+FFFD; a byte order mark at the start is dropped.
pub struct TextDecoder(encoding_rs::Decoder);

impl TextDecoder {
    /// Appends the characters that are whole with these bytes.
    pub fn decode(&mut self, bytes: &[u8], text: &mut String) {
        self.run(bytes, text, false);
    }

    /// Ends the text: a character that never became whole is appended as U+FFFD.
    pub fn finish(mut self, text: &mut String) {
        self.run(&[], text, true);
    }

    fn run(&mut self, mut bytes: &[u8], text: &mut String, last: bool) {
        loop {
            // None only where the address space would overflow; then this goes piece by piece.
            text.reserve(self.0.max_utf8_buffer_length(bytes.len()).unwrap_or(64 * 1024));
            let (result, read, _) = self.0.decode_to_string(bytes, text, last);
            if result == CoderResult::InputEmpty {
                return;
            }
            bytes = &bytes[read..];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMON: [&str; 9] =
        ["utf-8", "gbk", "gb18030", "big5", "shift_jis", "euc-kr", "latin1", "iso-2022-jp", "utf-16be"];

    fn charset(label: &str) -> Charset {
        Charset::parse(label).expect(label)
    }

    fn read_in_pieces(charset: Charset, bytes: &[u8], size: usize) -> String {
        let mut text = String::new();
        let mut decoder = charset.decoder();
        bytes.chunks(size).for_each(|piece| decoder.decode(piece, &mut text));
        decoder.finish(&mut text);
        text
    }

    #[test]
    fn charsets_are_found_by_the_names_in_use() {
        let name = |label| charset(label).to_string();
        assert_eq!(name("GB2312"), "GBK");
        assert_eq!(name("cp936"), "GBK");
        assert_eq!(name("CP950"), "Big5");
        assert_eq!(name("utf8"), "UTF-8");
        assert_eq!(name("latin1"), "windows-1252");
    }

    #[test]
    fn an_unknown_charset_is_refused_with_the_common_ones() {
        let error = Charset::parse("klingon\x1b").unwrap_err().to_string();
        assert!(
            error.starts_with("'klingon\\u{1b}' is not a charset known here: write utf-8, gbk, gb18030,"),
            "{error}"
        );
        assert!(Charset::parse("iso-2022-kr").is_err(), "the standard only replaces it");
    }

    #[test]
    fn the_bytes_are_those_of_the_charset() {
        assert_eq!(charset("gbk").encode("中文").unwrap().as_ref(), b"\xd6\xd0\xce\xc4");
        assert_eq!(charset("big5").encode("中文").unwrap().as_ref(), b"\xa4\xa4\xa4\xe5");
        assert_eq!(charset("utf-16le").encode("a中").unwrap().as_ref(), b"a\0\x2d\x4e");
        assert!(matches!(charset("utf-8").encode("中文"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn a_character_that_the_charset_lacks_is_an_error_that_names_it() {
        let error = charset("gbk").encode("ok 😀").unwrap_err();
        assert_eq!(error.character, '😀');
        assert_eq!(
            error.to_string(),
            "'😀' (U+1F600) does not exist in GBK: leave it out, or use --charset utf-8 at both ends"
        );
        assert!(charset("latin1").encode("é€").is_ok());
        assert_eq!(charset("latin1").encode("é中").unwrap_err().character, '中');
    }

    #[test]
    fn a_cut_character_waits_for_its_other_half() {
        let mut text = String::new();
        let mut decoder = charset("gbk").decoder();
        decoder.decode(b"\xd6\xd0\xce", &mut text);
        assert_eq!(text, "中");
        decoder.decode(b"\xc4", &mut text);
        assert_eq!(text, "中文");
        decoder.decode(b"\xce", &mut text);
        decoder.finish(&mut text);
        assert_eq!(text, "中文\u{fffd}");
    }

    #[test]
    fn bytes_that_are_no_character_become_the_replacement_character() {
        assert_eq!(read_in_pieces(Charset::UTF_8, b"a\xffb", 1), "a\u{fffd}b");
        assert_eq!(read_in_pieces(Charset::UTF_8, b"\xef\xbb\xbftext", 2), "text");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_whatever_the_pieces(
            text in "[a-z0-9éß中文件传送あア한글，。😀\n]{0,40}", label in prop::sample::select(&COMMON), size in 1_usize..9,
        ) {
            match charset(label).encode(&text) {
                Ok(bytes) => prop_assert_eq!(read_in_pieces(charset(label), &bytes, size), text),
                Err(error) => prop_assert!(text.contains(error.character)),
            }
        }

        #[test]
        fn any_bytes_read_the_same_whatever_the_pieces(
            bytes in prop::collection::vec(any::<u8>(), 0..200), label in prop::sample::select(&COMMON), size in 1_usize..9,
        ) {
            let whole = read_in_pieces(charset(label), &bytes, 200);
            prop_assert_eq!(read_in_pieces(charset(label), &bytes, size), whole);
        }
    }
}
