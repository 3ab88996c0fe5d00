//! Which characters bytes are. This is the one place where that is decided.
//!
//! The protocol has four ways to say it, and most programs use none: a flag on each packet ([`Options::UTF8`]), lines
//! in UTF-8 beside the old fields (IP Messenger), a section with the charset's name (iptux), or nothing and the code
//! page of a Windows desk (FeiQ: GBK; old IP Messenger: CP932). A [`Reader`] reads by the first of these that fits:
//!
//! 1. Bytes below 0x80 are ASCII in all of them.
//! 2. A packet with the flag is UTF-8.
//! 3. What the peer has announced, or a person has chosen for it.
//! 4. UTF-8: text in a code page is seldom valid UTF-8 by chance, but short text is (GBK `d2bb`, 一, is UTF-8 for
//!    Cyrillic `һ`), so that this comes after what is known for sure.
//! 5. What the peer has been found to use before.
//! 6. The configured fallback.
//!
//! Each is taken only if every byte fits. What fits none is read with U+FFFD for what is no character, so that no
//! message is lost: as UTF-8 if it has the flag, else in the peer's charset, else in the fallback. A peer's charset,
//! once found, stays ([`PeerCharset`]), because iptux, for one, cannot follow a peer that changes it.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::Encoding;
use thiserror::Error;

use crate::command::{EntryOptions, Options};

/// A charset in which ASCII is ASCII: the separators of the protocol keep their meaning in it. UTF-16 is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

/// How sure a peer's charset is. The surer wins, and of two that are equally sure the later; but no guess of UTF-8
/// replaces another guess, since short text in a code page can look like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Text came that is valid in it.
    Guessed,
    /// The peer says so, or its program has no other.
    Announced,
    /// A person says so.
    Chosen,
}

/// What is known of the charset of one peer: the state that stays between its packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCharset(Option<(Charset, Evidence)>);

/// Reads the text of one peer, and learns its charset on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// What is known of the peer: keep it, and read its next packet with it.
    pub peer: PeerCharset,
    /// For text that nothing else fits: [`Charset::GBK`] among FeiQ, [`Charset::SHIFT_JIS`] among old IP Messengers.
    pub fallback: Charset,
    /// Something was read that is no text in any charset tried, and now has U+FFFD in it. Once set it stays set.
    pub lossy: bool,
}

/// How text for one peer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// In these bytes.
    pub charset: Charset,
    /// With [`Options::UTF8`] on each packet where the protocol allows it.
    pub utf8_option: bool,
}

/// A character that a charset does not have. Nothing is sent in its place.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("'{}' (U+{:04X}) does not exist in {charset}, which is all that the receiver reads: leave it out", character.escape_debug(), u32::from(*character))]
pub struct Unmappable {
    /// The first such character.
    pub character: char,
    /// The charset it was meant for.
    pub charset: Charset,
}

/// Windows' code pages, where the standard has no such label.
const CODE_PAGES: [(&str, &str); 5] =
    [("cp932", "shift_jis"), ("cp936", "gbk"), ("cp949", "euc-kr"), ("cp950", "big5"), ("cp65001", "utf-8")];

impl Charset {
    /// What every program of today reads.
    pub const UTF_8: Self = Self(encoding_rs::UTF_8);
    /// The code page of a Chinese Windows. It reads all of GB18030, and writes only what such a desk can show.
    pub const GBK: Self = Self(encoding_rs::GBK);
    /// GBK with all of Unicode in four bytes each, which iptux writes.
    pub const GB18030: Self = Self(encoding_rs::GB18030);
    /// The code page of a Japanese Windows, CP932.
    pub const SHIFT_JIS: Self = Self(encoding_rs::SHIFT_JIS);

    /// Finds a charset by any of its names (<https://encoding.spec.whatwg.org>, and Windows' numbers as `cp936`), in
    /// any case. None for one that is unknown, or in which ASCII is not ASCII.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        let code_page = CODE_PAGES.iter().find(|(page, _)| label.eq_ignore_ascii_case(page));
        let standard = code_page.map_or(label, |(_, standard)| standard);
        Encoding::for_label(standard.as_bytes()).filter(|found| found.is_ascii_compatible()).map(Self)
    }

    /// The name in the standard, in lower case as iptux writes it.
    #[must_use]
    pub fn label(self) -> String {
        self.0.name().to_ascii_lowercase()
    }

    /// Writes text in this charset. A character it does not have is never replaced, neither by another nor by
    /// `&#NNN;`.
    ///
    /// # Errors
    /// On the first such character.
    pub fn encode(self, text: &str) -> Result<Cow<'_, [u8]>, Unmappable> {
        let (bytes, _, replaced) = self.0.encode(text);
        let missing = |character: &char| self.0.encode(character.encode_utf8(&mut [0; 4])).2;
        match text.chars().filter(|_| replaced).find(missing) {
            Some(character) => Err(Unmappable { character, charset: self }),
            None => Ok(bytes),
        }
    }

    fn decode_strictly(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        self.0.decode_without_bom_handling_and_without_replacement(bytes)
    }
}

impl PeerCharset {
    /// A charset that a person has chosen for this peer.
    #[must_use]
    pub fn chosen(charset: Charset) -> Self {
        Self(Some((charset, Evidence::Chosen)))
    }

    /// What it is, if it is known.
    #[must_use]
    pub fn charset(self) -> Option<Charset> {
        self.0.map(|(charset, _)| charset)
    }

    /// Takes note of a charset, unless something surer is known.
    pub fn learn(&mut self, charset: Charset, evidence: Evidence) {
        let replaces = match self.0 {
            Some((_, Evidence::Guessed)) if evidence == Evidence::Guessed => charset != Charset::UTF_8,
            Some((_, known)) => evidence >= known,
            None => true,
        };
        if replaces {
            self.0 = Some((charset, evidence));
        }
    }

    fn at_least(self, least: Evidence) -> Option<Charset> {
        self.0.filter(|(_, evidence)| *evidence >= least).map(|(charset, _)| charset)
    }
}

impl Reader {
    /// For a peer of which nothing is known yet.
    #[must_use]
    pub fn new(fallback: Charset) -> Self {
        Self { peer: PeerCharset::default(), fallback, lossy: false }
    }

    /// Reads text; `utf8` is whether its packet has [`Options::UTF8`].
    pub fn read<'a>(&mut self, bytes: &'a [u8], utf8: bool) -> Cow<'a, str> {
        if bytes.is_ascii() {
            return String::from_utf8_lossy(bytes);
        }
        let order = [
            utf8.then_some(Charset::UTF_8),
            self.peer.at_least(Evidence::Announced),
            Some(Charset::UTF_8),
            self.peer.charset(),
            Some(self.fallback),
        ];
        for charset in order.into_iter().flatten() {
            if let Some(text) = charset.decode_strictly(bytes) {
                self.peer.learn(charset, Evidence::Guessed);
                return text;
            }
        }
        self.lossy = true;
        let best = if utf8 { Charset::UTF_8 } else { self.peer.charset().unwrap_or(self.fallback) };
        best.0.decode_without_bom_handling(bytes).0
    }

    /// Takes note of the only charset that the peer's program has, unless something as sure is known.
    pub(crate) fn assume(&mut self, charset: Charset) {
        if self.peer.at_least(Evidence::Announced).is_none() {
            self.peer.learn(charset, Evidence::Announced);
        }
    }

    /// Reads text that is UTF-8 wherever it stands.
    pub(crate) fn read_utf8<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        let text = String::from_utf8_lossy(bytes);
        self.lossy |= matches!(text, Cow::Owned(_));
        text
    }
}

impl Dialect {
    /// For peers that understand [`Options::UTF8`].
    pub const FLAGGED_UTF_8: Self = Self { charset: Charset::UTF_8, utf8_option: true };
    /// For peers that read UTF-8 and know no options for it: iptux.
    pub const UTF_8: Self = Self { charset: Charset::UTF_8, utf8_option: false };

    /// For a peer whose presence had these options and whose charset is known this far.
    #[must_use]
    pub fn of(options: Options<EntryOptions>, peer: PeerCharset, fallback: Charset) -> Self {
        if options.has(Options::CAPUTF8) && peer.at_least(Evidence::Chosen).is_none() {
            return Self::FLAGGED_UTF_8;
        }
        Self { charset: peer.charset().unwrap_or(fallback), utf8_option: false }
    }

    /// These options, with or without [`Options::UTF8`] as the dialect has it.
    pub(crate) fn flag<K>(self, options: Options<K>) -> Options<K> {
        let options = options.without(Options::UTF8);
        if self.utf8_option { options | Options::UTF8 } else { options }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YI: &[u8] = b"\xd2\xbb"; // 一 in GBK, һ in UTF-8
    const HELLO_GBK: &[u8] = b"\xc4\xe3\xba\xc3";

    fn peer(charset: Charset, evidence: Evidence) -> PeerCharset {
        let mut peer = PeerCharset::default();
        peer.learn(charset, evidence);
        peer
    }

    fn read(peer: PeerCharset, fallback: Charset, bytes: &[u8], utf8: bool) -> (String, bool) {
        let mut reader = Reader { peer, ..Reader::new(fallback) };
        (reader.read(bytes, utf8).into_owned(), reader.lossy)
    }

    #[test]
    fn text_is_read_by_the_first_rule_that_fits() {
        let nothing = PeerCharset::default();
        let guessed_gbk = peer(Charset::GBK, Evidence::Guessed);
        let says_gbk = peer(Charset::GBK, Evidence::Announced);
        let says_utf8 = peer(Charset::UTF_8, Evidence::Announced);
        let chosen_korean = PeerCharset::chosen(Charset::parse("euc-kr").unwrap());
        let utf8 = "中文".as_bytes();
        for (peer, fallback, bytes, flag, text) in [
            (nothing, Charset::GBK, &b"ascii"[..], false, "ascii"),
            (nothing, Charset::GBK, utf8, false, "中文"),
            (nothing, Charset::GBK, HELLO_GBK, false, "你好"),
            (nothing, Charset::SHIFT_JIS, b"\x93\xfa\x96\x7b", false, "日本"),
            (says_gbk, Charset::GBK, utf8, true, "中文"),
            (says_gbk, Charset::GBK, utf8, false, "涓\u{e15f}枃"),
            (guessed_gbk, Charset::GBK, utf8, false, "中文"),
            (says_gbk, Charset::GBK, YI, false, "一"),
            (guessed_gbk, Charset::GBK, YI, false, "һ"),
            (says_utf8, Charset::GBK, HELLO_GBK, false, "你好"),
            (guessed_gbk, Charset::SHIFT_JIS, HELLO_GBK, false, "你好"),
            (chosen_korean, Charset::GBK, b"\xb0\xa1", false, "가"),
            (chosen_korean, Charset::GBK, "가".as_bytes(), true, "가"),
            // GB18030: what four bytes of it say, GBK reads too.
            (says_gbk, Charset::GBK, b"\x94\x39\xfc\x36", false, "😀"),
        ] {
            assert_eq!(
                read(peer, fallback, bytes, flag),
                (text.to_owned(), false),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn what_is_no_text_at_all_is_read_as_far_as_it_goes_and_never_dropped() {
        let nothing = PeerCharset::default();
        assert_eq!(
            read(nothing, Charset::GBK, b"ok \xff\xff!", false),
            ("ok \u{fffd}\u{fffd}!".to_owned(), true)
        );
        assert_eq!(read(nothing, Charset::GBK, b"ok \xff", true), ("ok \u{fffd}".to_owned(), true));
        let says_korean = peer(Charset::parse("euc-kr").unwrap(), Evidence::Announced);
        assert_eq!(read(says_korean, Charset::GBK, b"\xb0\xa1\xff", false), ("가\u{fffd}".to_owned(), true));
    }

    #[test]
    fn a_peers_charset_once_found_stays_until_something_surer_comes() {
        let mut reader = Reader::new(Charset::GBK);
        reader.read(b"ascii says nothing", false);
        assert_eq!(reader.peer.charset(), None);
        reader.read("中文".as_bytes(), false);
        assert_eq!(reader.peer.charset(), Some(Charset::UTF_8));
        reader.read(HELLO_GBK, false);
        assert_eq!(reader.peer.charset(), Some(Charset::GBK), "that cannot have been UTF-8");
        reader.read("中文".as_bytes(), false);
        assert_eq!(reader.peer.charset(), Some(Charset::GBK), "that may be chance");
        reader.peer.learn(Charset::UTF_8, Evidence::Announced);
        reader.peer.learn(Charset::GB18030, Evidence::Announced);
        reader.read("中文".as_bytes(), true);
        assert_eq!(reader.peer.charset(), Some(Charset::GB18030), "the later of two announcements");
        reader.peer = PeerCharset::chosen(Charset::SHIFT_JIS);
        reader.peer.learn(Charset::UTF_8, Evidence::Announced);
        assert_eq!(reader.peer.charset(), Some(Charset::SHIFT_JIS), "a person knows best");
    }

    #[test]
    fn a_peer_is_answered_in_its_charset_and_with_the_option_only_if_it_knows_it() {
        let utf8_option = |options, peer| {
            let dialect = Dialect::of(options, peer, Charset::GBK);
            (dialect.charset, dialect.utf8_option)
        };
        let unknown = PeerCharset::default();
        assert_eq!(utf8_option(Options::CAPUTF8, unknown), (Charset::UTF_8, true));
        assert_eq!(
            utf8_option(Options::CAPUTF8, peer(Charset::GBK, Evidence::Announced)),
            (Charset::UTF_8, true)
        );
        assert_eq!(utf8_option(Options::CAPUTF8, PeerCharset::chosen(Charset::GBK)), (Charset::GBK, false));
        assert_eq!(utf8_option(Options::NONE, unknown), (Charset::GBK, false));
        assert_eq!(
            utf8_option(Options::NONE, peer(Charset::UTF_8, Evidence::Guessed)),
            (Charset::UTF_8, false)
        );
    }

    #[test]
    fn a_character_that_the_peer_cannot_read_is_named_and_not_replaced() {
        let error = Charset::GBK.encode("ok 😀").unwrap_err();
        assert_eq!(
            error.to_string(),
            "'😀' (U+1F600) does not exist in GBK, which is all that the receiver reads: leave it out"
        );
        assert_eq!(Charset::GB18030.encode("😀").unwrap().as_ref(), b"\x94\x39\xfc\x36");
        assert_eq!(Charset::SHIFT_JIS.encode("日本").unwrap().as_ref(), b"\x93\xfa\x96\x7b");
        assert_eq!(Charset::SHIFT_JIS.encode("们").unwrap_err().character, '们');
    }

    #[test]
    fn charsets_have_the_names_that_programs_give_them() {
        for (label, charset) in [
            ("utf-8", Charset::UTF_8),
            ("UTF8", Charset::UTF_8),
            ("cp65001", Charset::UTF_8),
            ("gb2312", Charset::GBK),
            ("CP936", Charset::GBK),
            ("gb18030", Charset::GB18030),
            ("cp932", Charset::SHIFT_JIS),
        ] {
            assert_eq!(Charset::parse(label), Some(charset), "{label}");
        }
        for unusable in ["utf-16", "utf-16be", "iso-2022-jp", "iso-2022-kr", "icon-tux.png", "", "\u{1b}"] {
            assert_eq!(Charset::parse(unusable), None, "{unusable}");
        }
        assert_eq!((Charset::GBK.label(), Charset::UTF_8.label()), ("gbk".to_owned(), "utf-8".to_owned()));
    }

    #[test]
    fn no_charset_has_a_separator_inside_a_character() {
        for label in ["gbk", "gb18030", "shift_jis", "euc-kr", "big5", "euc-jp"] {
            let charset = Charset::parse(label).unwrap();
            for (lead, separator) in
                (0x80..=0xff).flat_map(|lead| b"\0\x07\n:".map(|separator| (lead, separator)))
            {
                for bytes in [vec![lead, separator], vec![lead, 0x30, lead, separator]] {
                    let text = charset.decode_strictly(&bytes);
                    let swallowed = text.as_ref().is_some_and(|text| !text.ends_with(char::from(separator)));
                    assert!(!swallowed, "{} is {text:?} in {label}", bytes.escape_ascii());
                }
            }
        }
    }
}
