//! What somebody may have meant.

use std::fmt;

/// Proposals in one message: more are no help.
const MOST: usize = 3;

/// The tail of a message: nothing, `; did you mean printer?`, or `; did you mean n1, n2 or n3?`.
pub(crate) struct DidYouMean<'a>(pub(crate) &'a [String]);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; did you mean {}?", one_of(self.0)) }
    }
}

/// `chat, ssh or socket`.
pub(crate) fn one_of<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        Some((last, others @ [_, ..])) => format!("{} or {last}", others.join(", ")),
        _ => words.concat(),
    }
}

/// Those of the known words that may have been meant, the nearest first.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    closest(known.into_iter().filter_map(|known| Some((distance(word, known)?, known.to_owned()))))
}

/// The words of the least distances.
pub(crate) fn closest(words: impl Iterator<Item = (usize, String)>) -> Vec<String> {
    let mut near: Vec<_> = words.collect();
    near.sort();
    near.dedup();
    near.into_iter().take(MOST).map(|(_, word)| word).collect()
}

/// Characters to add, drop, change or swap with their neighbour; none where they are more than one for every four of
/// the word, begun ones included, or nothing of it would be left.
pub(crate) fn distance(word: &str, known: &str) -> Option<usize> {
    let length = word.chars().count();
    let edits = strsim::osa_distance(word, known);
    (edits <= length.div_ceil(4) && edits < length).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(word: &str, known: &[&str]) -> String {
        DidYouMean(&nearest(word, known.iter().copied())).to_string()
    }

    #[test]
    fn only_what_is_near_is_proposed_and_the_nearest_first() {
        assert_eq!(tail("prot", &["at", "user", "port"]), "; did you mean port?");
        assert_eq!(tail("printer", &["painters", "pointer"]), "; did you mean pointer or painters?");
        assert_eq!(tail("frame", &["at", "charset"]), "");
        assert_eq!(tail("x", &["y"]), "", "nothing of it would be left");
        assert_eq!(tail("张山", &["张三", "李四"]), "; did you mean 张三?");
        assert_eq!(tail("n9", &["n1", "n2", "n3", "n4"]), "; did you mean n1, n2 or n3?");
    }
}
