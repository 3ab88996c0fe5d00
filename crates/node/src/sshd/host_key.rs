//! The file of the host key, in the state folder.

use std::os::unix::fs::MetadataExt as _;

use remote::server::{HostKey, HostKeyError};

use super::SshdError;
use crate::home::Home;
use crate::store::Store;

/// As sshd calls it.
const FILE: &str = "ssh_host_ed25519_key";

/// The key of this home, which is made where there is none.
pub(super) fn of(home: &Home) -> Result<HostKey, SshdError> {
    let path = home.state().join(FILE);
    let wrong = |error| SshdError::HostKey { path: path.clone(), error };
    let store = Store::open(&path)?;
    let bytes = store.read()?;
    if bytes.is_empty() {
        let making = |error| SshdError::System { doing: "making a host key", error };
        let key = HostKey::generate().map_err(making)?;
        store.replace(key.to_text().map_err(wrong)?.as_bytes())?;
        return Ok(key);
    }
    if path.metadata().is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
        return Err(SshdError::Exposed { path });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong(HostKeyError::Format("not text".to_owned())))?;
    HostKey::from_text(text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home =
            Home::from_environment(|name| (name == "TRUNKLINE_HOME").then(|| folder.path().into())).unwrap();
        let made = of(&home).unwrap().fingerprint();
        let path = folder.path().join(FILE);
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(of(&home).unwrap().fingerprint(), made);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(of(&home), Err(SshdError::Exposed { .. })));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "no key").unwrap();
        assert!(matches!(of(&home), Err(SshdError::HostKey { .. })), "it is not replaced");
    }
}
