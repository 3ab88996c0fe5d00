//! Groups of clustershell: <https://clustershell.readthedocs.io/en/latest/config.html#file-based-group-sources>.
//!
//! In YAML each source has groups, and each group a set or a list of sets. A set is what it is in the book, and a blank
//! joins two as a comma does.

use super::gathered::{Gathered, Place};
use super::groups::Members;
use super::lines;
use super::yaml::{Part, Parts};

/// Reads YAML.
pub(super) fn read(gathered: &mut Gathered, text: &str) {
    let mut parts = Parts::new(gathered, text);
    match parts.next() {
        (Part::Mapping, _) => each_pair(&mut parts, source),
        (Part::End, _) => return,
        other => parts.leave_out(&other, "", "a file has sources, each with its groups below it"),
    }
    match parts.next() {
        (Part::End, _) => {}
        other => parts.leave_out(&other, "", "only the first document of a file is read"),
    }
}

/// What clustershell calls the source of the text form.
const LOCAL: &str = "local";

/// Reads the text form: `GROUP: NODES` on each line.
pub(super) fn read_text(gathered: &mut Gathered, text: &str) {
    for (line, text) in lines(text) {
        let place = gathered.place(line);
        match text.split('#').next().unwrap_or_default().split_once(':') {
            Some((name, nodes)) => group(gathered, &place, LOCAL, name.trim(), nodes),
            None => gathered.note(&place, text, "a line is GROUP: NODES"),
        }
    }
}

/// Takes a group with its sets, which have blanks between.
fn group(gathered: &mut Gathered, place: &Place, source: &str, name: &str, sets: &str) {
    let sets: Vec<&str> = sets.split_whitespace().collect();
    if sets.iter().skip(1).any(|set| set.contains(['!', '&', '^'])) {
        let reason = "what stands behind a blank is a set of its own here: write it before the blank";
        gathered.note(place, &sets.join(" "), reason);
        return;
    }
    let (source, name) = (Some(source.to_owned()), name.to_owned());
    gathered.group(Members { source, name, expression: sets.join(","), place: place.clone() });
}

fn source(parts: &mut Parts<'_>, source: &str) {
    match parts.next() {
        (Part::Mapping, _) => each_pair(parts, |parts, name| yaml_group(parts, source, name)),
        other => parts.leave_out(&other, source, "a source has groups below it, as GROUP: NODES"),
    }
}

fn yaml_group(parts: &mut Parts<'_>, source: &str, name: &str) {
    let mut sets = Vec::new();
    let place = match parts.next() {
        (Part::Text(set), place) => {
            sets.push(set);
            place
        }
        (Part::List, place) => {
            loop {
                match parts.next() {
                    (Part::End, _) => break,
                    (Part::Text(set), _) => sets.push(set),
                    other => parts.leave_out(&other, name, "in this list stand sets"),
                }
            }
            place
        }
        other => return parts.leave_out(&other, name, "a group is a set, or a list of sets"),
    };
    if !parts.is_broken() {
        group(parts.gathered, &place, source, name, &sets.join(","));
    }
}

/// Reads a mapping that has begun, each value with its key.
fn each_pair<'a>(parts: &mut Parts<'a>, mut value: impl FnMut(&mut Parts<'a>, &str)) {
    loop {
        match parts.next() {
            (Part::End, _) => return,
            (Part::Text(key), _) => value(parts, &key),
            other => {
                parts.leave_out(&other, "", "a name stands before the colon");
                let (value, _) = parts.next();
                parts.skip(&value);
            }
        }
    }
}
