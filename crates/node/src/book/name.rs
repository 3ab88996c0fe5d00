//! Names as the book takes them: any script, but nothing that a person could misread or the grammar of targets would
//! read as something else.

use std::fmt;
use std::str::FromStr;

use net::Untrusted;
use serde::Serialize;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

/// Bytes in the longest name: as many as DNS has in a host's (RFC 1035 section 2.3.4), and more than IP Messenger
/// shows of a person's.
pub const NAME_MAX: usize = 255;

/// What the grammar of targets gives a meaning: sets (`n[01-40],!x&y^z`), addresses and paths (`host:/path`), and
/// `user@host`, `@group`.
const GRAMMAR: [char; 9] = [',', '[', ']', '!', '&', '^', '/', ':', '@'];

/// The name of a person, a machine, an endpoint or a group, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// Why a text is no name. The message shows the text, made safe to look at.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name is empty: write at least one character")]
    Empty,
    /// More than [`NAME_MAX`] bytes.
    #[error("a name has at most {NAME_MAX} bytes, '{}' has {bytes}", Untrusted::from(name.as_str()).preview(20))]
    TooLong {
        /// The name.
        name: String,
        /// Its bytes.
        bytes: usize,
    },
    /// A control character, a mark that changes the direction of text, or another one without a shape.
    #[error("'{}' has a character that is not seen: leave it out", Untrusted::from(name.as_str()))]
    Unseen {
        /// The name.
        name: String,
    },
    /// A space that one overlooks.
    #[error("'{name}' begins or ends with a space: leave it out")]
    Space {
        /// The name.
        name: String,
    },
    /// `-x` takes x out of a set, and is how options begin.
    #[error("'{name}' begins with '-', which would take a name out of a set: begin with another character")]
    Dash {
        /// The name.
        name: String,
    },
    /// A character of the grammar, in any width.
    #[error(
        "'{name}' has '{character}' in it, which sets, addresses and user@host are made of: leave it out"
    )]
    Grammar {
        /// The name.
        name: String,
        /// The first such character, as written.
        character: char,
    },
}

impl Name {
    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The form in which names are compared without regard to case and width: NFKC (Unicode Standard Annex #15) and
/// lower case, character by character, so that the parts of a range may be folded one by one.
#[must_use]
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

fn check(text: &str) -> Result<(), NameError> {
    let name = || text.to_owned();
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_MAX {
        return Err(NameError::TooLong { name: name(), bytes: text.len() });
    }
    // A tab and a line feed are seen on a screen, but not in a name.
    if text.contains(char::is_control) || Untrusted::from(text).multiline().to_string() != text {
        return Err(NameError::Unseen { name: name() });
    }
    if text.trim() != text {
        return Err(NameError::Space { name: name() });
    }
    if fold(text).starts_with('-') {
        return Err(NameError::Dash { name: name() });
    }
    // '，' and '：' too: they look like the others, and are the others where width is ignored.
    match text.chars().find(|&character| std::iter::once(character).nfkc().any(|c| GRAMMAR.contains(&c))) {
        Some(character) => Err(NameError::Grammar { name: name(), character }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Name>().expect_err(text).to_string()
    }

    #[test]
    fn names_are_of_any_script() {
        for text in ["printer", "张三", "会議室 2", "n-01.lab", "R&D"] {
            assert_eq!(text.parse::<Name>().is_ok(), text != "R&D", "{text}");
        }
        assert_eq!("Ünïcode's (old)".parse::<Name>().unwrap().to_string(), "Ünïcode's (old)");
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        assert_eq!(error(""), "a name is empty: write at least one character");
        assert_eq!(error("a\x1b[2J"), r"'a\x1b[2J' has a character that is not seen: leave it out");
        assert_eq!(
            error("exe\u{202e}txt"),
            r"'exe\u{202e}txt' has a character that is not seen: leave it out"
        );
        assert_eq!(error("a\tb"), r"'a\tb' has a character that is not seen: leave it out");
        assert_eq!(error(" a"), "' a' begins or ends with a space: leave it out");
        assert_eq!(error("a\u{3000}"), "'a\u{3000}' begins or ends with a space: leave it out");
        assert!(error("-a").starts_with("'-a' begins with '-'"));
        assert!(error("－a").starts_with("'－a' begins with '-'"), "the same where width is ignored");
        for text in ["a,b", "[a", "a]", "!a", "a&b", "a^b", "a/b", "a:b", "@a", "a@b", "张三，李四", "a：b"]
        {
            assert!(error(text).contains("which sets, addresses and user@host are made of"), "{text}");
        }
        let long = "长".repeat(NAME_MAX / 3 + 1);
        assert_eq!(
            error(&long),
            format!("a name has at most 255 bytes, '{}… (258 bytes)' has 258", "长".repeat(19))
        );
        assert!("长".repeat(NAME_MAX / 3).parse::<Name>().is_ok());
    }

    #[test]
    fn folding_ignores_case_and_width() {
        for (one, other) in [("PC21", "pc21"), ("ＰＣ２１", "pc21"), ("ﾌﾟﾘﾝﾀ", "プリンタ"), ("É", "e\u{301}")]
        {
            assert_eq!(fold(one), fold(other), "{one}");
        }
        assert_ne!(fold("张三"), fold("張三"));
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn a_name_is_read_as_it_is_printed_and_folds_into_nothing_of_the_grammar(text in "\\PC{1,8}") {
            if let Ok(name) = text.parse::<Name>() {
                prop_assert_eq!(name.to_string(), text.as_str());
                prop_assert!(!fold(&text).contains(GRAMMAR), "{}", fold(&text));
            }
        }
    }
}
