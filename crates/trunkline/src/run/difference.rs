//! Where one list differs from another: lines of an output, words of a line.

/// How an item of the second list stands to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// It is the same there.
    Same,
    /// It stands in place of that one.
    Instead(usize),
    /// Nothing there is known to be its counterpart.
    New,
}

/// Compares what stands between the common beginning and the common end: item by item if there are as many on both sides.
/// That is not the shortest difference, but takes a time in proportion to the lists, and finds what differs between machines
/// that are meant to be alike: a number here, a line more there.
pub(super) fn differences<T: PartialEq>(those: &[T], these: &[T]) -> Vec<Against> {
    let front = those.iter().zip(these).take_while(|(one, other)| one == other).count();
    let (rest, own) = (&those[front..], &these[front..]);
    let back = rest.iter().rev().zip(own.iter().rev()).take_while(|(one, other)| one == other).count();
    let paired = rest.len() == own.len();
    let middle = front..these.len() - back;
    let judge = |at: usize| {
        if !middle.contains(&at) {
            Against::Same
        } else if !paired {
            Against::New
        } else if those[at] == these[at] {
            Against::Same
        } else {
            Against::Instead(at)
        }
    };
    (0..these.len()).map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Against::{Instead, New, Same};

    fn of_words(those: &str, these: &str) -> Vec<Against> {
        let [those, these] = [those, these].map(|text| text.split(' ').collect::<Vec<_>>());
        differences(&those, &these)
    }

    #[test]
    fn what_stands_in_the_same_place_is_compared() {
        assert_eq!(of_words("a b c d", "a B c D"), [Same, Instead(1), Same, Instead(3)]);
        assert_eq!(of_words("a", "a"), [Same]);
    }

    #[test]
    fn what_is_more_or_less_is_found_between_what_is_common() {
        assert_eq!(of_words("a c d", "a b c d"), [Same, New, Same, Same]);
        assert_eq!(of_words("a b c", "a c"), [Same, Same]);
        assert_eq!(of_words("a", "b c"), [New, New]);
        assert_eq!(of_words("a a", "a a a"), [Same, Same, New]);
    }
}
