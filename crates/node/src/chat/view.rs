//! How others look to a face.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use ipmsg::feiq;
use ipmsg::node::{Node as Core, Peer, Standing};

use super::directory::Directory;
use crate::face::{Person, Presence};
use crate::journal::Party;

/// Somebody whom the node knows.
pub(super) fn person(peer: &Peer, core: &Core, directory: &Directory) -> Person {
    Person {
        id: Some(peer.id.0),
        program: program(peer),
        presence: match peer.standing {
            Standing::Here => Presence::Here,
            Standing::Told => Presence::Told,
            Standing::Gone => Presence::Gone,
        },
        away: peer.is_away(),
        blocked: core.is_blocked(peer),
        ..of_party(Party::from(peer), peer.addresses.clone(), directory)
    }
}

/// Somebody of the journal whom the node does not know (any more).
pub(super) fn unmet(party: &Party, directory: &Directory) -> Person {
    of_party(party.clone(), party.address.into_iter().collect(), directory)
}

/// Whoever is at an address where the node knows nobody: somebody of the book, perhaps.
pub(super) fn unheard(address: Option<SocketAddr>, directory: &Directory) -> Person {
    unmet(&Party { address, ..Party::default() }, directory)
}

fn of_party(party: Party, addresses: Vec<SocketAddr>, directory: &Directory) -> Person {
    let listing = addresses.iter().find_map(|address| directory.holder(*address));
    Person {
        name: listing.map_or_else(|| claimed_name(&party, directory), |listing| listing.name.clone()),
        book: listing.map(|listing| listing.name.clone()),
        seat: listing.and_then(|listing| listing.seat.clone()),
        nick: party.nick,
        group: party.group,
        user: party.user,
        host: party.host,
        addresses,
        node: party.node.map(|node| node.to_string()),
        ..Person::default()
    }
}

/// What to call somebody who is not in the book: what he calls himself. Nobody looks like somebody of the book by calling
/// himself so: then the address stands beside it.
fn claimed_name(party: &Party, directory: &Directory) -> String {
    let claimed = [&party.nick, &party.user].into_iter().find(|claim| !claim.trim().is_empty());
    match (claimed, party.address) {
        (Some(claimed), Some(address)) if directory.has(claimed) => format!("{claimed} at {}", address.ip()),
        (Some(claimed), _) => claimed.clone(),
        (None, address) => address.map(|address| address.to_string()).unwrap_or_default(),
    }
}

/// Everybody whom the node knows or the book lists, by name.
pub(super) fn people(core: &Core, directory: &Directory) -> Vec<Person> {
    let mut people: Vec<Person> = core.peers().map(|peer| person(peer, core, directory)).collect();
    let heard: BTreeSet<SocketAddr> = people.iter().flat_map(|person| person.addresses.clone()).collect();
    let listed = directory.iter().map(|(address, _)| address).filter(|address| !heard.contains(address));
    people.extend(listed.map(|address| unheard(Some(address), directory)));
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
