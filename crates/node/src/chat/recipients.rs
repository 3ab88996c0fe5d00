//! Whom a person means by what he writes: `wang`, `@lab,pc[1-3]`, `10.0.0.9`, a name that somebody in sight goes by.
//!
//! The book comes first: a name on the wire is a claim, and nobody gets a message by calling himself as somebody of the
//! book is called.

use std::net::{IpAddr, SocketAddr};

use ipmsg::node::{Peer, PeerId};
use net::{HostPort, ResolveError, Untrusted};

use super::directory::{Directory, address_of, line_of};
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
    let peers: Vec<&Peer> = peers.filter(|peer| !peer.nick.is_empty() || !peer.user.is_empty()).collect();
    let text = text.trim();
    if let Some(address) = address(text) {
        return Ok(vec![Recipient::At(address)]);
    }
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
            Self::Host { name, at } => address_of(&at).await.map(Self::At).map_err(|error| (name, error)),
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

/// Who goes by this name: those who are there before those who have left, and the very name before one that differs in
/// case.
fn called(name: &str, peers: &[&Peer]) -> Result<Option<PeerId>, Refused> {
    let is_called = |peer: &Peer| *peer.nick == *name || *peer.user == *name;
    let folded = name.to_lowercase();
    let resembles = |peer: &Peer| peer.nick.to_lowercase() == folded || peer.user.to_lowercase() == folded;
    let choose = |fits: &dyn Fn(&Peer) -> bool| -> Vec<&Peer> {
        let all: Vec<&Peer> = peers.iter().copied().filter(|peer| fits(peer)).collect();
        let there: Vec<&Peer> = all.iter().copied().filter(|peer| peer.is_present()).collect();
        if there.is_empty() { all } else { there }
    };
    let exactly = choose(&is_called);
    let found = if exactly.is_empty() { choose(&resembles) } else { exactly };
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
