//! How a text is made ready for SQLite's FTS5, so that a search finds words of any script.
//!
//! FTS5 takes what stands between spaces and punctuation for one word, and Chinese has no spaces: a whole sentence would
//! be one word. So every character of such a script becomes a word of its own, in what is written and in what is sought,
//! and what is sought has to stand in that order, without anything between.

use unicode_normalization::UnicodeNormalization as _;

/// The first of the scripts without spaces: from here on are the radicals, kana, ideographs, and behind them emoji. (Those
/// of India and South-East Asia are before it.) Hangul is here as well, which does no harm.
const FIRST: char = '\u{2e80}';

/// Letters after which a word counts as begun. There is an index of beginnings of this length (`prefix` in `migrations.rs`);
/// with one letter, which most messages have, all of their words would be looked at.
const BEGUN: usize = 2;

/// A text as FTS5 is to index it. Characters that differ in width alone are the same.
pub(super) fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + text.len() / 2);
    for character in text.nfkc() {
        if character >= FIRST {
            words.extend([' ', character, ' ']);
        } else {
            words.push(character);
        }
    }
    words
}

/// The query that finds a text: its words one after the other, the last of them perhaps only begun ([`BEGUN`]). Whatever stands in
/// the text, FTS5 sees one quoted phrase and none of its operators.
pub(super) fn phrase(text: &str) -> String {
    let sought: String =
        words(text).chars().map(|it| if it == '"' || it.is_control() { ' ' } else { it }).collect();
    let is_begun = sought.chars().rev().take(BEGUN).filter(|it| it.is_alphanumeric()).count() == BEGUN;
    format!("\"{sought}\"{}", if is_begun { " *" } else { "" })
}
