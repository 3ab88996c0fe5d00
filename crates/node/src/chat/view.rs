//! How others look to a face.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use ipmsg::feiq;
use ipmsg::node::{Node as Core, Peer, Standing};

use super::directory::{Directory, Listing};
use crate::face::{Person, Presence};
use crate::journal::Party;

/// Somebody whom the node knows.
pub(super) fn person(peer: &Peer, core: &Core, directory: &Directory) -> Person {
    let listing = peer.addresses.iter().find_map(|address| directory.holder(*address));
    Person {
        id: Some(peer.id.0),
        name: name(listing, [&peer.nick, &peer.user], peer.addresses.first().copied(), directory),
        book: listing.map(|listing| listing.name.clone()),
        seat: listing.and_then(|listing| listing.seat.clone()),
        nick: peer.nick.to_string(),
        group: peer.group.to_string(),
        user: peer.user.to_string(),
        host: peer.host.to_string(),
        addresses: peer.addresses.clone(),
        program: program(peer),
        node: peer.node.map(|node| node.to_string()),
        presence: match peer.standing {
            Standing::Here => Presence::Here,
            Standing::Told => Presence::Told,
            Standing::Gone => Presence::Gone,
        },
        away: peer.is_away(),
        blocked: core.is_blocked(peer),
    }
}

/// What to call somebody: his name in the book, else what he calls himself. Nobody looks like somebody of the book by
/// calling himself so: then the address stands beside it.
fn name(
    listing: Option<&Listing>,
    claims: [&str; 2],
    address: Option<SocketAddr>,
    directory: &Directory,
) -> String {
    if let Some(listing) = listing {
        return listing.name.clone();
    }
    let claimed = claims.into_iter().find(|claim| !claim.trim().is_empty());
    match (claimed, address) {
        (Some(claimed), Some(address)) if directory.has(claimed) => format!("{claimed} at {}", address.ip()),
        (Some(claimed), _) => claimed.to_owned(),
        (None, address) => address.map(|address| address.to_string()).unwrap_or_default(),
    }
}

/// Somebody of the book whom the node does not know.
pub(super) fn listed(address: SocketAddr, listing: &Listing) -> Person {
    Person {
        name: listing.name.clone(),
        book: Some(listing.name.clone()),
        seat: listing.seat.clone(),
        addresses: vec![address],
        ..Person::default()
    }
}

/// Somebody of the journal whom the node does not know (any more).
pub(super) fn unmet(party: &Party, directory: &Directory) -> Person {
    let listing = party.address.and_then(|address| directory.holder(address));
    Person {
        name: name(listing, [&party.nick, &party.user], party.address, directory),
        book: listing.map(|listing| listing.name.clone()),
        seat: listing.and_then(|listing| listing.seat.clone()),
        nick: party.nick.clone(),
        group: party.group.clone(),
        user: party.user.clone(),
        host: party.host.clone(),
        addresses: party.address.into_iter().collect(),
        node: party.node.map(|node| node.to_string()),
        ..Person::default()
    }
}

/// Everybody whom the node knows or the book lists, by name.
pub(super) fn people(core: &Core, directory: &Directory) -> Vec<Person> {
    let mut people: Vec<Person> = core.peers().map(|peer| person(peer, core, directory)).collect();
    let heard: BTreeSet<SocketAddr> = people.iter().flat_map(|person| person.addresses.clone()).collect();
    let unheard = directory.iter().filter(|(address, _)| !heard.contains(address));
    people.extend(unheard.map(|(address, listing)| listed(address, listing)));
    people.sort_by(|one, other| (&one.name, &one.addresses).cmp(&(&other.name, &other.addresses)));
    people
}

/// What somebody's packets say of his program: a claim too.
fn program(peer: &Peer) -> String {
    if peer.node.is_some() {
        return "trunkline".to_owned();
    }
    if feiq::Version::parse(peer.version.as_bytes()).is_some() {
        return "FeiQ".to_owned();
    }
    match peer.version.split_once('_') {
        Some((_, program)) => program.to_owned(),
        None if peer.version.is_empty() => String::new(),
        None => "IP Messenger".to_owned(),
    }
}
