//! How to connect to one host.

use std::path::PathBuf;
use std::time::Duration;

use crate::algorithms::Algorithms;

/// What ssh_config(5) says of one host, with ssh's defaults where it says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Files of keys, in the order in which they are shown; those that are not there are passed over, unless a person named
    /// them. `~` and `%`-tokens are expanded.
    pub identity_files: Vec<IdentityFile>,
    /// Only these, even if the agent has more.
    pub identities_only: bool,
    /// Where the agent listens: `IdentityAgent`, or else `SSH_AUTH_SOCK`.
    pub agent: Option<PathBuf>,
    /// Certificates of keys, beside those that lie next to a key as `KEY-cert.pub`.
    pub certificate_files: Vec<PathBuf>,
    /// Keys of hosts that the user trusts; new ones are added to the first.
    pub user_known_hosts: Vec<PathBuf>,
    /// Keys of hosts that this machine trusts.
    pub global_known_hosts: Vec<PathBuf>,
    /// What to do with a host that is not known.
    pub strict: StrictHostKeyChecking,
    /// Names of hosts are hashed when they are added.
    pub hash_known_hosts: bool,
    /// The name to look for in known_hosts, in place of the real one.
    pub host_key_alias: Option<String>,
    /// Keys that no host may show: `RevokedHostKeys`.
    pub revoked_host_keys: Option<PathBuf>,
    /// What is offered to the host: `Ciphers` and its kin.
    pub algorithms: Algorithms,
    /// How long connecting may take; None: as long as the caller allows.
    pub connect_timeout: Option<Duration>,
    /// After so much silence the server is asked whether it lives; None: never.
    pub alive_interval: Option<Duration>,
    /// So many questions in a row without an answer are the end.
    pub alive_count_max: u32,
    /// Variables for the command, from `SendEnv` and `SetEnv`, expanded.
    pub env: Vec<(String, String)>,
    /// A person may be asked for anything at all (not `BatchMode`).
    pub ask: bool,
    /// Keys may be shown (`PubkeyAuthentication`).
    pub public_key: bool,
    /// A password may be asked for, where `ask` allows it (`PasswordAuthentication`).
    pub password: bool,
    /// What a machine wants to have asked may be asked, where `ask` allows it (`KbdInteractiveAuthentication`).
    pub keyboard_interactive: bool,
}

/// A file with a private key, or its public half where an agent has the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFile {
    /// Where it lies.
    pub path: PathBuf,
    /// A person named it: it is an error worth telling if it cannot be read.
    pub named: bool,
}

/// `StrictHostKeyChecking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrictHostKeyChecking {
    /// Who is not known is refused.
    Yes,
    /// Who is not known is remembered; who has changed is refused.
    AcceptNew,
    /// Who is not known is remembered; who has changed is told, and only keys may be used there.
    No,
    /// A person is asked.
    Ask,
}
