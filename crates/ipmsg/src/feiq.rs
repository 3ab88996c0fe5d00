//! FeiQ (飞秋), a Chinese relative of IP Messenger: what it adds to version and text.
//!
//! Seen in the code of others only; no FeiQ was at hand. Its other modes have names in [`crate::Mode`].

use std::borrow::Cow;

use crate::number;

/// What FeiQ writes into the version of each packet: `1_lbt6_0#128#020000000001#0#0#0#4001#9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// 4 in older ones, 6 since 2013.
    pub generation: u32,
    /// The number of the picture that stands for the person.
    pub avatar: u32,
    /// The address of the network card: a claim, but one that stays when the IP address moves.
    pub mac: Option<[u8; 6]>,
}

impl Version {
    /// Reads the version of a packet; none where it is not FeiQ's.
    #[must_use]
    pub fn parse(version: &[u8]) -> Option<Self> {
        let rest = version.strip_prefix(b"1_lbt")?;
        let underscore = rest.iter().position(|byte| *byte == b'_')?;
        let generation = number::decimal(&rest[..underscore])?;
        let mut fields = rest[underscore + 1..].split(|byte| *byte == b'#');
        let avatar = number::decimal(fields.next()?)?;
        Some(Self { generation, avatar, mac: fields.nth(1).and_then(mac) })
    }
}

/// Twelve hexadecimal digits.
fn mac(digits: &[u8]) -> Option<[u8; 6]> {
    let number = number::hex64(digits).filter(|_| digits.len() == 12)?;
    number.to_be_bytes()[2..].try_into().ok()
}

/// The text without the font that FeiQ writes behind it: `{/font;-16 0 0 0 400 0 0 0 134 0 0 2 32 微软雅黑 8404992;}`, or
/// `{-10,0,...}` in older ones.
#[must_use]
pub fn without_font(text: Cow<'_, str>) -> Cow<'_, str> {
    let Some(start) = font(&text) else { return text };
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..start]),
        Cow::Owned(mut text) => {
            text.truncate(start);
            Cow::Owned(text)
        }
    }
}

/// Where the font begins, if the text ends with one: Windows' `LOGFONT`, which begins with numbers of which the
/// first, the height, is not positive.
fn font(text: &str) -> Option<usize> {
    let start = text.rfind('{')?;
    let inside = text[start + 1..].trim_end().strip_suffix('}')?;
    let (numbers, separator) = match inside.strip_prefix("/font;") {
        Some(numbers) => (numbers, ' '),
        None => (inside, ','),
    };
    let mut numbers = numbers.split(separator).take(NUMBERS_OF_A_FONT).map(str::parse::<i32>);
    let height = numbers.next()?.ok()?;
    let rest = numbers.filter(Result::is_ok).count();
    (height <= 0 && rest == NUMBERS_OF_A_FONT - 1).then_some(start)
}

/// Height, width, two angles and weight: what all spellings begin with.
const NUMBERS_OF_A_FONT: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_tells_avatar_and_card() {
        let version = Version::parse(b"1_lbt6_5#128#0200000000aB#0#0#0#4001#9");
        assert_eq!(version, Some(Version { generation: 6, avatar: 5, mac: Some([2, 0, 0, 0, 0, 0xab]) }));
        let older = Version::parse(b"1_lbt4_10#32899#001122334455#0#0#0").unwrap();
        assert_eq!(
            (older.generation, older.avatar, older.mac),
            (4, 10, Some([0, 0x11, 0x22, 0x33, 0x44, 0x55]))
        );
        assert_eq!(Version::parse(b"1_lbt6_0").unwrap().mac, None);
        assert_eq!(Version::parse(b"1_lbt6_0#128#xx#0").unwrap().mac, None);
        for other in [&b"1"[..], b"1_iptux 0.8.3", b"1_lbt", b"1_lbt6", b"1_lbt_0", b"1_lbt6_#", b"1_lbtx_0"]
        {
            assert_eq!(Version::parse(other), None, "{}", other.escape_ascii());
        }
    }

    #[test]
    fn the_font_behind_a_text_is_taken_off_and_nothing_else() {
        for (text, shown) in [
            ("你好{/font;-16 0 0 0 400 0 0 0 134 0 0 2 32 微软雅黑 8404992;}", "你好"),
            ("1122{/font;-8 0 0 0 400 0 0 0 1 0 0 2 32 宋体 0;} ", "1122"),
            ("hi{-10,0,0,0,400,0,0,0,134,3,2,1,2,宋体,0}", "hi"),
            ("{/font;-16 0 0 0 400 0 0 0 134 0 0 2 32 Arial 0;}", ""),
            ("fn main() {}", "fn main() {}"),
            ("{1,2,3,4,5}", "{1,2,3,4,5}"),
            ("{-1,2,3}", "{-1,2,3}"),
            ("{/font;}", "{/font;}"),
            ("{/font;-16 0 0 0 400;} and more", "{/font;-16 0 0 0 400;} and more"),
            ("}", "}"),
            ("", ""),
        ] {
            assert_eq!(without_font(text.into()), shown);
            assert_eq!(without_font(Cow::Owned(text.to_owned())), shown);
        }
    }
}
