//! What ssh would use for one host: what the files say, and ssh's defaults where they say nothing.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::expand::{self, Template, Tokens};
use super::note::Note;
use super::pattern::Patterns;
use super::steps::Said;
use super::value::is_none;
use super::{Asked, Here, Host, IdentityFile, Jump, Proxy, Settings, StrictHostKeyChecking};
use crate::algorithms::{Algorithms, Kind};
use crate::machine::Hop;

/// Where SSH listens, unless told otherwise (RFC 4253 section 4.1).
const SSH_PORT: u16 = 22;

/// In the order in which ssh shows them; without the kinds of keys that are not known here.
const IDENTITY_FILES: [&str; 3] = [".ssh/id_rsa", ".ssh/id_ecdsa", ".ssh/id_ed25519"];

const USER_KNOWN_HOSTS: [&str; 2] = [".ssh/known_hosts", ".ssh/known_hosts2"];

const GLOBAL_KNOWN_HOSTS: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

const ALIVE_COUNT_MAX: u32 = 3;

/// Where the agent listens, unless `IdentityAgent` says otherwise.
const AGENT: &str = "SSH_AUTH_SOCK";

impl Host {
    pub(super) fn new(asked: &Asked, here: &Here, said: Said<'_>) -> Self {
        let host_name = said.host(&asked.name);
        let key_alias = said.key_alias();
        let tokens = Tokens {
            here,
            host: &host_name,
            name: &asked.name,
            key_alias: key_alias.as_deref().unwrap_or(&asked.name),
            jump: last_jump(said.proxy),
            user: said.user.unwrap_or(&here.user),
            port: said.port.unwrap_or(SSH_PORT),
        };
        let mut notes = Vec::new();
        let settings = settings(&said, &tokens, &mut notes);
        let proxy = said.proxy.map_or(Proxy::Direct, |proxy| expanded(proxy, &tokens));
        Self {
            place: said.place.cloned(),
            user: said.user.cloned(),
            port: said.port,
            proxy,
            settings: Arc::new(settings),
            notes: [said.notes.into_vec(), notes].concat(),
            host_name,
        }
    }

    /// A connection to it. Who logs in, and at which port, is ssh's default where nobody has said it.
    #[must_use]
    pub fn hop(&self, here: &Here) -> Hop {
        Hop {
            user: self.user.as_ref().unwrap_or(&here.user).clone(),
            host: self.host_name.clone(),
            port: self.port.unwrap_or(SSH_PORT),
            settings: Arc::clone(&self.settings),
        }
    }
}

fn settings(said: &Said<'_>, tokens: &Tokens<'_>, notes: &mut Vec<Note>) -> Settings {
    let here = tokens.here;
    let may_log_in_by = |method: &str, allowed: Option<bool>| {
        let preferred = said.preferred.is_none_or(|methods| methods.split(',').any(|name| name == method));
        allowed.unwrap_or(true) && preferred
    };
    let mut file = |syntax, template: &Template| match tokens.file(syntax, template) {
        Ok(path) => Some(path),
        Err(note) => {
            notes.push(note);
            None
        }
    };
    let agent = match said.identity_agent {
        Some(agent) => match agent.text.strip_prefix('$') {
            _ if is_none(&agent.text) => None,
            _ if agent.text == AGENT => variable(here, AGENT),
            Some(name) if !name.starts_with('{') => variable(here, name),
            _ => file(&expand::FILE, agent),
        },
        None => variable(here, AGENT),
    };
    Settings {
        identity_files: if said.identities.is_empty() {
            let unnamed = |path| IdentityFile { path, named: false };
            in_folder(&here.home, &IDENTITY_FILES).into_iter().map(unnamed).collect()
        } else {
            let identities = said.identities.iter().filter(|identity| !is_none(&identity.file.text));
            identities
                .filter_map(|identity| {
                    let path = file(&expand::FILE, &identity.file)?;
                    Some(IdentityFile { path, named: identity.named })
                })
                .collect()
        },
        identities_only: said.identities_only.unwrap_or(false),
        agent,
        certificate_files: said.certificates.iter().filter_map(|path| file(&expand::FILE, path)).collect(),
        user_known_hosts: match said.user_known_hosts {
            Some(files) => files.iter().filter_map(|path| file(&expand::FILE, path)).collect(),
            None => in_folder(&here.home, &USER_KNOWN_HOSTS),
        },
        global_known_hosts: match said.global_known_hosts {
            Some(files) => files.iter().filter_map(|path| file(&expand::PLAIN_FILE, path)).collect(),
            None => GLOBAL_KNOWN_HOSTS.map(PathBuf::from).into(),
        },
        strict: said.strict.unwrap_or(StrictHostKeyChecking::Ask),
        hash_known_hosts: said.hash_known_hosts.unwrap_or(false),
        host_key_alias: said.key_alias(),
        revoked_host_keys: match said.revoked_host_keys {
            Some(path) if !is_none(&path.text) => {
                file(&expand::FILE, path).or_else(|| Some(path.text.clone().into()))
            }
            _ => None,
        },
        algorithms: algorithms(said),
        connect_timeout: said.connect_timeout.flatten(),
        alive_interval: said.alive_interval.flatten(),
        alive_count_max: said.alive_count_max.unwrap_or(ALIVE_COUNT_MAX),
        env: env(said, here),
        ask: !said.batch_mode.unwrap_or(false),
        public_key: may_log_in_by("publickey", said.public_key),
        password: may_log_in_by("password", said.password),
        keyboard_interactive: may_log_in_by("keyboard-interactive", said.keyboard_interactive),
    }
}

fn algorithms(said: &Said<'_>) -> Algorithms {
    let mut algorithms = Algorithms::default();
    for (kind, names) in [
        (Kind::KeyExchange, &mut algorithms.key_exchanges),
        (Kind::Cipher, &mut algorithms.ciphers),
        (Kind::Mac, &mut algorithms.macs),
        (Kind::HostKey, &mut algorithms.host_keys),
        (Kind::PublicKey, &mut algorithms.public_keys),
    ] {
        if let Some(chosen) = said.chosen(kind) {
            names.clone_from(&chosen.names);
        }
    }
    algorithms.host_keys_in_order = said.chosen(Kind::HostKey).is_some_and(|chosen| chosen.in_order);
    algorithms
}

/// What `SendEnv` picks from the environment, and then what `SetEnv` sets: the first of a name, and rather than what is sent.
fn env(said: &Said<'_>, here: &Here) -> Vec<(String, String)> {
    let mut names = HashSet::new();
    let set = said.set_env.map(Vec::as_slice).unwrap_or_default();
    let set: Vec<_> = set.iter().filter(|(name, _)| names.insert(name)).cloned().collect();
    let patterns = Patterns::new(said.send_env.iter().copied());
    let sent = here.env.iter().filter(|(name, _)| patterns.matches(name) && !names.contains(name));
    let sent = sent.map(|(name, value)| (name.clone(), value.clone()));
    sent.chain(set).collect()
}

/// A file that a variable of the environment names.
fn variable(here: &Here, name: &str) -> Option<PathBuf> {
    here.env.get(name).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn in_folder(folder: &Path, files: &[&str]) -> Vec<PathBuf> {
    files.iter().map(|file| folder.join(file)).collect()
}

fn last_jump(proxy: Option<&Proxy>) -> &str {
    match proxy {
        Some(Proxy::Jumps(jumps)) => jumps.last().map_or("", |jump| &jump.host),
        _ => "",
    }
}

fn expanded(proxy: &Proxy, tokens: &Tokens<'_>) -> Proxy {
    let Proxy::Jumps(jumps) = proxy else { return proxy.clone() };
    // Its syntax was checked when it was read, and none of its tokens can fail.
    let text = |text: &String| {
        let filled = tokens.text(&expand::PROXY_JUMP, text);
        filled.map_or_else(|_| text.clone(), |filled| filled.to_string_lossy().into_owned())
    };
    let jump =
        |jump: &Jump| Jump { user: jump.user.as_ref().map(text), host: text(&jump.host), port: jump.port };
    Proxy::Jumps(jumps.iter().map(jump).collect())
}
