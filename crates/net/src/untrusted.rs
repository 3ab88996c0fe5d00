//! Text from outside, made safe to look at. This is the only way such text reaches a terminal or a log.
//!
//! A terminal obeys what it shows: an escape sequence can retitle the window, write to the clipboard, move back
//! and overwrite what stood there; a bidirectional mark turns `txt.exe` into `exe.txt`. All of these become visible
//! escapes, as in Rust's string literals:
//!
//! ```
//! use net::untrusted::Untrusted;
//!
//! let message = Untrusted::from("\x1b]0;root@server\x07 done\n");
//! assert_eq!(message.to_string(), r"\x1b]0;root@server\x07 done\n");
//! assert_eq!(message.multiline().to_string(), "\\x1b]0;root@server\\x07 done\n");
//! assert_eq!(message.preview(9).to_string(), r"\x1b]0;r… (22 bytes)");
//! ```
//!
//! Escaped are: control characters (C0, DEL, C1), bytes that are no UTF-8, line and paragraph separators, the marks
//! that change the direction of text, and every other character without a shape of its own, for names that look the
//! same must be the same. Joiners and variation selectors have no shape either, but Persian, the scripts of India,
//! emoji and the characters of Japanese names are not written without them: they stay where they do that work,
//! behind a character beyond ASCII, and are escaped elsewhere.

use std::fmt::{self, Write};

use crate::charset::{Charset, TextDecoder};

/// Text from outside, most often UTF-8. It prints as one line, in which a backslash is doubled: what was sent can
/// be told from the output without doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untrusted<'a>(&'a [u8]);

/// Prints text from outside as the lines it has, for reading: see [`Untrusted::multiline`].
#[derive(Clone, Copy, Debug)]
pub struct Multiline<'a>(&'a [u8]);

/// Prints the beginning of text from outside: see [`Untrusted::preview`].
#[derive(Clone, Copy, Debug)]
pub struct Preview<'a> {
    bytes: &'a [u8],
    max: usize,
}

/// Prints text from outside that comes in pieces, as the lines it has. What is cut at the edge of a piece is shown
/// with the next one: a character, the two halves of CR LF.
pub struct Screen {
    decoder: TextDecoder,
    escaper: Escaper,
    /// Decoded and not shown yet.
    text: String,
}

impl<'a> Untrusted<'a> {
    /// Text for reading on a screen: LF and tab stay, CR LF becomes LF, and a backslash stays one, so that paths
    /// and programs look as they are. An escape in it may therefore be one that was sent; none does anything.
    #[must_use]
    pub fn multiline(self) -> Multiline<'a> {
        Multiline(self.0)
    }

    /// The beginning, as one line of at most `max` characters, escapes counted as they print. Where that is not
    /// all, it ends with `…` and says how many bytes there are.
    #[must_use]
    pub fn preview(self, max: usize) -> Preview<'a> {
        Preview { bytes: self.0, max }
    }
}

impl<'a> From<&'a [u8]> for Untrusted<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> From<&'a str> for Untrusted<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaper::line().write(self.0, f)
    }
}

impl fmt::Display for Multiline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaper::multiline().write(self.0, f)
    }
}

impl fmt::Display for Preview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if fitting(self.bytes, self.max) == self.bytes.len() {
            return Untrusted(self.bytes).fmt(f);
        }
        let cut = fitting(self.bytes, self.max.saturating_sub(1));
        write!(f, "{}… ({} bytes)", Untrusted(&self.bytes[..cut]), self.bytes.len())
    }
}

impl Screen {
    /// For text in this charset.
    #[must_use]
    pub fn new(charset: Charset) -> Self {
        Self { decoder: charset.decoder(), escaper: Escaper::multiline(), text: String::new() }
    }

    /// What to print for these bytes.
    #[must_use]
    pub fn show(&mut self, bytes: &[u8]) -> String {
        self.decoder.decode(bytes, &mut self.text);
        let held = self.text.ends_with('\r').then(|| self.text.pop()).flatten();
        let shown = self.escaper.escape(&self.text);
        self.text.clear();
        self.text.extend(held);
        shown
    }

    /// What to print at the end, for what never became whole.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.decoder.finish(&mut self.text);
        self.escaper.escape(&self.text)
    }
}

/// Decides character by character, by what stood before.
struct Escaper {
    multiline: bool,
    before: Before,
}

/// What a joiner or a selector would attach to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing, ASCII, an escape, or a joiner already.
    Nothing,
    /// A visible character beyond ASCII.
    Letter,
    /// Such a character with its variation chosen; a joiner may follow, as in many emoji.
    Selected,
}

/// A character, or a byte that is part of none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Char(char),
    Byte(u8),
}

/// How a unit prints.
enum Shown {
    Nothing,
    Plain(char),
    /// `\n` and the like.
    Letter(char),
    /// `\x1b`: below 80 the ASCII character, from 80 a byte that is part of no character.
    Hex(u8),
    /// `\u{202e}`.
    Unicode(char),
}

impl Escaper {
    fn line() -> Self {
        Self { multiline: false, before: Before::Nothing }
    }

    fn multiline() -> Self {
        Self { multiline: true, before: Before::Nothing }
    }

    fn escape(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        // Writing to a string does not fail.
        let _ = self.write(text.as_bytes(), &mut shown);
        shown
    }

    fn write(&mut self, bytes: &[u8], out: &mut impl Write) -> fmt::Result {
        let mut units = units(bytes).peekable();
        while let Some(unit) = units.next() {
            let shown = self.show(unit, units.peek().copied());
            write!(out, "{shown}")?;
        }
        Ok(())
    }

    fn show(&mut self, unit: Unit, next: Option<Unit>) -> Shown {
        let before = std::mem::replace(&mut self.before, Before::Nothing);
        let character = match unit {
            Unit::Char(character) => character,
            Unit::Byte(byte) => return Shown::Hex(byte),
        };
        match character {
            '\n' | '\t' | '\\' if self.multiline => Shown::Plain(character),
            '\r' if self.multiline && next == Some(Unit::Char('\n')) => Shown::Nothing,
            '\n' => Shown::Letter('n'),
            '\r' => Shown::Letter('r'),
            '\t' => Shown::Letter('t'),
            '\\' => Shown::Letter('\\'),
            ' '..='~' => Shown::Plain(character),
            '\0'..='\x7f' => Shown::Hex(u8::try_from(character).unwrap_or(0x7f)),
            _ if is_selector(character) && before == Before::Letter => {
                self.before = Before::Selected;
                Shown::Plain(character)
            }
            '\u{200c}' | '\u{200d}' if before != Before::Nothing => Shown::Plain(character),
            _ if is_invisible(character) => Shown::Unicode(character),
            _ => {
                self.before = Before::Letter;
                Shown::Plain(character)
            }
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Nothing => Ok(()),
            Self::Plain(character) => f.write_char(character),
            Self::Letter(letter) => write!(f, "\\{letter}"),
            Self::Hex(byte) => write!(f, "\\x{byte:02x}"),
            Self::Unicode(character) => write!(f, "{}", character.escape_unicode()),
        }
    }
}

impl Unit {
    fn len(self) -> usize {
        match self {
            Self::Char(character) => character.len_utf8(),
            Self::Byte(_) => 1,
        }
    }
}

fn units(bytes: &[u8]) -> impl Iterator<Item = Unit> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let characters = chunk.valid().chars().map(Unit::Char);
        characters.chain(chunk.invalid().iter().copied().map(Unit::Byte))
    })
}

/// JSON that holds text from outside, for a place where somebody may look at it: what has no shape stands there as
/// JSON's own escape (RFC 8259 section 7), so that reading it gives the same. JSON asks that only of C0 controls.
#[must_use]
pub fn escape_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\x7f' || is_invisible(character) {
            // Beyond 16 bits it takes two escapes.
            for unit in character.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

/// How many bytes of the front print as at most `max` characters on one line.
fn fitting(bytes: &[u8], max: usize) -> usize {
    let mut escaper = Escaper::line();
    let mut room = max;
    let fits = |unit: &Unit| {
        let width = escaper.show(*unit, None).to_string().chars().count();
        room.checked_sub(width).map(|left| room = left).is_some()
    };
    units(bytes).take_while(fits).map(Unit::len).sum()
}

/// Chooses between the shapes of the character before it (The Unicode Standard, section 23.4).
fn is_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Characters beyond ASCII that have no shape: C1 controls, separators of lines and paragraphs, and what Unicode
/// calls default ignorable or a format character (Cf), but for the Arabic and Kaithi number signs, which are seen.
/// See <https://www.unicode.org/Public/17.0.0/ucd/DerivedCoreProperties.txt>.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{80}'..='\u{9f}' // C1
            | '\u{ad}' // soft hyphen
            | '\u{34f}' // combining grapheme joiner
            | '\u{61c}' // Arabic letter mark
            | '\u{115f}'..='\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
            | '\u{17b4}'..='\u{17b5}' // Khmer inherent vowels
            | '\u{180b}'..='\u{180f}' // Mongolian selectors
            | '\u{200b}'..='\u{200f}' // zero width, left-to-right and right-to-left marks
            | '\u{2028}'..='\u{202e}' // separators, embeddings and overrides
            | '\u{2060}'..='\u{206f}' // joiner, invisible operators, isolates, deprecated
            | '\u{fe00}'..='\u{fe0f}' // selectors
            | '\u{feff}' // byte order mark
            | '\u{fff0}'..='\u{fffb}' // annotations
            | '\u{13430}'..='\u{1343f}' // hieroglyph joiners
            | '\u{1bca0}'..='\u{1bca3}' // shorthand
            | '\u{1d173}'..='\u{1d17a}' // musical
            | '\u{e0000}'..='\u{e0fff}' // tags and selectors
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> String {
        Untrusted::from(text).to_string()
    }

    fn multiline(text: &str) -> String {
        Untrusted::from(text).multiline().to_string()
    }

    #[test]
    fn attacks_on_terminals_and_readers_become_visible() {
        for (attack, text, shown) in [
            ("window title", "\x1b]0;root@server\x07", r"\x1b]0;root@server\x07"),
            ("clipboard", "\x1b]52;c;cm0gLXJmIH4K\x1b\\", r"\x1b]52;c;cm0gLXJmIH4K\x1b\\"),
            (
                "hyperlink",
                "\x1b]8;;http://evil\x07bank\x1b]8;;\x07",
                r"\x1b]8;;http://evil\x07bank\x1b]8;;\x07",
            ),
            ("clear screen", "\x1b[2J\x1b[H", r"\x1b[2J\x1b[H"),
            ("CSI in one character", "\u{9b}31m", r"\u{9b}31m"),
            ("OSC in one character", "\u{9d}0;x\u{9c}", r"\u{9d}0;x\u{9c}"),
            ("device query", "\x1b[6n\x05", r"\x1b[6n\x05"),
            ("overwritten line", "rm -rf ~\rls", r"rm -rf ~\rls"),
            ("rubbed out", "no\x08\x08yes\x7f", r"no\x08\x08yes\x7f"),
            ("forged log line", "ok\n12:00 root logged in", r"ok\n12:00 root logged in"),
            ("forged with a separator", "ok\u{2028}root\u{2029}\u{85}", r"ok\u{2028}root\u{2029}\u{85}"),
            ("file name backwards", "photo\u{202e}gpj.exe", r"photo\u{202e}gpj.exe"),
            (
                "trojan source",
                "\u{2066}if admin\u{2069}\u{200f}\u{61c}",
                r"\u{2066}if admin\u{2069}\u{200f}\u{61c}",
            ),
            (
                "name with nothing in it",
                "ad\u{200b}m\u{ad}in\u{2060}\u{feff}",
                r"ad\u{200b}m\u{ad}in\u{2060}\u{feff}",
            ),
            ("name with a joiner", "admin\u{200d}\u{200c}\u{fe0f}", r"admin\u{200d}\u{200c}\u{fe0f}"),
            ("empty name", "\u{3164}\u{115f}", r"\u{3164}\u{115f}"),
            ("hidden text", "hi\u{e0068}\u{e0069}", r"hi\u{e0068}\u{e0069}"),
            ("cut short", "a\0b", r"a\x00b"),
            ("feigned escape", r"\x1b", r"\\x1b"),
        ] {
            assert_eq!(line(text), shown, "{attack}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_bytes() {
        assert_eq!(Untrusted::from(&b"\xffa\x9b1m\xe4\xb8"[..]).to_string(), r"\xffa\x9b1m\xe4\xb8");
    }

    #[test]
    fn text_of_all_scripts_stays_as_it_is() {
        for text in [
            "中文，全角　",
            "مرحبا",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "한글",
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "葛\u{e0100}",
            "e\u{301}",
        ] {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn a_joiner_works_once_and_hides_no_message() {
        assert_eq!(line("中\u{200d}\u{200d}\u{200c}"), "中\u{200d}\\u{200d}\\u{200c}");
        assert_eq!(line("中\u{fe00}\u{fe01}"), "中\u{fe00}\\u{fe01}");
    }

    #[test]
    fn on_a_screen_lines_tabs_and_backslashes_stay() {
        assert_eq!(multiline("C:\\dir\r\n\ttwo\n\x1b[1m"), "C:\\dir\n\ttwo\n\\x1b[1m");
        assert_eq!(multiline("50%\r100%\r\r\n"), "50%\\r100%\\r\n");
    }

    #[test]
    fn a_preview_is_cut_between_characters_and_says_how_much_there_is() {
        let preview = |text: &'static str, max| Untrusted::from(text).preview(max).to_string();
        assert_eq!(preview("hello", 5), "hello");
        assert_eq!(preview("hello!", 5), "hell… (6 bytes)");
        assert_eq!(preview("中文消息", 3), "中文… (12 bytes)");
        assert_eq!(preview("a\x1bbcd", 4), "a… (5 bytes)");
        assert_eq!(preview("text", 0), "… (4 bytes)");
        assert_eq!(preview("", 0), "");
    }

    #[test]
    fn what_is_cut_between_two_pieces_is_shown_whole() {
        let mut screen = Screen::new(Charset::parse("gbk").unwrap());
        assert_eq!(screen.show(b"\xd6"), "");
        assert_eq!(screen.show(b"\xd0\r"), "中");
        assert_eq!(screen.show(b"\n\r"), "\n");
        assert_eq!(screen.show(b"x\r\xce"), "\\rx");
        assert_eq!(screen.finish(), "\\r\u{fffd}");
    }

    /// Reads a line's escapes as its documentation has them.
    fn unescape(line: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            rest = &rest[character.len_utf8()..];
            let (byte, length) = match (character, rest.as_bytes().first()) {
                ('\\', Some(b'n')) => (b'\n', 1),
                ('\\', Some(b'r')) => (b'\r', 1),
                ('\\', Some(b't')) => (b'\t', 1),
                ('\\', Some(b'\\')) => (b'\\', 1),
                ('\\', Some(b'x')) => (u8::from_str_radix(&rest[1..3], 16).unwrap(), 3),
                ('\\', Some(b'u')) => {
                    let (digits, after) = rest[2..].split_once('}').unwrap();
                    let character = char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap();
                    bytes.extend(character.to_string().bytes());
                    rest = after;
                    continue;
                }
                (character, _) => {
                    bytes.extend(character.to_string().bytes());
                    continue;
                }
            };
            bytes.push(byte);
            rest = &rest[length..];
        }
        bytes
    }

    #[test]
    fn json_shows_nothing_dangerous_and_reads_as_the_same() {
        let text = "中文 \u{1b}[31m\u{7f}\u{9b}2J\u{202e}\u{e0041}\u{1f468}\u{200d}";
        let json = escape_json(&serde_json::to_string(text).unwrap());
        assert!(!json.contains(is_dangerous) && !json.contains('\u{e0041}'), "{json}");
        assert!(json.contains("中文") && json.contains("\\u202e\\udb40\\udc41"), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    /// Text and bytes with more than their share of what is dangerous.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let text = "[\\PC\\x00-\\xa0\\\\\u{200b}-\u{2069}\u{fe00}-\u{fe0f}中👨nxu{}0-9a-f]{0,40}";
        prop_oneof![
            text.prop_map(String::into_bytes),
            any::<String>().prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..60),
        ]
    }

    fn is_dangerous(character: char) -> bool {
        character.is_control()
            || matches!(u32::from(character), 0x61c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069)
    }

    proptest! {
        #[test]
        fn a_line_holds_nothing_dangerous_and_says_exactly_what_was_sent(bytes in hostile()) {
            let line = Untrusted::from(&bytes[..]).to_string();
            prop_assert!(!line.contains(is_dangerous), "{line:?}");
            prop_assert_eq!(unescape(&line), bytes);
        }

        #[test]
        fn a_screen_gets_no_control_but_line_feed_and_tab(bytes in hostile(), size in 1_usize..9) {
            let whole = Untrusted::from(&bytes[..]).multiline().to_string();
            prop_assert!(!whole.replace(['\n', '\t'], "").contains(is_dangerous), "{whole:?}");
            let mut screen = Screen::new(Charset::UTF_8);
            let mut shown: String = bytes.chunks(size).map(|piece| screen.show(piece)).collect();
            shown += &screen.finish();
            prop_assert!(!shown.replace(['\n', '\t'], "").contains(is_dangerous), "{shown:?}");
            let text = String::from_utf8_lossy(&bytes);
            prop_assert_eq!(shown, multiline(text.strip_prefix('\u{feff}').unwrap_or(&text)));
        }

        #[test]
        fn a_preview_is_no_longer_than_asked(bytes in hostile(), max in 0_usize..30) {
            let preview = Untrusted::from(&bytes[..]).preview(max).to_string();
            let tail = format!("… ({} bytes)", bytes.len());
            let shown = preview.strip_suffix(&tail).map_or(preview.chars().count(), |cut| cut.chars().count() + 1);
            prop_assert!(shown <= max.max(1));
            prop_assert!(Untrusted::from(&bytes[..]).to_string().starts_with(preview.strip_suffix(&tail).unwrap_or(&preview)));
        }
    }
}
