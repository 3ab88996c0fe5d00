//! Which hosts a line is for.

use std::io;

use aws_lc_rs::hmac;
use aws_lc_rs::rand;
use russh::keys::ssh_encoding::base64::{Base64, Encoding};

/// The first field of a line.
#[derive(Debug)]
pub(super) enum Hosts {
    /// `*.lab,!printer.lab`
    Listed(Vec<Pattern>),
    /// `|1|salt|hash`: one name, which only whoever knows it finds.
    Hashed { salt: [u8; HASH], hash: [u8; HASH] },
}

/// A name with `*` for any characters and `?` for any one.
#[derive(Debug)]
pub(super) struct Pattern {
    text: Box<[u8]>,
    negated: bool,
}

/// Bytes of a salt and of a hash: those of SHA-1.
const HASH: usize = 20;

impl Hosts {
    /// `None` for a hashed name that is none.
    pub(super) fn parse(field: &str) -> Option<Self> {
        if let Some(hashed) = field.strip_prefix('|') {
            let (salt, hash) = hashed.strip_prefix("1|")?.split_once('|')?;
            let decode = |text: &str| Base64::decode_vec(text).ok()?.try_into().ok();
            return Some(Self::Hashed { salt: decode(salt)?, hash: decode(hash)? });
        }
        let pattern = |text: &str| {
            let (text, negated) = text.strip_prefix('!').map_or((text, false), |text| (text, true));
            Pattern { text: text.to_lowercase().into_bytes().into(), negated }
        };
        Some(Self::Listed(field.split(',').map(pattern).collect()))
    }

    /// Whether the line is for this name, which is in lower case.
    pub(super) fn contain(&self, host: &str) -> bool {
        match self {
            Self::Listed(patterns) => {
                let matching = |negated| {
                    patterns
                        .iter()
                        .any(|pattern| pattern.negated == negated && pattern.matches(host.as_bytes()))
                };
                matching(false) && !matching(true)
            }
            Self::Hashed { salt, hash } => hmac::verify(&key(salt), host.as_bytes(), hash).is_ok(),
        }
    }
}

/// A name so that only whoever knows it finds it.
///
/// # Errors
/// When the system has no random bytes.
pub(super) fn hashed(host: &str) -> io::Result<String> {
    let mut salt = [0; HASH];
    rand::fill(&mut salt).map_err(|_| io::Error::other("no random bytes"))?;
    let hash = hmac::sign(&key(&salt), host.as_bytes());
    Ok(format!("|1|{}|{}", Base64::encode_string(&salt), Base64::encode_string(hash.as_ref())))
}

fn key(salt: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt)
}

impl Pattern {
    /// By one pass with one place to come back to, so that stars multiply no work.
    fn matches(&self, host: &[u8]) -> bool {
        let (mut at, mut star) = (0, None);
        let mut seen = 0;
        while seen < host.len() {
            match self.text.get(at) {
                Some(b'*') => {
                    star = Some((at, seen));
                    at += 1;
                }
                Some(&wanted) if wanted == b'?' || wanted == host[seen] => {
                    at += 1;
                    seen += 1;
                }
                _ => {
                    let Some((back, taken)) = star else { return false };
                    star = Some((back, taken + 1));
                    at = back + 1;
                    seen = taken + 1;
                }
            }
        }
        self.text[at..].iter().all(|byte| *byte == b'*')
    }
}
