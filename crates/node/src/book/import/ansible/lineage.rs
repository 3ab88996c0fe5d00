//! Which groups a host is in by way of other groups, and whose variables count more.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The groups of an inventory, by who is whose child.
#[derive(Debug, Default)]
pub(super) struct Lineage<'a> {
    parents: HashMap<&'a str, Vec<&'a str>>,
    /// Steps on the longest way down from a group without parents; 0 for groups in a circle, and for what is below.
    depths: HashMap<&'a str, usize>,
}

impl<'a> Lineage<'a> {
    /// From groups with their children.
    pub(super) fn new(groups: &BTreeMap<&'a str, Vec<&'a str>>) -> Self {
        let mut lineage = Self::default();
        for (group, children) in groups {
            for child in children {
                lineage.parents.entry(child).or_default().push(group);
            }
        }
        let mut waiting: HashMap<&str, usize> =
            lineage.parents.iter().map(|(group, parents)| (*group, parents.len())).collect();
        let mut depths: HashMap<&str, usize> = HashMap::new();
        let mut next: Vec<&str> =
            groups.keys().filter(|group| !waiting.contains_key(*group)).copied().collect();
        while let Some(group) = next.pop() {
            let below = depths.get(group).map_or(1, |depth| depth + 1);
            for child in &groups[group] {
                let depth = depths.entry(child).or_default();
                *depth = below.max(*depth);
                if let Some(parents) = waiting.get_mut(child) {
                    *parents -= 1;
                    if *parents == 0 {
                        next.push(child);
                    }
                }
            }
        }
        lineage.depths = depths;
        lineage
    }

    /// These groups and all those above them, in the order in which Ansible takes their variables: a deeper one counts
    /// more than those before it, and of equally deep ones the last by name.
    pub(super) fn of(&self, groups: &'a BTreeSet<String>) -> Vec<&'a str> {
        let mut seen: HashSet<&str> = groups.iter().map(String::as_str).collect();
        let mut next: Vec<&str> = seen.iter().copied().collect();
        while let Some(group) = next.pop() {
            next.extend(self.parents.get(group).into_iter().flatten().filter(|parent| seen.insert(parent)));
        }
        let mut all: Vec<&str> = seen.into_iter().collect();
        all.sort_by_key(|group| (self.depths.get(group).copied().unwrap_or_default(), *group));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(groups: &[(&str, &[&str])], group: &str) -> Vec<String> {
        let groups = groups.iter().map(|(group, children)| (*group, children.to_vec())).collect();
        let lineage = Lineage::new(&groups);
        lineage.of(&BTreeSet::from([group.to_owned()])).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn groups_above_come_before_those_below_and_equals_by_name() {
        let groups: &[(&str, &[&str])] = &[
            ("z", &["web"]),
            ("b", &["web", "z"]),
            ("a", &["z"]),
            ("web", &[]),
            ("other", &["db"]),
            ("db", &[]),
        ];
        assert_eq!(of(groups, "web"), ["a", "b", "z", "web"]);
        assert_eq!(of(groups, "db"), ["other", "db"]);
        assert_eq!(of(groups, "a"), ["a"]);
    }

    #[test]
    fn groups_in_a_circle_come_to_an_end() {
        let groups: &[(&str, &[&str])] = &[("a", &["b"]), ("b", &["a", "c"]), ("c", &[]), ("d", &["d"])];
        assert_eq!(of(groups, "c"), ["a", "b", "c"]);
        assert_eq!(of(groups, "d"), ["d"]);
    }

    #[test]
    fn a_long_line_of_groups_takes_no_stack() {
        let names: Vec<String> = (0..100_000).map(|number| format!("g{number:06}")).collect();
        let groups = (0..100_000)
            .map(|i| (&*names[i], names.get(i + 1).map(|name| &**name).into_iter().collect()))
            .collect();
        let lineage = Lineage::new(&groups);
        assert_eq!(lineage.of(&BTreeSet::from([names[99_999].clone()])).len(), 100_000);
    }
}
