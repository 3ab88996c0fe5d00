//! What the files of an import say, until all are read: then groups know each other, and names become ranges.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::groups::{self, Members};
use super::machines::{self, Machines, Reach};
use super::{Format, Import, items};
use crate::book::NameSet;
use crate::book::note::{Note, Notes};

/// Machines with a user, host or port of their own, which are looked at one by one: as many as sets are made for.
const MAX_APART: usize = 100_000;

/// What has been read so far.
#[derive(Debug)]
pub(super) struct Gathered {
    /// The one that is being read.
    file: Arc<Path>,
    named: Vec<Named>,
    groups: Vec<Members>,
    notes: Notes,
    formats: Vec<(PathBuf, Format)>,
}

/// A line of a file.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: Arc<Path>,
    /// Counted from 1.
    line: usize,
}

/// Names that stand in a file by themselves.
#[derive(Debug)]
struct Named {
    names: NameSet,
    reach: Reach,
    place: Place,
}

impl Gathered {
    pub(super) fn new() -> Self {
        Self {
            file: Path::new("").into(),
            named: Vec::new(),
            groups: Vec::new(),
            notes: Notes::default(),
            formats: Vec::new(),
        }
    }

    /// From now on, this file is read.
    pub(super) fn open(&mut self, file: &Path) {
        self.file = file.into();
    }

    /// What the file is read as.
    pub(super) fn reads_as(&mut self, format: Format) {
        self.formats.push((self.file.to_path_buf(), format));
    }

    /// The file that is being read.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// A line of it.
    pub(super) fn place(&self, line: usize) -> Place {
        Place { file: Arc::clone(&self.file), line }
    }

    /// Leaves words out.
    pub(super) fn note(&mut self, place: &Place, text: &str, reason: impl Into<String>) {
        self.notes.push(place.note(text, reason));
    }

    /// Leaves the file out.
    pub(super) fn note_file(&mut self, reason: impl Into<String>) {
        self.notes.push(Note::on_file(&self.file, reason));
    }

    /// Reads names, with ranges as in a set. What the book cannot take is noted.
    pub(super) fn names(&mut self, place: &Place, text: &str) -> Option<NameSet> {
        let names = NameSet::of([text]).map_err(|error| error.problem.to_string());
        let checked = names.and_then(|names| machines::check(&names).map(|()| names));
        checked.map_err(|reason| self.note(place, text, reason)).ok()
    }

    /// Takes machines by names that have been read. Where nothing is reached so, that is noted.
    pub(super) fn machines(&mut self, place: &Place, names: NameSet, reach: Reach) {
        match reach.check() {
            Ok(()) => self.named.push(Named { names, reach, place: place.clone() }),
            Err(reason) => self.note(place, &names.to_string(), reason),
        }
    }

    /// Takes a group.
    pub(super) fn group(&mut self, group: Members) {
        self.groups.push(group);
    }

    /// Puts it all together.
    pub(super) fn finish(self) -> Import {
        let Self { file, named, groups, mut notes, formats } = self;
        let groups = groups::resolved(groups, &mut notes);
        let (by_name, apart): (Vec<Named>, Vec<Named>) =
            named.into_iter().partition(|named| named.reach == Reach::default());
        let mut reached = by_reach(&apart, &mut notes);
        let members = groups.iter().map(|group| &group.members);
        match union(by_name.iter().map(|named| &named.names).chain(members)) {
            Ok(by_name) => {
                let others = by_name.difference(&union(reached.values()).unwrap_or_default());
                reached.insert(Reach::default(), others);
            }
            Err(reason) => notes.push(Note::on_file(&file, reason)),
        }
        let machines = reached.into_iter().filter(|(_, names)| !names.is_empty());
        let machines = machines.map(|(reach, names)| Machines { names, reach }).collect();
        Import { machines, groups, notes: notes.into_vec(), formats }
    }
}

impl Place {
    pub(super) fn note(&self, text: &str, reason: impl Into<String>) -> Note {
        Note::on_line(&self.file, self.line, text, reason)
    }
}

/// Names for each way in which some are reached. Who is reached in several keeps the first.
fn by_reach(apart: &[Named], notes: &mut Notes) -> BTreeMap<Reach, NameSet> {
    let mut known: HashMap<String, &Reach> = HashMap::new();
    let mut looked_at = 0_usize;
    for Named { names, reach, place } in apart {
        looked_at = looked_at.saturating_add(names.len());
        if looked_at > MAX_APART {
            let reason =
                format!("more than {MAX_APART} machines have a user, a host or a port: its own are left out");
            notes.push(place.note(&names.to_string(), reason));
            continue;
        }
        for name in names {
            let first = *known.entry(name.clone()).or_insert(reach);
            if first != reach {
                notes.push(
                    place.note(&name, "another user, host or port was read for it before, and is kept"),
                );
            }
        }
    }
    let mut reached: BTreeMap<Reach, Vec<String>> = BTreeMap::new();
    for (name, reach) in known {
        reached.entry(reach.clone()).or_default().push(name);
    }
    reached.into_iter().map(|(reach, names)| (reach, NameSet::of(names).unwrap_or_default())).collect()
}

fn union<'a>(sets: impl Iterator<Item = &'a NameSet>) -> Result<NameSet, String> {
    let texts: Vec<String> = sets.map(ToString::to_string).collect();
    NameSet::of(texts.iter().flat_map(|names| items(names))).map_err(|error| error.problem.to_string())
}
