//! Who is in which group, and what that says about reaching them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::lineage::Lineage;
use crate::book::NameSet;
use crate::book::import::gathered::{Gathered, Place};
use crate::book::import::groups::Members;
use crate::book::import::items;
use crate::book::import::machines::Reach;

/// How often hosts stand in groups; they are looked at one by one. That is three groups for each of 100,000.
const MAX_MEMBERSHIPS: usize = 300_000;

/// The group of all hosts, which Ansible has by itself.
const ALL: &str = "all";

/// Likewise, of those that are in no other.
pub(super) const UNGROUPED: &str = "ungrouped";

/// Variables that say how a host is reached. Of two for the same, the last counts, as in Ansible's ssh plugin.
const UNDERSTOOD: [&str; 6] = [
    "ansible_host",
    "ansible_ssh_host",
    "ansible_port",
    "ansible_ssh_port",
    "ansible_user",
    "ansible_ssh_user",
];

/// What has been read of an inventory.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    groups: BTreeMap<String, Group>,
    hosts: BTreeMap<String, Host>,
    memberships: usize,
}

#[derive(Debug)]
pub(super) struct Group {
    /// Of its first section.
    place: Place,
    /// It has a section with hosts or children, if an empty one; variables alone do not make a group.
    is_declared: bool,
    variables: Variables,
    hosts: Vec<String>,
    children: Vec<(String, Place)>,
}

#[derive(Debug)]
struct Host {
    /// Of its first line.
    place: Place,
    variables: Variables,
    /// Without [`ALL`] and [`UNGROUPED`].
    groups: BTreeSet<String>,
}

/// Those of [`UNDERSTOOD`] that are set.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(BTreeMap<&'static str, String>);

impl Inventory {
    /// The group of a section, which begins at this place if it is the first one.
    pub(super) fn group(&mut self, name: &str, place: &Place) -> &mut Group {
        self.groups.entry(name.to_owned()).or_insert_with(|| Group::new(place))
    }

    /// Puts hosts into a group. To Ansible, the port behind a name is one for hosts that it has not seen before.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add_hosts(
        &mut self,
        group: &str,
        names: &NameSet,
        when_new: &Variables,
        variables: &Variables,
        place: &Place,
    ) -> Result<(), String> {
        self.memberships = self.memberships.saturating_add(names.len());
        if self.memberships > MAX_MEMBERSHIPS {
            return Err(format!("in all, hosts stand in groups more than {MAX_MEMBERSHIPS} times"));
        }
        for name in names {
            let new = || Host { place: place.clone(), variables: when_new.clone(), groups: BTreeSet::new() };
            let host = self.hosts.entry(name).or_insert_with(new);
            host.variables.overlay(variables);
            if !is_built_in(group) {
                host.groups.insert(group.to_owned());
            }
        }
        self.group(group, place).hosts.push(names.to_string());
        Ok(())
    }

    /// Gives all of it to the import.
    pub(super) fn hand_over(mut self, gathered: &mut Gathered) {
        self.drop_undeclared(gathered);
        let mut reached: BTreeMap<Reach, (&Place, Vec<&str>)> = BTreeMap::new();
        for (name, variables) in self.host_variables() {
            let (place, name) = (&self.hosts[name].place, name.as_str());
            reached.entry(variables.reach(name)).or_insert((place, Vec::new())).1.push(name);
        }
        for (reach, (place, names)) in reached {
            // Each was read as a name before.
            gathered.machines(place, NameSet::of(names).unwrap_or_default(), reach);
        }
        for (name, group) in self.groups {
            if !is_built_in(&name) {
                gathered.group(Members {
                    source: None,
                    name,
                    expression: group.expression(),
                    place: group.place,
                });
            }
        }
    }

    /// Notes groups that have nothing but variables, and children that are no groups.
    fn drop_undeclared(&mut self, gathered: &mut Gathered) {
        let is_group = |name: &str, group: &Group| group.is_declared || is_built_in(name);
        for (name, group) in self.groups.extract_if(.., |name, group| !is_group(name, group)) {
            gathered.note(&group.place, &name, "these are variables of a group that is not here");
        }
        let names: BTreeSet<String> = self.groups.keys().cloned().collect();
        for group in self.groups.values_mut() {
            group.children.retain(|(child, place)| {
                let is_there = names.contains(child);
                if !is_there {
                    gathered.note(place, child, "there is no such group here");
                }
                is_there
            });
        }
    }

    /// Every host with the variables it has by itself and by its groups.
    fn host_variables(&self) -> Vec<(&String, Variables)> {
        let groups = self.groups.iter().filter(|(name, _)| !is_built_in(name)).map(|(name, group)| {
            (name.as_str(), group.children.iter().map(|(child, _)| child.as_str()).collect())
        });
        let lineage = Lineage::new(&groups.collect());
        let variables_of = |groups: &BTreeSet<String>| {
            let mut variables = Variables::default();
            let built_in = [ALL].into_iter().chain(groups.is_empty().then_some(UNGROUPED));
            for group in built_in.chain(lineage.of(groups)) {
                if let Some(group) = self.groups.get(group) {
                    variables.overlay(&group.variables);
                }
            }
            variables
        };
        // Hosts with the same groups are many, and their variables are gathered once.
        let mut inherited: HashMap<&BTreeSet<String>, Variables> = HashMap::new();
        let hosts = self.hosts.iter().map(|(name, host)| {
            let mut variables =
                inherited.entry(&host.groups).or_insert_with(|| variables_of(&host.groups)).clone();
            variables.overlay(&host.variables);
            (name, variables)
        });
        hosts.collect()
    }
}

fn is_built_in(group: &str) -> bool {
    [ALL, UNGROUPED].contains(&group)
}

impl Group {
    fn new(place: &Place) -> Self {
        let (variables, hosts, children) = (Variables::default(), Vec::new(), Vec::new());
        Self { place: place.clone(), is_declared: false, variables, hosts, children }
    }

    pub(super) fn declare(&mut self) {
        self.is_declared = true;
    }

    pub(super) fn add_child(&mut self, child: &str, place: Place) {
        self.children.push((child.to_owned(), place));
    }

    pub(super) fn variables(&mut self) -> &mut Variables {
        &mut self.variables
    }

    /// Its members as a set.
    fn expression(&self) -> String {
        let hosts =
            NameSet::of(self.hosts.iter().flat_map(|names| items(names))).unwrap_or_default().to_string();
        let children = self.children.iter().map(|(child, _)| format!("@{child}"));
        Some(hosts)
            .filter(|hosts| !hosts.is_empty())
            .into_iter()
            .chain(children)
            .collect::<Vec<_>>()
            .join(",")
    }
}

impl Variables {
    /// Sets one of those that are understood; others that are not about connections are passed over.
    ///
    /// # Errors
    /// Why it is left out.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let Some(name) = UNDERSTOOD.iter().find(|understood| **understood == name) else {
            return match name.starts_with("ansible_") {
                true => Err("the book has no place for this variable".to_owned()),
                false => Ok(()),
            };
        };
        if value.contains("{{") {
            return Err("templates are not evaluated".to_owned());
        }
        if name.ends_with("_port") && value.parse::<u16>().is_err() {
            return Err(format!("{value} is not a port: a port is a number from 1 to 65535"));
        }
        self.0.insert(name, value.to_owned());
        Ok(())
    }

    /// Takes all of these, instead of its own where both have one.
    fn overlay(&mut self, others: &Self) {
        self.0.extend(others.0.iter().map(|(name, value)| (*name, value.clone())));
    }

    /// How a host of this name is reached.
    fn reach(&self, name: &str) -> Reach {
        let last = |names: [&str; 2]| names.iter().rev().find_map(|name| self.0.get(name)).cloned();
        Reach {
            host: last(["ansible_host", "ansible_ssh_host"]).filter(|host| host != name),
            port: last(["ansible_port", "ansible_ssh_port"]).and_then(|port| port.parse().ok()),
            user: last(["ansible_user", "ansible_ssh_user"]),
        }
    }
}
