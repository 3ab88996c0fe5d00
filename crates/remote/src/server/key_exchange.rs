//! How a server and its clients agree on keys: what it offers, as sshd_config(5) lists it.

use std::str::FromStr;

use russh::kex::{self, Name};
use thiserror::Error;

use crate::algorithms::Known;

/// Best first. The second and third are one, for clients that know it by either name: all that OpenSSH before 9.9 knows of
/// these.
const KNOWN: Known = Known {
    usual: &["mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org"],
    old: &[],
};

/// What a server offers, best first: at first all that it knows. There is always one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyExchanges(Vec<&'static str>);

/// Why a list of key exchanges cannot be.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyExchangesError {
    /// There is none of this name.
    #[error("{name} is not known here; the server knows {}", KNOWN.usual.join(", "))]
    Unknown {
        /// As it was written.
        name: String,
    },
    /// The list leaves nothing.
    #[error("nothing is left to offer, and nobody would come in; the server knows {}", KNOWN.usual.join(", "))]
    Nothing,
}

impl KeyExchanges {
    /// As russh has them, with what stands beside them in the list: the two strict ways of agreeing, and extensions.
    pub(super) fn names(&self) -> Vec<Name> {
        let named = self.0.iter().filter_map(|name| Name::try_from(*name).ok());
        let beside = [kex::EXTENSION_SUPPORT_AS_SERVER, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER];
        named.chain(beside).collect()
    }
}

impl Default for KeyExchanges {
    fn default() -> Self {
        Self(KNOWN.usual.to_vec())
    }
}

/// As `KexAlgorithms` of sshd_config(5): names with commas between, where `*` and `?` match, in place of all; with `-` before the
/// list, all without them; with `^`, they come first.
impl FromStr for KeyExchanges {
    type Err = KeyExchangesError;

    fn from_str(value: &str) -> Result<Self, KeyExchangesError> {
        let chosen = KNOWN.choose(value);
        if let Some(name) = chosen.unknown.into_iter().next() {
            return Err(KeyExchangesError::Unknown { name });
        }
        if chosen.names.is_empty() { Err(KeyExchangesError::Nothing) } else { Ok(Self(chosen.names)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(value: &str) -> Result<Vec<&'static str>, String> {
        value.parse().map(|KeyExchanges(names)| names).map_err(|error: KeyExchangesError| error.to_string())
    }

    #[test]
    fn a_list_says_what_is_offered_or_what_is_not() {
        assert_eq!(offered("mlkem768x25519-sha256").unwrap(), ["mlkem768x25519-sha256"]);
        assert_eq!(offered("-curve25519*").unwrap(), ["mlkem768x25519-sha256"]);
        assert_eq!(offered("^curve25519-sha256").unwrap()[..2], ["curve25519-sha256", KNOWN.usual[0]]);
        assert_eq!(offered("+curve25519-sha256").unwrap(), KNOWN.usual);
    }

    #[test]
    fn a_name_that_is_not_known_is_an_error_that_lists_those_that_are() {
        let known = "the server knows mlkem768x25519-sha256, curve25519-sha256, curve25519-sha256@libssh.org";
        let said = |name| Err(format!("{name} is not known here; {known}"));
        assert_eq!(offered("mlkem768x25519-sha256,sntrup761x25519-sha512"), said("sntrup761x25519-sha512"));
        assert_eq!(offered("-curve25519"), said("curve25519"), "it would be offered all the same");
        for nothing in ["", ",", "-*"] {
            let said = format!("nothing is left to offer, and nobody would come in; {known}");
            assert_eq!(offered(nothing), Err(said), "{nothing}");
        }
    }

    #[test]
    fn every_name_is_one_that_russh_knows_and_strict_key_exchange_is_always_there() {
        let names = KeyExchanges::default().names();
        assert_eq!(names.len(), KNOWN.usual.len() + 2);
        let alone: KeyExchanges = "mlkem768x25519-sha256".parse().unwrap();
        assert!(alone.names().contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER));
    }
}
