//! How far a word is from the one that was meant.

/// Bytes to add, drop or change to turn one word into the other (Levenshtein's distance).
pub(crate) fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, x) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (left, y) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[left + 1];
            row[left + 1] = replaced.min(row[left] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_added_dropped_or_changed_counts() {
        for (from, to, distance) in
            [("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("mss", "tos", 2)]
        {
            assert_eq!(edits(from, to), distance, "{from} {to}");
        }
    }
}
