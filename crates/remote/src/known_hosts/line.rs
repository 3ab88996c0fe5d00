//! One line of the file.

use russh::keys::ssh_encoding::base64::{Base64, Encoding};
use russh::keys::{Algorithm, PublicKey};

use super::pattern::Hosts;

/// What a line says: these hosts have this key.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) marker: Marker,
    pub(super) hosts: Hosts,
    pub(super) key: PublicKey,
}

/// What a key is to its hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// Their own.
    None,
    /// `@cert-authority`: it signs their certificates.
    Authority,
    /// `@revoked`: it must not be used any more.
    Revoked,
}

/// A line that means nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl Line {
    /// `None` for a line that is empty or a comment.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Broken> {
        let mut words = text.split([' ', '\t', '\r']).filter(|word| !word.is_empty());
        let Some(mut word) = words.next() else { return Ok(None) };
        if word.starts_with('#') {
            return Ok(None);
        }
        let marker = match word {
            "@cert-authority" => Marker::Authority,
            "@revoked" => Marker::Revoked,
            _ if word.starts_with('@') => return Err(Broken),
            _ => Marker::None,
        };
        if marker != Marker::None {
            word = words.next().filter(|word| !word.starts_with('@')).ok_or(Broken)?;
        }
        let hosts = Hosts::parse(word).ok_or(Broken)?;
        let (Some(kind), Some(key)) = (words.next(), words.next()) else { return Err(Broken) };
        Ok(Some(Self { marker, hosts, key: parse_key(kind, key).ok_or(Broken)? }))
    }
}

/// A key by the name of its kind and its Base64. Certificates are not taken: they nest, and have no place in the file.
pub(super) fn parse_key(kind: &str, base64: &str) -> Option<PublicKey> {
    let blob = Base64::decode_vec(base64).ok()?;
    let (length, rest) = blob.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let is_that_kind = rest.get(..length)? == kind.as_bytes();
    let is_known = kind.parse().is_ok_and(|algorithm: Algorithm| !matches!(algorithm, Algorithm::Other(_)));
    if !is_that_kind || !is_known {
        return None;
    }
    PublicKey::from_bytes(&blob).ok()
}
