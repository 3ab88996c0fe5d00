//! A page of the list that nodes of ours give each other: which nodes of ours the sender has heard, in the order of their
//! ids, from one id to another; and where it hears programs of others.
//!
//! ```text
//! trunkline-page:ANSWER:FROM:TO
//! NODE\tADDRESS:PORT\tOPTIONS\tUSER\tHOST\tNICK\tGROUP
//! ...
//! @ADDRESS:PORT
//! ...
//! ```
//!
//! Each page stands for itself: whoever has an id in its range and is not on it, or not as it is, knows that the sender has
//! not heard it. Numbers are hexadecimal but for the address; text is UTF-8.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::command::{EntryOptions, Options};
use crate::extension::NodeId;
use crate::limits::{MAX_LISTED, MAX_NAME};
use crate::number;

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// Whether it belongs to the answer to those who have just come: all pages follow one another, and nobody else has
    /// to answer. Otherwise it is one page that goes with the sender's own news.
    pub answer: bool,
    /// The lowest id that could stand on it.
    pub from: NodeId,
    /// The highest.
    pub to: NodeId,
    /// The nodes.
    pub nodes: Vec<Listed<'a>>,
    /// Where programs of others are heard, some of them in any order: who they are, they say themselves.
    pub others: Vec<SocketAddr>,
}

/// A node on a page: what the sender has heard of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Who it is.
    pub node: NodeId,
    /// Where it was heard.
    pub address: SocketAddr,
    /// Its options.
    pub options: Options<EntryOptions>,
    /// Its login name.
    pub user: Cow<'a, str>,
    /// Its host name.
    pub host: Cow<'a, str>,
    /// The name that people see.
    pub nick: Cow<'a, str>,
    /// The group that people see.
    pub group: Cow<'a, str>,
}

/// What the section begins with.
const PREFIX: &str = "trunkline-page:";

/// What the line of an address of others begins with.
const OTHER: char = '@';

impl<'a> Page<'a> {
    pub(crate) fn is_page(section: &[u8]) -> bool {
        section.starts_with(PREFIX.as_bytes())
    }

    /// Reads the section of a presence. Lines that cannot be read, and those beyond [`MAX_LISTED`], are left out; none
    /// if the rest is not a page.
    #[must_use]
    pub fn parse(section: &'a [u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(section).ok()?.strip_prefix(PREFIX)?.split('\n');
        let mut fields = lines.next()?.split(':');
        let answer = fields.next()? == "1";
        let mut id = || number::hex128(fields.next()?.as_bytes()).map(NodeId);
        let (from, to) = (id()?, id()?);
        let (mut nodes, mut others) = (Vec::new(), Vec::new());
        for line in lines.take(MAX_LISTED) {
            match line.strip_prefix(OTHER) {
                Some(address) => others.extend(address.parse::<SocketAddr>()),
                None => nodes.extend(Listed::parse(line)),
            }
        }
        Some(Self { answer, from, to, nodes, others })
    }

    /// Writes the section for a presence.
    #[must_use]
    pub fn section(&self) -> Vec<u8> {
        let mut section = format!("{PREFIX}{}:{}:{}", u8::from(self.answer), self.from, self.to);
        for node in &self.nodes {
            node.write(&mut section);
        }
        for address in &self.others {
            // Writing to a String does not fail.
            let _ = write!(section, "\n{OTHER}{address}");
        }
        section.into_bytes()
    }
}

impl<'a> Listed<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        let node = NodeId(number::hex128(fields.next()?.as_bytes())?);
        let address = fields.next()?.parse().ok()?;
        let options = Options::from_bits(number::hex32(fields.next()?.as_bytes())?);
        let mut name = || fields.next().filter(|name| name.len() <= MAX_NAME).map(Cow::Borrowed);
        Some(Self { node, address, options, user: name()?, host: name()?, nick: name()?, group: name()? })
    }

    /// Bytes that it takes on a page; none if a name has a character that separates there.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        let mut line = String::new();
        self.write(&mut line);
        let separators = |character: char| matches!(character, '\0' | '\t' | '\n');
        (line.matches(separators).count() == 7).then_some(line.len())
    }

    fn write(&self, section: &mut String) {
        let Self { node, address, options, user, host, nick, group } = self;
        // Writing to a String does not fail.
        let _ = write!(section, "\n{node}\t{address}\t{:x}\t{user}\t{host}\t{nick}\t{group}", options.bits());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listed(node: u128, nick: &str) -> Listed<'_> {
        Listed {
            node: NodeId(node),
            address: "10.77.0.3:2425".parse().unwrap(),
            options: Options::CAPUTF8,
            user: "bob".into(),
            host: "hostb".into(),
            nick: nick.into(),
            group: "".into(),
        }
    }

    #[test]
    fn a_page_is_written_as_the_module_says() {
        let page = Page {
            answer: true,
            from: NodeId(1),
            to: NodeId(u128::MAX),
            nodes: vec![listed(0x1f, "波 b")],
            others: vec!["10.77.0.9:2425".parse().unwrap(), "[fe80::1]:2425".parse().unwrap()],
        };
        let text = "trunkline-page:1:00000000000000000000000000000001:ffffffffffffffffffffffffffffffff\n\
                    0000000000000000000000000000001f\t10.77.0.3:2425\t1000000\tbob\thostb\t波 b\t\n\
                    @10.77.0.9:2425\n\
                    @[fe80::1]:2425";
        assert_eq!(String::from_utf8(page.section()).unwrap(), text);
        assert_eq!(Page::parse(text.as_bytes()), Some(page));
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let section =
            b"trunkline-page:0:1:ff\nrubbish\n@rubbish\n@\n2\t10.0.0.1\t0\ta\tb\tc\td\n3\t[::1]:5\t0\ta\tb\tc\td\n";
        let page = Page::parse(section).unwrap();
        assert_eq!(page.nodes.iter().map(|node| node.node).collect::<Vec<_>>(), [NodeId(3)]);
        assert_eq!(page.others, []);
        for no_page in ["", "trunkline-page:", "trunkline-page:1:1", "trunkline-page:1:x:1", "page:1:1:1"] {
            assert_eq!(Page::parse(no_page.as_bytes()), None, "{no_page}");
        }
    }

    #[test]
    fn a_page_of_an_attacker_has_a_bounded_number_of_nodes_with_bounded_names() {
        let lines = "\n1\t10.0.0.1:1\t0\ta\tb\tc\td\n@10.0.0.1:1";
        let section = format!("trunkline-page:1:0:1{}", lines.repeat(2000));
        let page = Page::parse(section.as_bytes()).unwrap();
        assert_eq!(page.nodes.len() + page.others.len(), MAX_LISTED);
        let section =
            format!("trunkline-page:1:0:1\n1\t10.0.0.1:1\t0\ta\tb\t{}\td", "x".repeat(MAX_NAME + 1));
        assert_eq!(Page::parse(section.as_bytes()).unwrap().nodes, []);
    }

    #[test]
    fn a_name_that_would_be_read_as_something_else_has_no_size() {
        assert_eq!(
            listed(1, "bob").size(),
            Some("\n".len() + 32 + "\t10.77.0.3:2425\t1000000\tbob\thostb\tbob\t".len())
        );
        for nick in ["a\tb", "a\nb", "a\0b"] {
            assert_eq!(listed(1, nick).size(), None);
        }
    }

    proptest! {
        #[test]
        fn any_page_is_read_as_it_was_written(
            answer: bool,
            (from, to) in any::<(u128, u128)>(),
            nicks in prop::collection::vec("[^\0\t\n]{0,20}", 0..9),
            others in prop::collection::vec(any::<std::net::SocketAddrV4>().prop_map(SocketAddr::V4), 0..9),
        ) {
            let nodes = nicks.iter().map(|nick| listed(from, nick)).collect();
            let page = Page { answer, from: NodeId(from), to: NodeId(to), nodes, others };
            let section = page.section();
            prop_assert_eq!(Page::parse(&section), Some(page));
        }

        #[test]
        fn any_bytes_are_a_page_or_not(bytes: Vec<u8>) {
            let _ = Page::parse(&[b"trunkline-page:", &*bytes].concat());
        }
    }
}
