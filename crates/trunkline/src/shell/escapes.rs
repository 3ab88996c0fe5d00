//! What a person says to this program, and not to the shell over there: a `~` at the beginning of a line.

/// Announces a command to us.
const ESCAPE: u8 = b'~';

/// What `~?` shows, at a raw terminal.
pub(super) const HELP: &[u8] = b"~?\r\n\
    ~.  leaves, and hangs up the shell over there\r\n\
    ~~  sends one ~\r\n\
    ~?  shows this\r\n\
    All of them only at the beginning of a line.\r\n";

/// Keeps these commands out of what is typed, with ssh's rules.
#[derive(Debug)]
pub(super) struct Escapes(State);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    LineBegins,
    InLine,
    /// A `~` began the line, and waits for the next key.
    Escaped,
}

/// What somebody typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// For the shell over there.
    pub(super) bytes: Vec<u8>,
    /// Somebody asked what there is.
    pub(super) asks: bool,
    /// Somebody leaves, and what came behind that is gone.
    pub(super) leaves: bool,
}

impl Default for Escapes {
    fn default() -> Self {
        Self(State::LineBegins)
    }
}

impl Escapes {
    pub(super) fn hear(&mut self, keys: &[u8]) -> Typed {
        let mut typed = Typed::default();
        for &key in keys {
            self.0 = match (self.0, key) {
                (State::LineBegins, ESCAPE) => State::Escaped,
                (State::Escaped, b'.') => {
                    typed.leaves = true;
                    break;
                }
                (State::Escaped, b'?') => {
                    typed.asks = true;
                    State::LineBegins
                }
                (before, key) => {
                    if before == State::Escaped && key != ESCAPE {
                        typed.bytes.push(ESCAPE);
                    }
                    typed.bytes.push(key);
                    if matches!(key, b'\r' | b'\n') { State::LineBegins } else { State::InLine }
                }
            };
        }
        typed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(keys: &str) -> (String, bool, bool) {
        let whole = Escapes::default().hear(keys.as_bytes());
        let mut escapes = Escapes::default();
        let mut by_key = Typed::default();
        for key in keys.bytes() {
            let Typed { bytes, asks, leaves } = escapes.hear(&[key]);
            by_key.bytes.extend(bytes);
            by_key.asks |= asks;
            by_key.leaves |= leaves;
            if leaves {
                break;
            }
        }
        assert_eq!(whole, by_key, "however they come");
        (String::from_utf8(whole.bytes).unwrap(), whole.asks, whole.leaves)
    }

    #[test]
    fn a_tilde_and_a_dot_leave_only_at_the_beginning_of_a_line() {
        assert_eq!(heard("~."), (String::new(), false, true));
        assert_eq!(heard("ls\r~.x"), ("ls\r".to_owned(), false, true));
        assert_eq!(heard("ls\n~."), ("ls\n".to_owned(), false, true));
        for line in ["cd ~.", " ~.", "~a\x08~.", "你~."] {
            assert_eq!(heard(line), (line.to_owned(), false, false));
        }
    }

    #[test]
    fn two_tildes_are_one_and_anything_else_behind_one_is_typed() {
        assert_eq!(heard("~~."), ("~.".to_owned(), false, false));
        assert_eq!(heard("~/x\r~\r~."), ("~/x\r~\r".to_owned(), false, true));
        assert_eq!(heard("~~~"), ("~~".to_owned(), false, false));
    }

    #[test]
    fn a_question_is_answered_and_the_line_begins_anew() {
        assert_eq!(heard("~?~?ls\r"), ("ls\r".to_owned(), true, false));
        assert_eq!(heard("~?~."), (String::new(), true, true));
    }
}
