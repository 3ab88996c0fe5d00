//! What stands where an address is expected: an address, or a name of the book.

use anyhow::anyhow;
use net::frame::Framing;
use net::{Address, AddressError, HostPort};
use node::book::Book;
use node::home::Home;

use crate::failure::Failure;

/// Something to connect to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) address: Address,
    /// How its stream is cut into messages, where the book knows it.
    pub(crate) framing: Option<Framing>,
}

/// The book of whoever runs this program.
pub(crate) fn own_book() -> Result<Book, Failure> {
    let home = Home::of_this_user().map_err(Failure::usage)?;
    Book::load(&home.book()).map_err(Failure::usage)
}

impl Endpoint {
    /// Reads an address, or looks a name up in the book. A name has no colon in it and an address has one, so neither
    /// can be taken for the other, and the book is read for names only.
    pub(crate) fn find(text: &str, book: impl FnOnce() -> Result<Book, Failure>) -> Result<Self, Failure> {
        match text.parse() {
            Ok(address) => Self::at(address),
            Err(error @ AddressError::NoPort { .. }) if !text.contains(':') => {
                Self::named(text, &book()?, &error)
            }
            Err(error) => Err(Failure::usage(error)),
        }
    }

    /// An address that was written out.
    pub(crate) fn at(address: Address) -> Result<Self, Failure> {
        match &address {
            Address::Tcp(HostPort { port: 0, .. }) | Address::Udp(HostPort { port: 0, .. }) => {
                Err(Failure::usage(anyhow!(
                    "{address}: nothing can be connected to port 0; serve prints the port it has picked"
                )))
            }
            _ => Ok(Self { address, framing: None }),
        }
    }

    fn named(name: &str, book: &Book, no_port: &AddressError) -> Result<Self, Failure> {
        let entry = book
            .look_up(name)
            .map_err(|error| Failure::usage(anyhow!(error)).hint(format_args!("as an address, {no_port}")))?;
        let line = entry.socket.ok_or_else(|| {
            Failure::usage(anyhow!("{name} is in the book, but has no socket line"))
                .hint(format_args!("give it one: trunkline book add {name} --socket HOST:PORT"))
        })?;
        Ok(Self { address: line.value.at, framing: line.value.framing })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const BOOK: &str = r#"
        [entry.printer]
        socket = "tcp://10.0.0.9:9100"
        [entry."scale[1-3]"]
        socket = { address = "10.0.0.[17-19]:4001", frame = "!I" }
        [entry.gate]
        ssh = "gate.lab"
    "#;

    fn find(text: &str) -> Result<Endpoint, String> {
        let book = || Book::from_text(BOOK, Path::new("book.toml")).map_err(Failure::usage);
        Endpoint::find(text, book).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_name_of_the_book_stands_for_its_address_and_its_frame() {
        let printer = Endpoint { address: "tcp://10.0.0.9:9100".parse().unwrap(), framing: None };
        assert_eq!(find("printer"), Ok(printer));
        let scale = find("Scale2").unwrap();
        assert_eq!(scale.address, "tcp://10.0.0.18:4001".parse().unwrap());
        assert_eq!(scale.framing, Some(Framing::parse("!I", None).unwrap()));
    }

    #[test]
    fn what_has_a_port_is_an_address_and_the_book_stays_closed() {
        let closed = || panic!("the book was read");
        let found = Endpoint::find("printer:9100", closed).unwrap();
        assert_eq!(found, Endpoint { address: "printer:9100".parse().unwrap(), framing: None });
        assert!(Endpoint::find("unix:printer", closed).is_ok());
    }

    #[test]
    fn a_name_that_leads_nowhere_is_an_error_with_the_ways_out() {
        let error = find("printr").unwrap_err();
        assert!(error.contains("printer") && error.contains("printr:8080"), "{error}");
        let error = find("gate").unwrap_err();
        assert!(error.contains("no socket line") && error.contains("book add gate --socket"), "{error}");
    }
}
