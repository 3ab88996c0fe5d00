//! The machines of the book, which people sit at.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use net::Untrusted;
use node::book::{Book, Entry, NameSet};
use node::face::Person;

/// Whatever has an ssh line in the book.
#[derive(Debug, Default)]
pub(super) struct Machines {
    names: NameSet,
    /// Each with its ssh line.
    lines: Vec<(String, String)>,
    /// Only addresses count that are written as numbers: to look up every host of a book takes long.
    at: HashMap<IpAddr, String>,
}

impl Machines {
    pub(super) fn of(book: &Book) -> Self {
        let names = book.names_where(|record| record.ssh.is_some());
        let mut machines = Self { names, ..Self::default() };
        for Entry { name, ssh, .. } in book.entries(&machines.names) {
            let Some(ssh) = ssh else { continue };
            if let Ok(address) = ssh.value.at.host.parse() {
                machines.at.entry(address).or_insert_with(|| name.to_string());
            }
            machines.lines.push((name.to_string(), ssh.value.at.to_string()));
        }
        machines
    }

    /// Where somebody sits: as the book says, or else at the machine that has his address.
    pub(super) fn seat_of(&self, person: &Person) -> Option<String> {
        let at_address = || person.addresses.iter().find_map(|address| self.at.get(&address.ip()));
        person.seat.as_ref().or_else(at_address).cloned()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Each name with its ssh line.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|(name, ssh)| (name.as_str(), ssh.as_str()))
    }
}

/// Folded: `n[01-40], gate`.
impl fmt::Display for Machines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Untrusted::from(self.names.to_string().as_str()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const BOOK: &str = r#"
        [entry."n[01-40]"]
        ssh = "10.1.0.[1-40]"
        [entry.gate]
        ssh = "root@gate.lab"
        [entry.printer]
        socket = "10.0.0.9:9100"
    "#;

    fn machines() -> Machines {
        Machines::of(&Book::from_text(BOOK, Path::new("book.toml")).unwrap())
    }

    fn seat(seat: Option<&str>, address: &str) -> Option<String> {
        let addresses = vec![address.parse().unwrap()];
        machines().seat_of(&Person { seat: seat.map(str::to_owned), addresses, ..Person::default() })
    }

    #[test]
    fn machines_are_what_has_an_ssh_line_and_are_shown_folded() {
        assert_eq!(machines().to_string(), "gate,n[01-40]");
        assert_eq!(machines().iter().next(), Some(("gate", "root@gate.lab")));
    }

    #[test]
    fn somebody_sits_where_the_book_says_or_else_at_the_machine_that_has_his_address() {
        assert_eq!(seat(Some("n07"), "10.1.0.2:2425").as_deref(), Some("n07"));
        assert_eq!(seat(None, "10.1.0.2:2425").as_deref(), Some("n02"));
        assert_eq!(seat(None, "10.9.9.9:2425"), None);
    }
}
