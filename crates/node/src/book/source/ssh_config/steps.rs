//! ssh_config(5) as ssh walks through it for one host: from top to bottom, and the first value wins.

use std::collections::HashSet;

use super::pattern::Patterns;
use crate::book::{Login, LoginError, Origin};

/// One thing a file says, in its order.
#[derive(Debug)]
pub(super) enum Step {
    /// Up to the next such step of the same file, what follows is for hosts that fulfil this.
    Only(Condition),
    Set(Setting),
    /// What one included file says.
    Include(Vec<Self>),
}

#[derive(Debug)]
pub(super) enum Condition {
    /// The name that was asked for matches. With the line it stands in.
    Host(Patterns, Origin),
    /// Every one of them is fulfilled.
    Match(Vec<Criterion>),
    /// Nobody knows: the line is broken, or only ssh can judge it.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Criterion {
    pub(super) negated: bool,
    pub(super) subject: Subject,
}

/// What a criterion of a `Match` line looks at.
#[derive(Debug)]
pub(super) enum Subject {
    All,
    /// The name to connect to, by what has been read so far.
    Host(Patterns),
    /// The name that was asked for.
    OriginalHost(Patterns),
}

#[derive(Debug)]
pub(super) enum Setting {
    /// With its `%h` and `%%`.
    HostName(String),
    User(String),
    Port(u16),
    Proxy(Proxy),
}

/// How a host is reached. `ProxyJump` and `ProxyCommand` are one setting: whichever is first wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    /// `none`.
    Direct,
    /// The hosts on the way, the first one first.
    Jumps(Vec<Login>),
    /// A command of which nothing is known here.
    Command,
}

/// The settings of one host, as ssh would use them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) host_name: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) proxy: Option<Proxy>,
    /// The first `Host` line that counts and names this host.
    pub(super) origin: Option<Origin>,
}

impl Settings {
    /// What ssh would use for this name. Without an `origin` it is none of the hosts that the files name.
    pub(super) fn of(name: &str, steps: &[Step]) -> Self {
        let mut settings = Self::default();
        settings.walk(name, steps);
        settings
    }

    /// Where a connection goes that asks for this; what it says itself comes first.
    ///
    /// # Errors
    /// When a setting is not what its name says.
    pub(super) fn login(&self, asked: &Login) -> Result<Login, LoginError> {
        let user = asked.user.as_deref().or(self.user.as_deref());
        Login::new(user, &self.host(&asked.host), asked.port.or(self.port))
    }

    /// The host to connect to. In lower case, in which ssh keeps hosts' keys; but not the zone of an address.
    pub(super) fn host(&self, asked: &str) -> String {
        let host = self.host_name.as_deref().unwrap_or(asked);
        if host.contains('%') { host.to_owned() } else { host.to_ascii_lowercase() }
    }

    /// Takes what is not set yet.
    fn walk(&mut self, name: &str, steps: &[Step]) {
        let mut active = true;
        for step in steps {
            match step {
                Step::Only(condition) => {
                    active = self.fulfils(name, condition);
                    if let Condition::Host(patterns, origin) = condition
                        && active
                        && patterns.has_name(name)
                    {
                        self.origin.get_or_insert_with(|| origin.clone());
                    }
                }
                Step::Set(setting) if active => self.set(name, setting),
                Step::Include(steps) if active => self.walk(name, steps),
                Step::Set(_) | Step::Include(_) => {}
            }
        }
    }

    fn fulfils(&self, name: &str, condition: &Condition) -> bool {
        match condition {
            Condition::Host(patterns, _) => patterns.matches(name),
            Condition::Match(criteria) => criteria.iter().all(|criterion| {
                let met = match &criterion.subject {
                    Subject::All => true,
                    Subject::OriginalHost(patterns) => patterns.matches(&name.to_ascii_lowercase()),
                    Subject::Host(patterns) => {
                        patterns.matches(&self.host_name.as_deref().unwrap_or(name).to_ascii_lowercase())
                    }
                };
                met != criterion.negated
            }),
            Condition::Unknown => false,
        }
    }

    fn set(&mut self, name: &str, setting: &Setting) {
        match setting {
            Setting::HostName(text) => {
                self.host_name.get_or_insert_with(|| expand(text, name));
            }
            Setting::User(user) => {
                self.user.get_or_insert_with(|| user.clone());
            }
            Setting::Port(port) => {
                self.port.get_or_insert(*port);
            }
            Setting::Proxy(proxy) => {
                self.proxy.get_or_insert_with(|| proxy.clone());
            }
        }
    }
}

/// `%h` in a `HostName` is the name that was asked for, and `%%` is `%`.
fn expand(host_name: &str, name: &str) -> String {
    host_name.split("%%").map(|part| part.replace("%h", name)).collect::<Vec<_>>().join("%")
}

/// The names that stand in a `Host` line without a wildcard, each once, in the order of the files.
pub(super) fn names(steps: &[Step]) -> Vec<&str> {
    fn collect<'a>(steps: &'a [Step], seen: &mut HashSet<&'a str>, names: &mut Vec<&'a str>) {
        for step in steps {
            match step {
                Step::Only(Condition::Host(patterns, _)) => {
                    names.extend(patterns.names().filter(|name| seen.insert(name)));
                }
                Step::Include(steps) => collect(steps, seen, names),
                Step::Only(_) | Step::Set(_) => {}
            }
        }
    }
    let mut names = Vec::new();
    collect(steps, &mut HashSet::new(), &mut names);
    names
}
