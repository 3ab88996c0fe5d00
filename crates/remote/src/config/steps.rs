//! ssh_config(5) as ssh walks through it for one host: from top to bottom, and the first value wins.

use std::collections::HashSet;
use std::time::Duration;

use super::expand::Template;
use super::keyword::{Identity, Setting};
use super::note::{Note, Notes, Place};
use super::pattern::Patterns;
use super::{Asked, Here, Proxy, StrictHostKeyChecking};
use crate::algorithms::{Chosen, Kind};

/// Values of a keyword that may have many: as many as ssh takes keys, and more than anybody has written by hand.
const MAX_VALUES: usize = 100;

/// One thing a file says, in its order.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Up to the next such step of the same file, what follows is for hosts that fulfil this.
    Only(Condition),
    Set(Setting),
    /// What one file says, included or next in the order.
    Include(Vec<Self>),
}

#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// The name that was asked for matches. With the line it stands in.
    Host(Patterns, Place),
    /// Every one of them is fulfilled.
    Match(Vec<Criterion>),
    /// Nobody knows: the line is broken, or only ssh can judge it.
    Unknown,
}

#[derive(Clone, Debug)]
pub(super) struct Criterion {
    pub(super) negated: bool,
    pub(super) subject: Subject,
}

/// What a criterion of a `Match` line looks at.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    All,
    /// The name to connect to, by what has been read so far.
    Host(Patterns),
    /// The name that was asked for.
    OriginalHost(Patterns),
    /// Who logs in, by what has been read so far.
    User(Patterns),
    /// Who asks.
    LocalUser(Patterns),
}

/// What the files say of one host.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    /// The first `Host` line that counts and names this host.
    pub(super) place: Option<&'a Place>,
    /// With `%h` and `%%`.
    pub(super) host_name: Option<&'a String>,
    pub(super) user: Option<&'a String>,
    pub(super) port: Option<u16>,
    pub(super) proxy: Option<&'a Proxy>,
    no_jumps: bool,
    pub(super) identities: Vec<&'a Identity>,
    pub(super) identities_only: Option<bool>,
    pub(super) identity_agent: Option<&'a Template>,
    pub(super) certificates: Vec<&'a Template>,
    pub(super) user_known_hosts: Option<&'a Vec<Template>>,
    pub(super) global_known_hosts: Option<&'a Vec<Template>>,
    pub(super) strict: Option<StrictHostKeyChecking>,
    pub(super) hash_known_hosts: Option<bool>,
    pub(super) host_key_alias: Option<&'a String>,
    pub(super) revoked_host_keys: Option<&'a Template>,
    /// The first of each kind.
    algorithms: Vec<(Kind, &'a Chosen)>,
    pub(super) connect_timeout: Option<Option<Duration>>,
    pub(super) alive_interval: Option<Option<Duration>>,
    pub(super) alive_count_max: Option<u32>,
    /// Patterns.
    pub(super) send_env: Vec<&'a str>,
    pub(super) set_env: Option<&'a Vec<(String, String)>>,
    pub(super) batch_mode: Option<bool>,
    pub(super) public_key: Option<bool>,
    pub(super) password: Option<bool>,
    pub(super) keyboard_interactive: Option<bool>,
    pub(super) preferred: Option<&'a String>,
    pub(super) notes: Notes,
    ignore_unknown: Option<&'a Patterns>,
    /// Keywords that are not followed: of them, too, the first one counts.
    others: HashSet<&'static str>,
}

impl<'a> Said<'a> {
    /// What ssh would use for this name. Without a `place` it is none of the hosts that the files name.
    pub(super) fn of(asked: &'a Asked, here: &Here, steps: &'a [Step]) -> Self {
        let mut said = Self { user: asked.user.as_ref(), port: asked.port, ..Self::default() };
        said.walk(asked, here, steps);
        said
    }

    /// The host to connect to. In lower case, in which ssh keeps hosts' keys; but not the zone of an address.
    pub(super) fn host(&self, asked: &str) -> String {
        let host = self.host_name.map_or_else(|| asked.to_owned(), |text| expand(text, asked));
        if host.contains('%') { host } else { host.to_ascii_lowercase() }
    }

    /// In lower case, like every name of a host's key.
    pub(super) fn key_alias(&self) -> Option<String> {
        self.host_key_alias.map(|alias| alias.to_ascii_lowercase())
    }

    /// What is said of the algorithms of a kind.
    pub(super) fn chosen(&self, kind: Kind) -> Option<&'a Chosen> {
        self.algorithms.iter().find(|(other, _)| *other == kind).map(|(_, chosen)| *chosen)
    }

    /// Takes what is not set yet.
    fn walk(&mut self, asked: &Asked, here: &Here, steps: &'a [Step]) {
        let mut active = true;
        for step in steps {
            match step {
                Step::Only(condition) => {
                    active = self.fulfils(asked, here, condition);
                    if let Condition::Host(patterns, place) = condition
                        && active
                        && patterns.has_name(&asked.name)
                    {
                        self.place.get_or_insert(place);
                    }
                }
                Step::Set(setting) if active => self.set(setting),
                Step::Include(steps) if active => self.walk(asked, here, steps),
                Step::Set(_) | Step::Include(_) => {}
            }
        }
    }

    fn fulfils(&self, asked: &Asked, here: &Here, condition: &Condition) -> bool {
        match condition {
            Condition::Host(patterns, _) => patterns.matches(&asked.name),
            Condition::Match(criteria) => criteria.iter().all(|criterion| {
                let met = match &criterion.subject {
                    Subject::All => true,
                    Subject::OriginalHost(patterns) => patterns.matches(&asked.name.to_ascii_lowercase()),
                    Subject::Host(patterns) => patterns.matches(&self.host(&asked.name).to_ascii_lowercase()),
                    Subject::User(patterns) => patterns.matches(self.user.unwrap_or(&here.user)),
                    Subject::LocalUser(patterns) => patterns.matches(&here.user),
                };
                met != criterion.negated
            }),
            Condition::Unknown => false,
        }
    }

    fn set(&mut self, setting: &'a Setting) {
        match setting {
            Setting::HostName(text) => first(&mut self.host_name, text),
            Setting::User(user) => first(&mut self.user, user),
            Setting::Port(port) => first(&mut self.port, *port),
            Setting::NoJumps => self.no_jumps = true,
            Setting::Proxy(Proxy::Jumps(_)) if self.no_jumps => {}
            Setting::Proxy(proxy) => first(&mut self.proxy, proxy),
            Setting::Identity(identity) => {
                let is_same = |other: &&Identity| {
                    other.named == identity.named && other.file.text == identity.file.text
                };
                if !self.identities.iter().any(is_same) {
                    let Template { text, place } = &identity.file;
                    add(&mut self.identities, identity, text, place, &mut self.notes);
                }
            }
            Setting::IdentitiesOnly(only) => first(&mut self.identities_only, *only),
            Setting::IdentityAgent(agent) => first(&mut self.identity_agent, agent),
            Setting::Certificate(file) => {
                if !self.certificates.iter().any(|other| other.text == file.text) {
                    add(&mut self.certificates, file, &file.text, &file.place, &mut self.notes);
                }
            }
            Setting::UserKnownHosts(files) => first(&mut self.user_known_hosts, files),
            Setting::GlobalKnownHosts(files) => first(&mut self.global_known_hosts, files),
            Setting::Strict(strict) => first(&mut self.strict, *strict),
            Setting::HashKnownHosts(hash) => first(&mut self.hash_known_hosts, *hash),
            Setting::HostKeyAlias(alias) => first(&mut self.host_key_alias, alias),
            Setting::RevokedHostKeys(file) => first(&mut self.revoked_host_keys, file),
            Setting::Algorithms(kind, chosen, note) => {
                if self.chosen(*kind).is_none() {
                    self.algorithms.push((*kind, chosen));
                    note.iter().for_each(|note| self.notes.push(note.clone()));
                }
            }
            Setting::ConnectTimeout(time) => first(&mut self.connect_timeout, *time),
            Setting::AliveInterval(time) => first(&mut self.alive_interval, *time),
            Setting::AliveCountMax(count) => first(&mut self.alive_count_max, *count),
            Setting::SendEnv(names, place) => self.send(names, place),
            Setting::SetEnv(env) => first(&mut self.set_env, env),
            Setting::BatchMode(batch) => first(&mut self.batch_mode, *batch),
            Setting::PublicKey(take) => first(&mut self.public_key, *take),
            Setting::Password(take) => first(&mut self.password, *take),
            Setting::KeyboardInteractive(take) => first(&mut self.keyboard_interactive, *take),
            Setting::Preferred(methods) => first(&mut self.preferred, methods),
            Setting::IgnoreUnknown(patterns) => first(&mut self.ignore_unknown, patterns),
            Setting::Other(keyword, note) => {
                if self.others.insert(keyword)
                    && let Some(note) = note
                {
                    self.notes.push(note.clone());
                }
            }
            Setting::Unknown(keyword, note) => {
                if !self.ignore_unknown.is_some_and(|ignored| ignored.matches(keyword)) {
                    self.notes.push(note.clone());
                }
            }
        }
    }

    /// A name with a `-` before it takes out the names before it that it matches.
    fn send(&mut self, names: &'a [String], place: &Place) {
        for name in names {
            match name.strip_prefix('-') {
                Some(pattern) => {
                    let pattern = Patterns::new([pattern]);
                    self.send_env.retain(|name| !pattern.matches(name));
                }
                None => add(&mut self.send_env, name, name, place, &mut self.notes),
            }
        }
    }
}

fn first<T>(slot: &mut Option<T>, value: T) {
    slot.get_or_insert(value);
}

fn add<T>(values: &mut Vec<T>, value: T, text: &str, place: &Place, notes: &mut Notes) {
    if values.len() < MAX_VALUES {
        values.push(value);
    } else {
        notes.push(Note::on_line(place, text, format!("the first {MAX_VALUES} are taken")));
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
