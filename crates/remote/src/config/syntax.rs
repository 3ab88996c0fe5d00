//! A line of ssh_config(5): its keyword and its arguments.

/// A line that is neither empty nor a comment.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// In lower case: the case of a keyword means nothing.
    pub(super) keyword: String,
    /// All of it, without the blanks around it.
    pub(super) text: &'a str,
    rest: &'a str,
}

impl<'a> Line<'a> {
    /// `None` is a line that says nothing.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let text = line.trim_matches([' ', '\t', '\r', '\x0c']);
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let (keyword, rest) = text.split_at(text.find([' ', '\t', '=']).unwrap_or(text.len()));
        let rest = rest.trim_start_matches([' ', '\t']);
        let rest = rest.strip_prefix('=').unwrap_or(rest);
        Some(Self { keyword: keyword.to_ascii_lowercase(), text, rest })
    }

    /// Words between blanks, up to a `#` that begins one. Either kind of quote keeps blanks together, and a backslash
    /// takes the meaning from quotes, from itself and, outside of quotes, from a space.
    ///
    /// # Errors
    /// When there is none, or a quote is not closed, with the reason for a note; likewise below.
    pub(super) fn arguments(&self) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        let mut chars = self.rest.chars().peekable();
        loop {
            while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
            if chars.peek().is_none_or(|c| *c == '#') {
                break;
            }
            let (mut word, mut quote) = (String::new(), None);
            while let Some(c) = chars.next_if(|c| quote.is_some() || !matches!(c, ' ' | '\t')) {
                match c {
                    '\\' => {
                        let escaped =
                            |c: &char| matches!(c, '\'' | '"' | '\\') || quote.is_none() && *c == ' ';
                        word.push(chars.next_if(escaped).unwrap_or('\\'));
                    }
                    '"' | '\'' if quote.is_none() => quote = Some(c),
                    _ if quote == Some(c) => quote = None,
                    _ => word.push(c),
                }
            }
            if quote.is_some() {
                return Err("a quote is not closed".to_owned());
            }
            words.push(word);
        }
        if words.is_empty() || words.iter().any(String::is_empty) {
            return Err("a value is missing".to_owned());
        }
        if words.iter().any(|word| word.contains(char::REPLACEMENT_CHARACTER)) {
            return Err("it is not UTF-8".to_owned());
        }
        Ok(words)
    }

    /// The only word.
    ///
    /// # Errors
    /// When there are more.
    pub(super) fn argument(&self) -> Result<String, String> {
        let [word] = <[String; 1]>::try_from(self.arguments()?)
            .map_err(|words| format!("one value can stand here, {} do", words.len()))?;
        Ok(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_keyword_and_its_words() {
        for (text, keyword, words) in [
            ("Host a b", "host", &["a", "b"][..]),
            ("  HOSTNAME\tx \r", "hostname", &["x"]),
            ("Port=22", "port", &["22"]),
            ("Port = 22", "port", &["22"]),
            ("Port ==22", "port", &["=22"]),
            ("User \"two words\" # who", "user", &["two words"]),
            ("User a#b", "user", &["a#b"]),
            ("User 'it\"s'", "user", &["it\"s"]),
            (r#"User a\ b \"c\" \n "d\ e""#, "user", &["a b", "\"c\"", "\\n", "d\\ e"]),
        ] {
            let line = Line::parse(text).unwrap();
            assert_eq!(line.keyword, keyword, "{text}");
            assert_eq!(line.arguments().unwrap(), words, "{text}");
        }
    }

    #[test]
    fn empty_lines_and_comments_say_nothing() {
        for text in ["", " \t\r", "# Host a", "\t#"] {
            assert!(Line::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn broken_lines_say_what_is_wrong() {
        let error = |text| Line::parse(text).unwrap().argument().unwrap_err();
        assert_eq!(error("Host \"a"), "a quote is not closed");
        assert_eq!(error(r#"Host "a\""#), "a quote is not closed");
        assert_eq!(error("User"), "a value is missing");
        assert_eq!(error("User # me"), "a value is missing");
        assert_eq!(error("User \"\""), "a value is missing");
        assert_eq!(error("Port 22 23"), "one value can stand here, 2 do");
        assert_eq!(error("User \u{fffd}"), "it is not UTF-8");
    }
}
