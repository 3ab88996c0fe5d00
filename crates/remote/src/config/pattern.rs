//! The patterns of ssh_config(5): `*` is any text, `?` any one byte, `!` before a pattern takes out what it matches.

use std::collections::BTreeSet;

/// Patterns of one `Host` line, of one criterion of a `Match` line, or of one place in a list of algorithms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    /// Without wildcards.
    names: BTreeSet<String>,
    wildcards: Vec<String>,
    /// What stood behind a `!`.
    negated: Vec<String>,
}

impl Patterns {
    pub(crate) fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut patterns = Self::default();
        for word in words {
            if let Some(pattern) = word.strip_prefix('!') {
                patterns.negated.push(pattern.to_owned());
            } else if word.contains(['*', '?']) {
                patterns.wildcards.push(word.to_owned());
            } else {
                patterns.names.insert(word.to_owned());
            }
        }
        patterns
    }

    /// One pattern matches, and none that is negated does.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let any = |patterns: &[String]| {
            patterns.iter().any(|pattern| is_match(pattern.as_bytes(), name.as_bytes()))
        };
        (self.has_name(name) || any(&self.wildcards)) && !any(&self.negated)
    }

    /// This name is one of the patterns.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The patterns without wildcards that are not negated, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

/// Goes back only to the last `*`, so that no pattern takes longer than its length times that of the name.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == b'?' || *c == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((stood, taken)) = star else { return false };
                star = Some((stood, taken + 1));
                (at, seen) = (stood + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(words: &str, name: &str) -> bool {
        Patterns::new(words.split(' ')).matches(name)
    }

    #[test]
    fn stars_and_question_marks_match_as_in_ssh() {
        for (pattern, name) in [
            ("a", "a"),
            ("*", ""),
            ("a*c", "abbc"),
            ("?.lab", "x.lab"),
            ("*.l?b", "a.b.lab"),
            ("**a*", "bab"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "A"), ("a", "ab"), ("a?", "a"), ("*.lab", "lab"), ("", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_negated_pattern_takes_out_and_never_puts_in() {
        assert!(matches("n* !n7", "n6") && !matches("n* !n7", "n7") && !matches("!n7 n*", "n7"));
        assert!(!matches("!n7", "n6"));
    }

    #[test]
    fn names_are_the_patterns_without_wildcards_and_negation() {
        let patterns = Patterns::new(["a", "b*", "!c", "d?"]);
        assert_eq!(patterns.names().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_not() {
        assert!(!matches(&"*a".repeat(500), &"a".repeat(499)));
    }
}
