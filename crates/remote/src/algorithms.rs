//! Which algorithms are offered to a server: what is usual here, changed as ssh_config(5) says.

use russh::keys::Algorithm;

use crate::config::Patterns;

/// What stands behind the name of an algorithm when a certificate is meant.
const CERTIFICATE: &str = "-cert-v01@openssh.com";

/// The algorithms for one host, by the names that SSH has for them, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithms {
    /// `KexAlgorithms`.
    pub key_exchanges: Vec<&'static str>,
    /// `Ciphers`.
    pub ciphers: Vec<&'static str>,
    /// `MACs`, for the ciphers that need one.
    pub macs: Vec<&'static str>,
    /// `HostKeyAlgorithms`.
    pub host_keys: Vec<&'static str>,
    /// A person has given the order of `host_keys`; else those that are known of a host stand first.
    pub host_keys_in_order: bool,
    /// `PubkeyAcceptedAlgorithms`.
    pub public_keys: Vec<&'static str>,
}

/// A keyword of ssh_config(5) that lists algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    KeyExchange,
    Cipher,
    Mac,
    HostKey,
    PublicKey,
}

/// Algorithms of one kind: those that are offered unless somebody says otherwise, and those that somebody must name, since they
/// are only for old machines.
pub(crate) struct Known {
    pub(crate) usual: &'static [&'static str],
    pub(crate) old: &'static [&'static str],
}

/// What a person has said of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// What is left to offer, best first.
    pub(crate) names: Vec<&'static str>,
    /// He has given the whole order, or its beginning.
    pub(crate) in_order: bool,
    /// Named, and not known here.
    pub(crate) unknown: Vec<String>,
}

/// Best first: what a quantum computer does not read either, then what costs least.
const KEY_EXCHANGES: Known = Known {
    usual: &[
        "mlkem768x25519-sha256",
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group18-sha512",
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group14-sha256",
    ],
    old: &[
        "diffie-hellman-group15-sha512",
        "diffie-hellman-group17-sha512",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group1-sha1",
    ],
};

/// Fastest first: processors have instructions for AES.
const CIPHERS: Known = Known {
    usual: &[
        "aes128-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
    ],
    old: &["aes128-cbc", "aes192-cbc", "aes256-cbc"],
};

/// Encrypt-then-MAC first.
const MACS: Known = Known {
    usual: &[
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
    ],
    old: &["hmac-sha1-etm@openssh.com", "hmac-sha1"],
};

/// The kinds of keys that hosts may show, and as certificates. Neither DSA nor signatures by SHA-1 are usual.
const HOST_KEYS: Known = Known {
    usual: &[
        "ssh-ed25519-cert-v01@openssh.com",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        "rsa-sha2-512-cert-v01@openssh.com",
        "rsa-sha2-256-cert-v01@openssh.com",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-512",
        "rsa-sha2-256",
    ],
    old: &["ssh-rsa"],
};

/// As [`HOST_KEYS`], and the keys of security tokens.
const PUBLIC_KEYS: Known = Known {
    usual: &[
        "ssh-ed25519-cert-v01@openssh.com",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        "sk-ssh-ed25519-cert-v01@openssh.com",
        "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        "rsa-sha2-512-cert-v01@openssh.com",
        "rsa-sha2-256-cert-v01@openssh.com",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
        "rsa-sha2-512",
        "rsa-sha2-256",
    ],
    old: &["ssh-rsa", "ssh-rsa-cert-v01@openssh.com"],
};

impl Algorithms {
    /// The kinds of host keys that are taken as they are.
    pub(crate) fn bare_host_keys(&self) -> Vec<Algorithm> {
        let bare = self.host_keys.iter().filter(|name| !name.ends_with(CERTIFICATE));
        bare.filter_map(|name| name.parse().ok()).collect()
    }

    /// The kinds of host keys that are taken by a certificate.
    pub(crate) fn certified_host_keys(&self) -> Vec<Algorithm> {
        self.host_keys.iter().filter_map(|name| name.strip_suffix(CERTIFICATE)?.parse().ok()).collect()
    }

    /// Whether a key may be shown with signatures of this kind.
    pub(crate) fn shows(&self, signature: &Algorithm, by_certificate: bool) -> bool {
        let name =
            if by_certificate { signature.to_certificate_type() } else { signature.as_str().to_owned() };
        self.public_keys.contains(&name.as_str())
    }
}

impl Default for Algorithms {
    fn default() -> Self {
        Self {
            key_exchanges: KEY_EXCHANGES.usual.to_vec(),
            ciphers: CIPHERS.usual.to_vec(),
            macs: MACS.usual.to_vec(),
            host_keys: HOST_KEYS.usual.to_vec(),
            host_keys_in_order: false,
            public_keys: PUBLIC_KEYS.usual.to_vec(),
        }
    }
}

impl Kind {
    /// Of a keyword in lower case.
    pub(crate) fn of(keyword: &str) -> Option<Self> {
        Some(match keyword {
            "kexalgorithms" => Self::KeyExchange,
            "ciphers" => Self::Cipher,
            "macs" => Self::Mac,
            "hostkeyalgorithms" => Self::HostKey,
            "pubkeyacceptedalgorithms" | "pubkeyacceptedkeytypes" => Self::PublicKey,
            _ => return None,
        })
    }

    /// What a value means to a client: see [`Known::choose`]. What is not to be offered is not, whether it is known or not.
    pub(crate) fn choose(self, value: &str) -> Chosen {
        let mut chosen = self.known().choose(value);
        if value.starts_with('-') {
            chosen.unknown.clear();
        }
        chosen
    }

    fn known(self) -> &'static Known {
        match self {
            Self::KeyExchange => &KEY_EXCHANGES,
            Self::Cipher => &CIPHERS,
            Self::Mac => &MACS,
            Self::HostKey => &HOST_KEYS,
            Self::PublicKey => &PUBLIC_KEYS,
        }
    }
}

impl Known {
    /// What a value means (ssh_config(5), `Ciphers`): a list of patterns in place of the usual one, or with `+` behind it, with `^`
    /// before it, or with `-` out of it.
    pub(crate) fn choose(&self, value: &str) -> Chosen {
        let Self { usual, old } = *self;
        let (sign, list) = match value.chars().next() {
            Some(sign @ ('+' | '-' | '^')) => (sign, &value[1..]),
            _ => (' ', value),
        };
        let (mut named, mut unknown) = (Vec::new(), Vec::new());
        for pattern in list.split(',').filter(|pattern| !pattern.is_empty()) {
            let before = named.len();
            let patterns = Patterns::new([pattern]);
            named.extend(usual.iter().chain(old).copied().filter(|name| patterns.matches(name)));
            if named.len() == before {
                unknown.push(pattern.to_owned());
            }
        }
        let mut names = match sign {
            '+' => [usual, named.as_slice()].concat(),
            '^' => [named.as_slice(), usual].concat(),
            '-' => usual.iter().copied().filter(|name| !named.contains(name)).collect(),
            _ => named,
        };
        let mut seen = Vec::new();
        names.retain(|name| {
            let is_first = !seen.contains(name);
            seen.push(*name);
            is_first
        });
        Chosen { names, in_order: !['+', '-'].contains(&sign), unknown }
    }
}

#[cfg(test)]
mod tests {
    use russh::{cipher, kex, mac};

    use super::*;

    #[test]
    fn every_name_is_one_that_russh_knows() {
        let all = |kind: Kind| kind.known().usual.iter().chain(kind.known().old);
        assert!(all(Kind::KeyExchange).all(|&name| kex::Name::try_from(name).is_ok()));
        assert!(all(Kind::Cipher).all(|&name| cipher::Name::try_from(name).is_ok()));
        assert!(all(Kind::Mac).all(|&name| mac::Name::try_from(name).is_ok()));
        let algorithms = Algorithms::default();
        assert_eq!(algorithms.bare_host_keys().len() + algorithms.certified_host_keys().len(), 12);
        for algorithm in [algorithms.bare_host_keys(), algorithms.certified_host_keys()].concat() {
            assert!(algorithms.shows(&algorithm, false) && algorithms.shows(&algorithm, true), "{algorithm}");
        }
        for token in [Algorithm::SkEd25519, Algorithm::SkEcdsaSha2NistP256] {
            assert!(algorithms.shows(&token, false) && algorithms.shows(&token, true), "{token}");
        }
        let by_sha1 = Algorithm::Rsa { hash: None };
        assert!(!algorithms.shows(&by_sha1, false));
        let public_keys = Kind::PublicKey.choose("+ssh-rsa").names;
        assert!(Algorithms { public_keys, ..algorithms }.shows(&by_sha1, false));
    }

    #[test]
    fn a_list_takes_the_place_of_the_usual_one_or_changes_it() {
        let usual = MACS.usual;
        let macs = |value| Kind::Mac.choose(value);
        assert_eq!(macs("hmac-sha2-512,hmac-sha1").names, ["hmac-sha2-512", "hmac-sha1"]);
        assert_eq!(macs("+hmac-sha1,hmac-sha2-256").names, [usual, &["hmac-sha1"]].concat());
        assert_eq!(macs("^hmac-sha2-512").names[..2], ["hmac-sha2-512", usual[0]]);
        assert_eq!(macs("^hmac-sha2-512").names.len(), usual.len());
        assert_eq!(macs("-*-etm*").names, usual[2..]);
        assert_eq!(macs("-etm*").names, usual, "the pattern is held against whole names");
        assert_eq!(macs("-hmac-sha2-2*").names, [usual[1], usual[3]]);
        assert_eq!(macs("hmac-sha2-2*").names, [usual[0], usual[2]]);
        assert_eq!(macs("-*").names, [""; 0]);
        assert!(macs("a,b").in_order && macs("^a").in_order && !macs("+a").in_order && !macs("-a").in_order);
    }

    #[test]
    fn what_is_not_known_here_is_told_where_it_was_to_be_offered() {
        let kex = |value| Kind::KeyExchange.choose(value);
        let named = kex("sntrup761x25519-sha512@openssh.com,curve25519-sha256");
        assert_eq!(named.names, ["curve25519-sha256"]);
        assert_eq!(named.unknown, ["sntrup761x25519-sha512@openssh.com"]);
        assert!(kex("-sntrup761x25519-sha512").unknown.is_empty());
        assert_eq!(kex("none").names, [""; 0]);
        assert_eq!(Kind::Cipher.choose("none,clear,3des-cbc").names, [""; 0], "nothing goes in clear");
    }
}
