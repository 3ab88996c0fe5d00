//! Why a text is no set, where, and how to mend it.

use std::fmt;

use net::Untrusted;
use thiserror::Error;

use super::{MAX_DEPTH, MAX_NAMES};
use crate::book::nearest::DidYouMean;
use crate::book::pattern::{MAX_DIGITS, MAX_RANGES};

/// Why a text is no set and no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetError {
    /// The group whose expression this is about; none where it is about what was given.
    pub group: Option<String>,
    /// The whole expression; nothing where a list of names as a whole is refused.
    pub text: String,
    /// Where in it, in characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
}

impl std::error::Error for SetError {}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = &self.group {
            write!(f, "@{} = ", shown(group))?;
        }
        if !self.text.is_empty() {
            write!(f, "\"{}\", column {}: ", shown(&self.text), self.column)?;
        }
        self.problem.fmt(f)
    }
}

/// Characters of a text that an error shows: enough for what a person writes, and a list made by a program
/// does not fill the screen.
const SHOWN: usize = 80;

/// What can be wrong with a set. The message says how to mend it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Problem {
    /// Nothing, where a name has to be.
    #[error("a name, a range or a @group is missing here")]
    Empty,
    /// A `-` in front of what does not follow a comma.
    #[error("a set does not begin with -, which takes away from what stands before it, as in n[1-9],-n7")]
    Minus,
    /// One of [`super::OPERATORS`] where a single name has to be.
    #[error("a single name is expected here, and {0} joins two")]
    Operator(char),
    /// A group where a single name has to be.
    #[error("a single name is expected here, and @ begins the name of a group")]
    Group,
    /// A `[` without its `]`.
    #[error("the bracket is not closed: write ] after its last number, as in n[01-40]")]
    NotClosed,
    /// A `]` without its `[`.
    #[error("nothing opened this bracket: write [ before its first number, as in n[01-40]")]
    NotOpened,
    /// A `[` within brackets.
    #[error("brackets do not stand within brackets: close the outer one first, as in n[1-3]-[1-4]")]
    Nested,
    /// A bracket with a colon that is no IPv6 address.
    #[error(
        "[{}] has a colon and is no IPv6 address: write numbers as in [1-40], an address as in [fe80::1%eth0]",
        shown(.0)
    )]
    NotIpv6(String),
    /// `[]`, `[1,,2]`.
    #[error("a number or a range is missing in the brackets, as in [01-40,50]")]
    EmptyRange,
    /// `[a-z]`.
    #[error("{} is no range: brackets hold numbers, ranges and steps, as in [01-40,50] and [0-10/2]", shown(.0))]
    NotNumbers(String),
    /// `[01-100]`.
    #[error(
        "with zeros in front, {first} and {last} need the same number of digits: write {first:0>0$}-{last:0>0$}",
        first.len().max(last.len())
    )]
    Padding {
        /// Where the range begins.
        first: String,
        /// Where it ends.
        last: String,
    },
    /// `[40-1]`.
    #[error("the range {first}-{last} runs backwards: write {last}-{first}")]
    Backwards {
        /// Where the range begins.
        first: String,
        /// Where it ends.
        last: String,
    },
    /// A step of 0, or after a single number.
    #[error("{} is no range with a step: a step is at least 1 and follows a range, as in [0-10/2]", shown(.0))]
    Step(String),
    /// More than [`MAX_DIGITS`] digits.
    #[error(
        "a number in brackets has at most {MAX_DIGITS} digits: write what is the same in all names before the bracket"
    )]
    TooLong,
    /// A number that stands in a range twice, where the place of each counts.
    #[error("{0} stands in these brackets twice: write each number once")]
    Repeated(String),
    /// `[1-2][3-4]`, `[1-2]0[3-4]`.
    #[error(
        "where a number ends cannot be told: between two ranges write something that is no digit, as in [1-3]-[1-4]"
    )]
    RangesTouch,
    /// More than [`MAX_RANGES`] ranges in one name.
    #[error("a name has at most {MAX_RANGES} ranges")]
    TooManyRanges,
    /// More than [`MAX_NAMES`] names.
    #[error("these would be more than {MAX_NAMES} names: write a smaller range")]
    TooManyNames,
    /// A character that is not printed, such as a tab or an escape.
    #[error("the control character {} cannot be part of a name", .0.escape_default())]
    Control(char),
    /// A group that is not in the book.
    #[error("there is no group @{}{}", shown(name), DidYouMean(near))]
    NoGroup {
        /// The name that was looked up.
        name: String,
        /// Groups that may have been meant, with their `@`.
        near: Vec<String>,
    },
    /// Groups that name each other in a circle.
    #[error("the groups name each other in a circle: {}", circle(.0))]
    Circle(Vec<String>),
    /// More than [`MAX_DEPTH`] groups within each other.
    #[error("more than {MAX_DEPTH} groups stand within each other here: name the members themselves")]
    TooDeep,
}

/// A problem and its place in a text, in bytes; what the text is, the caller knows.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) problem: Problem,
}

impl Fault {
    /// The same, in a text in which the one it was found in begins at `by`.
    pub(crate) fn moved(self, by: usize) -> Self {
        Self { at: self.at + by, ..self }
    }

    /// What a person is told.
    pub(crate) fn within(self, group: Option<&str>, text: &str) -> SetError {
        let column = text.char_indices().take_while(|(at, _)| *at < self.at).count() + 1;
        SetError { group: group.map(str::to_owned), text: text.to_owned(), column, problem: self.problem }
    }
}

fn shown(text: &str) -> impl fmt::Display {
    Untrusted::from(text).preview(SHOWN)
}

fn circle(groups: &[String]) -> String {
    groups.iter().map(|group| format!("@{}", shown(group))).collect::<Vec<_>>().join(" -> ")
}
