//! Keys that must not be used any more, whatever host shows them: `RevokedHostKeys` of ssh_config(5).

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use russh::keys::{PublicKey, PublicKeyOrCertificate};

use super::{LoadError, Place, line, read_opened};

/// How OpenSSH's own format begins (PROTOCOL.krl).
const KRL: &[u8] = b"SSHKRL\n\0";

/// The keys of such a file.
#[derive(Debug)]
pub(super) struct RevokedKeys(Vec<(Place, PublicKey)>);

impl RevokedKeys {
    /// Reads public keys, one on a line. As with ssh, a file that is not there or cannot be read lets nobody through.
    pub(super) fn read(file: &Path) -> Result<Self, LoadError> {
        let opened = File::open(file).map_err(|error| LoadError::Revoked { file: file.to_owned(), error })?;
        let text = read_opened(&opened, file)?;
        if text.starts_with(KRL) {
            return Err(LoadError::Krl { file: file.to_owned() });
        }
        let file: Arc<Path> = Arc::from(file);
        let keys = text.split(|byte| *byte == b'\n').enumerate().filter_map(|(index, text)| {
            let text = String::from_utf8_lossy(text);
            let mut words = text.split_whitespace();
            // What is no key revokes none; comments are no keys.
            let key = line::parse_key(words.next()?, words.next()?)?;
            Some((Place { file: file.clone(), line: index + 1 }, key))
        });
        Ok(Self(keys.collect()))
    }

    /// The line that revokes a key, the key in a certificate, or the authority that has signed it.
    pub(super) fn find(&self, shown: &PublicKeyOrCertificate) -> Option<Place> {
        let mut keys = vec![shown.public_key()];
        if let PublicKeyOrCertificate::Certificate(certificate) = shown {
            keys.push(PublicKey::from(certificate.signature_key().clone()));
        }
        let is_shown = |revoked: &PublicKey| keys.iter().any(|key| key.key_data() == revoked.key_data());
        self.0.iter().find(|(_, key)| is_shown(key)).map(|(place, _)| place.clone())
    }
}
