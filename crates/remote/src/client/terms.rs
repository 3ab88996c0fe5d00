//! What is offered to a server in the handshake.

use std::borrow::Cow;
use std::sync::Arc;

use russh::client::Config;
use russh::{Preferred, SshId, cipher, compression, kex, mac};

use super::Flow;
use crate::config::Settings;
use crate::known_hosts::Preference;

/// Best first: what a quantum computer does not read either, then what costs least.
const KEY_EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_GEX_SHA256,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// Fastest first: processors have instructions for AES.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_GCM,
    cipher::AES_128_CTR,
    cipher::AES_192_CTR,
    cipher::AES_256_CTR,
];

/// For the ciphers that need one; encrypt-then-MAC first.
const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];

/// The terms of a connection.
pub(super) fn terms(settings: &Settings, preference: Preference, flow: Flow) -> Arc<Config> {
    Arc::new(Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-trunkline_", env!("CARGO_PKG_VERSION")))),
        window_size: flow.window,
        channel_buffer_size: flow.ahead,
        preferred: Preferred {
            kex: Cow::Borrowed(KEY_EXCHANGES),
            key: Cow::Owned(preference.keys),
            host_key_certificates: Cow::Owned(preference.certificates),
            cipher: Cow::Borrowed(CIPHERS),
            mac: Cow::Borrowed(MACS),
            compression: Cow::Borrowed(&[compression::NONE]),
        },
        keepalive_interval: settings.alive_interval,
        keepalive_max: settings.alive_count_max.try_into().unwrap_or(usize::MAX),
        ..Config::default()
    })
}
