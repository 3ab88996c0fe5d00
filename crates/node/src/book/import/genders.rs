//! genders: `NODES ATTRIBUTE[=VALUE],...` on each line (nodeattr(1), the tutorial that comes with genders).
//!
//! An attribute is a group of all nodes that have it, whatever its value, and `ATTRIBUTE=VALUE` is one of those that have
//! this value, as both are written in queries. A value with `%n`, the node's own name, is another one for each node and
//! no group. `altname` gives a node a second name, which the book does not have.

use std::collections::BTreeMap;

use super::gathered::{Gathered, Place};
use super::groups::Members;
use super::machines::Reach;
use super::{items, lines};

pub(super) fn read(gathered: &mut Gathered, text: &str) {
    // By name; with the place where each is first heard of.
    let mut groups: BTreeMap<String, (Place, Vec<String>)> = BTreeMap::new();
    for (line, text) in lines(text) {
        let place = gathered.place(line);
        let mut words = text.split('#').next().unwrap_or_default().split_whitespace();
        let Some(nodes) = words.next() else { continue };
        let attributes = words.next().unwrap_or_default();
        if let Some(further) = words.next() {
            let reason = "no blanks stand between attributes: this and what follows is left out";
            gathered.note(&place, further, reason);
        }
        let mut taken = Vec::new();
        for nodes in items(nodes) {
            if let Some(set) = gathered.names(&place, nodes) {
                gathered.machines(&place, set, Reach::default());
                taken.push(nodes);
            }
        }
        for attribute in attributes.split(',').filter(|attribute| !attribute.is_empty()) {
            for group in groups_of(attribute) {
                let (_, members) = groups.entry(group).or_insert_with(|| (place.clone(), Vec::new()));
                members.extend(taken.iter().map(ToString::to_string));
            }
            if attribute.starts_with("altname=") {
                let reason = "a machine has one name in the book: its second one is left out";
                gathered.note(&place, attribute, reason);
            }
        }
    }
    for (name, (place, members)) in groups {
        gathered.group(Members { source: None, name, expression: members.join(","), place });
    }
}

/// The groups that nodes with this attribute are in.
fn groups_of(attribute: &str) -> Vec<String> {
    match attribute.split_once('=') {
        Some(("altname", _)) => vec![],
        Some((name, value)) if !value.replace("%%", "").contains("%n") => {
            vec![name.to_owned(), format!("{name}={}", value.replace("%%", "%"))]
        }
        Some((name, _)) => vec![name.to_owned()],
        None => vec![attribute.to_owned()],
    }
}
