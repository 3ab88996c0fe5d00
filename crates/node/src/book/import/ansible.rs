//! Inventories of Ansible in INI form:
//! <https://docs.ansible.com/ansible/latest/collections/ansible/builtin/ini_inventory.html>.
//!
//! Of the variables, those that say how a host is reached are taken, and inherited from group to group as Ansible does
//! it. Others that begin with `ansible_` may change what a connection is: they are noted, and by their name alone, for
//! the value may be a password. All further ones are for playbooks, and passed over.

use super::gathered::{Gathered, Place};
use super::lines;
use inventory::{Inventory, UNGROUPED, Variables};

mod hosts;
mod inventory;
mod lineage;

/// What the lines of a section are, and of which group.
enum Section {
    Hosts(String),
    Children(String),
    Variables(String),
    /// Nobody knows: the header is broken.
    Unknown,
}

pub(super) fn read(gathered: &mut Gathered, text: &str) {
    let mut inventory = Inventory::default();
    let mut section = Section::Hosts(UNGROUPED.to_owned());
    for (line, text) in lines(text) {
        let (place, text) = (gathered.place(line), text.trim());
        if let Some(header) = header(text) {
            section = Section::parse(header);
            match &section {
                Section::Hosts(group) | Section::Children(group) => inventory.group(group, &place).declare(),
                Section::Variables(group) => drop(inventory.group(group, &place)),
                Section::Unknown => {
                    let reason =
                        "a section is [GROUP], [GROUP:children] or [GROUP:vars]: this one is left out";
                    gathered.note(&place, text, reason);
                }
            }
            continue;
        }
        match &section {
            Section::Hosts(group) => host_line(gathered, &mut inventory, group, &place, text),
            Section::Children(group) => {
                inventory.group(group, &place).add_child(without_comment(text), place);
            }
            Section::Variables(group) => {
                variable_line(gathered, inventory.group(group, &place).variables(), &place, text);
            }
            Section::Unknown => {}
        }
    }
    inventory.hand_over(gathered);
}

impl Section {
    fn parse(header: &str) -> Self {
        let (group, kind) = header.split_once(':').unwrap_or((header, "hosts"));
        if group.is_empty() || group.contains(char::is_whitespace) {
            return Self::Unknown;
        }
        match kind {
            "hosts" => Self::Hosts(group.to_owned()),
            "children" => Self::Children(group.to_owned()),
            "vars" => Self::Variables(group.to_owned()),
            _ => Self::Unknown,
        }
    }
}

/// `HOSTS[:PORT] [NAME=VALUE ...]`.
fn host_line(gathered: &mut Gathered, inventory: &mut Inventory, group: &str, place: &Place, line: &str) {
    // Behind the first word may be a password, which no note shows.
    let Some(words) = shlex::split(line) else {
        let first = line.split_whitespace().next().unwrap_or_default();
        return gathered.note(place, first, "a quote is not closed on this line");
    };
    let Some((name, words)) = words.split_first() else { return };
    let (hosts, port) = match hosts::parse(name) {
        Ok(parsed) => parsed,
        Err(reason) => return gathered.note(place, name, reason),
    };
    let (mut when_new, mut variables) = (Variables::default(), Variables::default());
    if let Some(port) = port {
        set(gathered, &mut when_new, place, "ansible_port", port);
    }
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => set(gathered, &mut variables, place, name, value),
            None => {
                gathered.note(place, name, "behind a host stands NAME=VALUE; a word that is not is left out");
            }
        }
    }
    for names in hosts {
        let Some(set) = gathered.names(place, &names) else { continue };
        if let Err(reason) = inventory.add_hosts(group, &set, &when_new, &variables, place) {
            gathered.note(place, &names, reason);
        }
    }
}

/// `NAME=VALUE` of a group.
fn variable_line(gathered: &mut Gathered, variables: &mut Variables, place: &Place, line: &str) {
    match line.split_once('=') {
        Some((name, value)) => set(gathered, variables, place, name.trim(), unquoted(value.trim())),
        None => {
            // No more of it: the value may be a password.
            let name = line.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            gathered.note(place, name, "a variable is NAME=VALUE");
        }
    }
}

fn set(gathered: &mut Gathered, variables: &mut Variables, place: &Place, name: &str, value: &str) {
    if let Err(reason) = variables.set(name, value) {
        gathered.note(place, name, reason);
    }
}

/// What stands in the brackets of a header.
fn header(line: &str) -> Option<&str> {
    without_comment(line).strip_prefix('[')?.strip_suffix(']')
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim_end()
}

/// A value in quotes is what they hold.
fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}
