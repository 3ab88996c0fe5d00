//! The book, as the chat line needs it: whose address it is, and where somebody is written to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use net::{HostPort, Untrusted, resolve_one};

use crate::book::name::fold;
use crate::book::{Book, ChatAddress, Entry};

/// Everybody of the book who has a chat line of IP Messenger.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    pub(super) book: Book,
    /// What was wrong with the book when it was last read.
    pub(super) trouble: Option<String>,
    path: PathBuf,
    /// When the file that was read was changed last.
    changed: Option<SystemTime>,
    listings: Listings,
    /// Their names, without regard to case and width.
    names: BTreeSet<String>,
}

/// Everybody of the book who has such a line, by address.
pub(super) type Listings = BTreeMap<SocketAddr, Listing>;

/// Somebody of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    /// His name.
    pub(super) name: String,
    /// Where he sits.
    pub(super) seat: Option<String>,
}

impl Directory {
    /// Nothing is read yet.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    /// Reads the book again, if its file is another one than before; true if so. The addresses of before stay until
    /// [`Directory::set_listings`] brings the new ones. A book with mistakes leaves what was known.
    pub(super) fn refresh(&mut self) -> bool {
        let changed = std::fs::metadata(&self.path).and_then(|file| file.modified()).ok();
        if changed == self.changed {
            return false;
        }
        self.changed = changed;
        match Book::load(&self.path) {
            Ok(book) => (self.book, self.trouble) = (book, None),
            Err(error) => self.trouble = Some(error.to_string()),
        }
        true
    }

    /// Which edition of the book was read last.
    pub(super) fn edition(&self) -> Option<SystemTime> {
        self.changed
    }

    /// Who is at which address from now on, by this edition; true if it is the last one.
    pub(super) fn set_listings(&mut self, edition: Option<SystemTime>, listings: Listings) -> bool {
        let is_last = edition == self.changed;
        if is_last {
            self.names = listings.values().map(|listing| fold(&listing.name)).collect();
            self.listings = listings;
        }
        is_last
    }

    /// Everybody, by address.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketAddr, &Listing)> {
        self.listings.iter().map(|(address, listing)| (*address, listing))
    }

    /// Where the one of this name is.
    pub(super) fn address_of(&self, name: &str) -> Option<SocketAddr> {
        self.iter().find(|(_, listing)| listing.name == name).map(|(address, _)| address)
    }

    /// Whether somebody of the book is called so.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(&fold(name))
    }

    /// Whose address it is.
    pub(super) fn holder(&self, address: SocketAddr) -> Option<&Listing> {
        self.listings.get(&address)
    }
}

/// Where an entry's chat line leads.
///
/// # Errors
/// Why nobody can be written to there, in words.
pub(super) fn line_of(entry: &Entry) -> Result<HostPort, String> {
    let name = Untrusted::from(entry.name.as_str());
    match entry.chat.as_ref().map(|line| &line.value.at) {
        Some(ChatAddress::IpMessenger(at)) => Ok(at.clone()),
        Some(at @ ChatAddress::Udp(_)) => {
            Err(format!("{name} has a line of bare datagrams, {at}, where nothing is acknowledged"))
        }
        None => Err(format!("{name} has no chat line in the book")),
    }
}

/// Host names are looked up one after the other; who has no address is left out, and told of when he is written to.
pub(super) async fn listings(book: &Book) -> Listings {
    let mut listings = Listings::new();
    let names = book.names_where(|record| record.chat.is_some());
    for entry in book.entries(&names) {
        let Ok(at) = line_of(&entry) else { continue };
        if let Ok(address) = resolve_one(&at).await {
            let seat = entry.seat.as_ref().map(|seat| seat.value.to_string());
            listings.entry(address).or_insert(Listing { name: entry.name.to_string(), seat });
        }
    }
    listings
}
