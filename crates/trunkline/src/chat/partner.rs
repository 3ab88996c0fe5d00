//! Whom one talks with.

use std::fmt;

use net::Untrusted;
use net::charset::Charset;
use node::book::{ChatAddress, Entry};
use node::face::{Person, Presence};

use super::datagrams::Line;
use crate::book::own_book;
use crate::failure::Failure;

/// Names that are listed at the choice: as many as one reads.
const LISTED: usize = 20;

/// The one, or the several, that were chosen.
#[derive(Debug)]
pub(super) enum Partner {
    /// Those whom the node reaches.
    People {
        /// As they were chosen; each message goes to whoever that is then.
        to: String,
        people: Vec<Person>,
    },
    /// Somebody at the end of a line of bare datagrams. Several names may share one address.
    Datagrams { name: String, line: Box<Line> },
}

/// As in the prompt.
impl fmt::Display for Partner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::People { people, .. } if people.len() == 1 => &people[0].name,
            Self::People { to, .. } => to,
            Self::Datagrams { name, .. } => name,
        };
        Untrusted::from(name.as_str()).fmt(f)
    }
}

impl Partner {
    /// Whoever has a line of bare datagrams under this name in the book, or by this address; none for all others.
    pub(super) async fn at_datagrams(name: &str) -> Result<Option<Self>, Failure> {
        let (at, charset) = if let Ok(at @ ChatAddress::Udp(_)) = name.parse() {
            (at, None)
        } else if let Ok(Some(entry)) = own_book()?.find(name)
            && let Some(chat) = entry.chat
        {
            (chat.value.at, chat.value.charset)
        } else {
            return Ok(None);
        };
        let ChatAddress::Udp(at) = at else { return Ok(None) };
        let line = Line::open(&at, charset.unwrap_or(Charset::UTF_8)).await?;
        Ok(Some(Self::Datagrams { name: name.to_owned(), line: Box::new(line) }))
    }

    /// Whether somebody is among those one talks with.
    pub(super) fn includes(&self, person: &Person) -> bool {
        match self {
            Self::People { people, .. } => people.iter().any(|one| are_one(one, person)),
            Self::Datagrams { .. } => false,
        }
    }

    /// Whether it is just this one.
    pub(super) fn is_only(&self, person: &Person) -> bool {
        matches!(self, Self::People { people, .. } if people.len() == 1) && self.includes(person)
    }
}

/// Whoever was not heard yet when he was chosen is known again by his address.
fn are_one(one: &Person, other: &Person) -> bool {
    let by_address = || one.addresses.iter().any(|address| other.addresses.contains(address));
    (one.id.is_some() && one.id == other.id) || by_address()
}

/// Those of the book who are reached by bare datagrams. A book with mistakes has none: whoever is chosen by name is told
/// of them.
pub(super) fn names_of_datagrams() -> Vec<String> {
    let book = own_book().unwrap_or_default();
    let names = book.names_where(|record| record.chat.is_some());
    book.entries(&names).filter_map(at_the_end_of_datagrams).collect()
}

/// `ann (udp://10.0.0.9:8080)`.
fn at_the_end_of_datagrams(entry: Entry) -> Option<String> {
    let at = entry.chat?.value.at;
    matches!(at, ChatAddress::Udp(_)).then(|| format!("{} ({at})", Untrusted::from(entry.name.as_str())))
}

/// `wang`, `li (away)`.
pub(super) fn described(person: &Person) -> String {
    let name = Untrusted::from(person.name.as_str());
    match person {
        Person { presence: Presence::Gone, .. } => format!("{name} (not in sight)"),
        Person { away: true, .. } => format!("{name} (away)"),
        _ => name.to_string(),
    }
}

/// As one line.
pub(super) fn listed(names: &[String]) -> String {
    match names.split_at_checked(LISTED) {
        Some((first, more @ [_, ..])) => {
            format!("{} and {} more: trunkline who shows them", first.join(", "), more.len())
        }
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: Option<u32>, address: &str) -> Person {
        Person {
            id,
            name: address.to_owned(),
            addresses: vec![address.parse().unwrap()],
            ..Person::default()
        }
    }

    #[test]
    fn whoever_was_chosen_before_he_was_heard_is_known_again_by_his_address() {
        let wang = Partner::People { to: "wang".to_owned(), people: vec![person(None, "10.0.0.7:2425")] };
        assert!(wang.is_only(&person(Some(3), "10.0.0.7:2425")));
        assert!(!wang.includes(&person(Some(4), "10.0.0.8:2425")));
    }

    #[test]
    fn whoever_has_moved_is_still_the_same() {
        let people = vec![person(Some(3), "10.0.0.7:2425"), person(Some(4), "10.0.0.8:2425")];
        let both = Partner::People { to: "@lab".to_owned(), people };
        let moved = person(Some(3), "10.0.0.99:2425");
        assert!(both.includes(&moved) && !both.is_only(&moved));
    }

    #[test]
    fn of_many_names_as_many_are_listed_as_one_reads() {
        let names: Vec<String> = (0..21).map(|number| format!("n{number}")).collect();
        assert!(listed(&names).ends_with("n19 and 1 more: trunkline who shows them"));
        assert!(listed(&names[..20]).ends_with(", n19"));
    }
}
