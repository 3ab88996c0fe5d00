//! Machines of an import, and how they are reached.

use super::items;
use crate::book::{Each, Login, NAME_MAX, Name, NameSet, Pattern, Record, SshLine};

/// Machines that are reached in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machines {
    /// Their names.
    pub names: NameSet,
    /// How they are reached.
    pub reach: Reach,
}

/// What a file says of how machines are reached; what it does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// As whom.
    pub user: Option<String>,
    /// One host for all of them, instead of the name of each.
    pub host: Option<String>,
    /// At which port.
    pub port: Option<u16>,
}

impl Machines {
    /// An entry for each range that the names make.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let ranges = items(&self.names.to_string()).flat_map(short).collect::<Vec<_>>();
        // Names and reach were seen to be right as they were read.
        ranges.iter().filter_map(|names| self.reach.record(names)).collect()
    }
}

impl Reach {
    /// Whether somebody can be reached so.
    pub(super) fn check(&self) -> Result<(), String> {
        // In the book it would be a range.
        if let Some(user) = self.user.as_ref().filter(|user| user.contains(['[', ']'])) {
            return Err(format!("{user} is no user: a user has no brackets"));
        }
        let login = self.login("host");
        Login::new(login.user.as_deref(), &login.host, login.port)
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// Whether a login is what the file says, as far as it says anything.
    pub(super) fn agrees_with(&self, login: &Login) -> bool {
        fn agree<T: PartialEq>(said: Option<&T>, is: Option<&T>) -> bool {
            said.is_none_or(|said| is == Some(said))
        }
        agree(self.user.as_ref(), login.user.as_ref())
            && agree(self.host.as_ref(), Some(&login.host))
            && agree(self.port.as_ref(), login.port.as_ref())
    }

    /// How the machine of this name is reached.
    pub(super) fn login(&self, name: &str) -> Login {
        let host = self.host.as_deref().unwrap_or(name).to_owned();
        Login { user: self.user.clone(), host, port: self.port }
    }

    fn record(&self, names: &str) -> Option<Record> {
        let mut record = Record::new(names).ok()?;
        let at = Each::parse(&self.login(names).to_string(), record.names()).ok()?;
        record.ssh = Some(SshLine { at, charset: None, via: Vec::new() });
        Some(record)
    }
}

/// Whether these are names of machines. Those of one range differ in their digits only, so the longest tells.
pub(super) fn check(names: &NameSet) -> Result<(), String> {
    for names in items(&names.to_string()) {
        let pattern = Pattern::parse(names).map_err(|error| error.problem.to_string())?;
        let longest = pattern.nth(pattern.len() - 1).unwrap_or_default();
        longest.parse::<Name>().map_err(|error| error.to_string())?;
        Login::new(None, &longest, None).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// A range in pieces, each short enough to be the name of an entry.
fn short(names: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut waiting = vec![names.to_owned()];
    while let Some(names) = waiting.pop() {
        if names.len() <= NAME_MAX {
            pieces.push(names);
            continue;
        }
        let all: Vec<String> = NameSet::of([&names]).unwrap_or_default().iter().collect();
        for half in all.rchunks(all.len().div_ceil(2)).filter(|half| half.len() < all.len()) {
            let half = NameSet::of(half).unwrap_or_default().to_string();
            waiting.extend(items(&half).map(str::to_owned));
        }
    }
    pieces
}
