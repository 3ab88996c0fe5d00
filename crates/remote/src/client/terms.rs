//! What is offered to a server in the handshake.

use std::borrow::Cow;
use std::sync::Arc;

use russh::client::Config;
use russh::{Preferred, SshId, compression, kex};

use super::Flow;
use crate::algorithms::Algorithms;
use crate::config::Settings;
use crate::known_hosts::Preference;
use crate::outcome::ConnectError;

/// What both sides say beside the ways to exchange keys: RFC 8308, and OpenSSH's answer to Terrapin.
const EXTENSIONS: [kex::Name; 2] =
    [kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT];

/// The terms of a connection.
///
/// # Errors
/// When a person's list of algorithms leaves none: then others must not be offered.
pub(super) fn terms(
    settings: &Settings,
    preference: Preference,
    flow: Flow,
) -> Result<Arc<Config>, ConnectError> {
    let Algorithms { key_exchanges, ciphers, macs, .. } = &settings.algorithms;
    let mut kex: Vec<kex::Name> = named("KexAlgorithms", key_exchanges)?;
    kex.extend(EXTENSIONS);
    if preference.keys.is_empty() && preference.certificates.is_empty() {
        return Err(none_left("HostKeyAlgorithms"));
    }
    Ok(Arc::new(Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-trunkline_", env!("CARGO_PKG_VERSION")))),
        window_size: flow.window,
        channel_buffer_size: flow.ahead,
        preferred: Preferred {
            kex: Cow::Owned(kex),
            key: Cow::Owned(preference.keys),
            host_key_certificates: Cow::Owned(preference.certificates),
            cipher: Cow::Owned(named("Ciphers", ciphers)?),
            mac: Cow::Owned(named("MACs", macs)?),
            compression: Cow::Borrowed(&[compression::NONE]),
        },
        keepalive_interval: settings.alive_interval,
        keepalive_max: settings.alive_count_max.try_into().unwrap_or(usize::MAX),
        ..Config::default()
    }))
}

/// These as russh has them.
fn named<N: TryFrom<&'static str>>(
    keyword: &'static str,
    names: &[&'static str],
) -> Result<Vec<N>, ConnectError> {
    let names: Vec<N> = names.iter().filter_map(|name| N::try_from(name).ok()).collect();
    if names.is_empty() { Err(none_left(keyword)) } else { Ok(names) }
}

fn none_left(keyword: &str) -> ConnectError {
    ConnectError::Own(format!("{keyword} in ssh_config(5) leaves nothing that is known here"))
}
