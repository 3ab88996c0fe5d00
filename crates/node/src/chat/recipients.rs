//! Whom a person means by what he writes: `wang`, `@lab,pc[1-3]`, `10.0.0.9`, a name that somebody in sight goes by.
//!
//! The book comes first: a name on the wire is a claim, and nobody gets a message by calling himself as somebody of the
//! book is called.

use std::net::{IpAddr, SocketAddr};

use ipmsg::node::{Peer, PeerId};
use net::{HostPort, ResolveError, Untrusted, resolve_one};

use super::directory::{Directory, line_of};
use crate::book::CHAT_PORT;
use crate::book::nearest::{DidYouMean, nearest};
use crate::face::Refused;

/// Somebody who is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    /// Somebody in sight.
    Peer(PeerId),
    /// Whoever is at this address.
    At(SocketAddr),
    /// Somebody of the book whose host has a name, which is still to be looked up.
    Host {
        /// The name in the book.
        name: String,
        /// Where.
        at: HostPort,
    },
}

/// All who are meant, each once; at least one.
///
/// # Errors
/// When the text is no set of names or an empty one, or one of them is nobody, or may be several.
pub(super) fn recipients<'p>(
    text: &str,
    directory: &Directory,
    peers: impl Iterator<Item = &'p Peer>,
) -> Result<Vec<Recipient>, Refused> {
    let text = text.trim();
    if let Some(address) = address(text) {
        return Ok(vec![Recipient::At(address)]);
    }
    let peers: Vec<&Peer> = peers.filter(|peer| !peer.nick.is_empty() || !peer.user.is_empty()).collect();
    // A name on the wire may have anything in it, a comma too.
    if let Ok(None) = directory.book.find(text)
        && let Some(peer) = called(text, &peers)?
    {
        return Ok(vec![Recipient::Peer(peer)]);
    }
    let names = directory.book.select(text).map_err(|error| Refused::usage(error.to_string()))?;
    if names.is_empty() {
        return Err(Refused::usage(format!("'{}' is nobody", Untrusted::from(text))));
    }
    let mut found = Vec::new();
    for name in names.iter() {
        let one = recipient(&name, directory, &peers)?;
        if !found.contains(&one) {
            found.push(one);
        }
    }
    Ok(found)
}

impl Recipient {
    /// With a number in place of a host's name.
    ///
    /// # Errors
    /// When the host has no address: whose, and why.
    pub(super) async fn resolved(self) -> Result<Self, (String, ResolveError)> {
        match self {
            Self::Host { name, at } => resolve_one(&at).await.map(Self::At).map_err(|error| (name, error)),
            other => Ok(other),
        }
    }
}

fn recipient(name: &str, directory: &Directory, peers: &[&Peer]) -> Result<Recipient, Refused> {
    if let Some(address) = address(name) {
        return Ok(Recipient::At(address));
    }
    match directory.book.find(name) {
        Ok(Some(entry)) if entry.chat.is_some() => {
            let at = line_of(&entry).map_err(Refused::usage)?;
            let number = at.host.as_ref().and_then(|host| host.parse().ok());
            Ok(match number {
                Some(ip) => Recipient::At(SocketAddr::new(ip, at.port)),
                None => Recipient::Host { name: entry.name.to_string(), at },
            })
        }
        Ok(entry) => match called(name, peers)? {
            Some(peer) => Ok(Recipient::Peer(peer)),
            None if entry.is_some() => {
                Err(Refused::usage(format!("{} has no chat line in the book", Untrusted::from(name))))
            }
            None => Err(nobody(name, directory, peers)),
        },
        Err(error) => Err(Refused::usage(error.to_string())),
    }
}

/// An address, with the usual port where it has none.
fn address(text: &str) -> Option<SocketAddr> {
    let alone = || text.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| SocketAddr::new(ip, CHAT_PORT));
    text.parse().or_else(|_| alone()).ok()
}

/// Who goes by this name: what people call themselves comes before their accounts (a lab of machines has one), the very
/// name before one that differs in case, and those who are there before those who have left.
fn called(name: &str, peers: &[&Peer]) -> Result<Option<PeerId>, Refused> {
    let folded = name.to_lowercase();
    let ways: [&dyn Fn(&Peer) -> bool; 3] =
        [&|peer| *peer.nick == *name, &|peer| peer.nick.to_lowercase() == folded, &|peer| {
            peer.user.to_lowercase() == folded
        }];
    let mut found =
        ways.iter().map(|fits| peers.iter().copied().filter(|peer| fits(peer)).collect::<Vec<_>>());
    let mut found = found.find(|found| !found.is_empty()).unwrap_or_default();
    if found.iter().any(|peer| peer.is_present()) {
        found.retain(|peer| peer.is_present());
    }
    match found[..] {
        [] => Ok(None),
        [only] => Ok(Some(only.id)),
        _ => {
            let addresses: Vec<String> =
                found.iter().filter_map(|peer| peer.addresses.first()).map(ToString::to_string).collect();
            let name = Untrusted::from(name);
            Err(Refused {
                reason: format!("{} people go by the name '{name}': {}", found.len(), addresses.join(", ")),
                remedy: Some("write the address, or give one of them a name in the book".to_owned()),
                is_usage: true,
            })
        }
    }
}

fn nobody(name: &str, directory: &Directory, peers: &[&Peer]) -> Refused {
    let mut near = directory.book.near(name);
    near.extend(nearest(name, peers.iter().map(|peer| &*peer.nick)));
    near.dedup();
    near.truncate(3);
    Refused::usage(format!(
        "'{}' is neither in sight nor in the book{}",
        Untrusted::from(name),
        DidYouMean(&near)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::Duration;

    use ipmsg::node::{Config, Node as Core, Now};
    use ipmsg::{Body, Dialect, NodeId, Presence, PresenceKind, Sender};

    use crate::book::Book;

    const BOOK: &str = "
        [entry.wang]
        chat = \"10.0.0.21\"
        [entry.\"n[1-3]\"]
        chat = \"10.0.1.[1-3]\"
        [entry.li]
        chat = \"li.lab\"
        [entry.printer]
        socket = \"tcp://10.0.0.9:9100\"
        [entry.classroom]
        chat = \"udp://10.0.0.30:9000\"
        [groups]
        lab = \"wang,n2\"
    ";

    /// Who is meant, where these have entered: user, nick and the last byte of the address; `-` before the user is for one
    /// who has left.
    fn meant(text: &str, people: &[(&str, &str, u8)]) -> Result<Vec<String>, String> {
        let at = |seconds| Now { elapsed: Duration::from_secs(seconds), unix: 1_795_353_650 };
        let mut core = Core::new(Config::new(NodeId(1), "me", "pc"), at(0), 1);
        for (user, nick, last) in people {
            let from = SocketAddr::from(([10, 0, 7, *last], 2425));
            let sender = Sender { user: user.trim_start_matches('-'), host: "pc" };
            for kind in [PresenceKind::Entry, PresenceKind::Exit] {
                let presence =
                    Body::Presence(Presence::new(kind, nick)).build(1, sender, Dialect::UTF_8).unwrap();
                if kind == PresenceKind::Entry || user.starts_with('-') {
                    core.handle_datagram(at(0), from, &presence);
                }
            }
        }
        // Who says goodbye is asked first whether it is true.
        for tenth in 0..200 {
            let now = Now { elapsed: Duration::from_millis(tenth * 100), ..at(0) };
            core.handle_timeout(now);
        }
        let book = Book::from_text(BOOK, Path::new("book.toml")).unwrap();
        let mut directory = Directory::default();
        directory.book = book;
        let found = recipients(text, &directory, core.peers()).map_err(|refused| refused.reason)?;
        let named = found.into_iter().map(|one| match one {
            Recipient::Peer(id) => core.peer(id).unwrap().addresses[0].to_string(),
            Recipient::At(address) => address.to_string(),
            Recipient::Host { at, .. } => at.to_string(),
        });
        Ok(named.collect())
    }

    #[track_caller]
    fn means(text: &str, people: &[(&str, &str, u8)], addresses: &[&str]) {
        assert_eq!(meant(text, people).unwrap(), addresses, "{text}");
    }

    #[test]
    fn names_ranges_and_groups_of_the_book_are_their_addresses() {
        means("wang", &[], &["10.0.0.21:2425"]);
        means("n[1-2],wang", &[], &["10.0.1.1:2425", "10.0.1.2:2425", "10.0.0.21:2425"]);
        means("@lab", &[], &["10.0.1.2:2425", "10.0.0.21:2425"]);
        means("li", &[], &["li.lab:2425"]);
        means("10.0.0.7", &[], &["10.0.0.7:2425"]);
        means("[fe80::7]:2500", &[], &["[fe80::7]:2500"]);
    }

    #[test]
    fn nobody_gets_a_message_by_calling_himself_as_somebody_of_the_book_is_called() {
        means("wang", &[("mallory", "wang", 1)], &["10.0.0.21:2425"]);
    }

    #[test]
    fn who_is_in_sight_goes_by_the_name_he_gives_himself_whatever_is_in_it() {
        let people = [("root", "王伟", 1), ("root", "Zhao, Lei", 2), ("zhao", "boss", 3)];
        means("王伟", &people, &["10.0.7.1:2425"]);
        means("Zhao, Lei", &people, &["10.0.7.2:2425"]);
        means("BOSS", &people, &["10.0.7.3:2425"]);
        means("zhao", &people, &["10.0.7.3:2425"]);
    }

    #[test]
    fn what_people_call_themselves_comes_before_their_accounts() {
        means("root", &[("root", "pc1", 1), ("root", "pc2", 2), ("x", "root", 3)], &["10.0.7.3:2425"]);
    }

    #[test]
    fn who_is_there_comes_before_one_of_the_same_name_who_has_left() {
        means("anna", &[("-a", "anna", 1), ("b", "anna", 2)], &["10.0.7.2:2425"]);
        means("anna", &[("-a", "anna", 1)], &["10.0.7.1:2425"]);
    }

    #[test]
    fn a_name_that_may_be_several_or_nobody_is_refused_in_words() {
        let two = [("a", "anna", 1), ("b", "anna", 2)];
        let reason = "2 people go by the name 'anna': 10.0.7.1:2425, 10.0.7.2:2425";
        assert_eq!(meant("anna", &two).unwrap_err(), reason);
        for (text, reason) in [
            ("wagn", "'wagn' is neither in sight nor in the book; did you mean wang?"),
            ("ana", "'ana' is neither in sight nor in the book; did you mean anna?"),
            ("printer", "printer has no chat line in the book"),
            (
                "classroom",
                "classroom has a line of bare datagrams, udp://10.0.0.30:9000, where nothing is acknowledged",
            ),
            ("wang!wang", "'wang!wang' is nobody"),
        ] {
            assert_eq!(meant(text, &two[..1]).unwrap_err(), reason);
        }
        assert!(meant("@nobody", &[]).is_err());
        assert!(meant("n[1-", &[]).is_err());
    }
}
