//! What a host is called in known_hosts.

use std::fmt;

use crate::machine::Hop;

/// The port that is not written in the files.
const SSH_PORT: u16 = 22;

/// A host, as its keys are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// `host`, `[host]:port` where the port is not 22, or HostKeyAlias; in lower case.
    pub(super) listed: String,
    /// Without its port: whoever wrote this meant every port.
    bare: Option<String>,
    /// What a certificate must be for.
    pub(super) principal: String,
}

impl Name {
    /// Of a machine, or one on the way.
    #[must_use]
    pub fn of(hop: &Hop) -> Self {
        match &hop.settings.host_key_alias {
            Some(alias) => Self::new(alias, SSH_PORT),
            None => Self::new(&hop.host, hop.port),
        }
    }

    /// Of a host, by a name or an address without brackets.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        let host = host.to_lowercase();
        if port == SSH_PORT {
            return Self { listed: host.clone(), bare: None, principal: host };
        }
        Self { listed: format!("[{host}]:{port}"), bare: Some(host.clone()), principal: host }
    }

    /// With the port, and without it.
    pub(super) fn forms(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.listed.as_str()).chain(self.bare.as_deref())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.listed)
    }
}
