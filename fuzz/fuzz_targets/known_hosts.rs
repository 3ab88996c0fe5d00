//! Any file of known hosts is read, a key can be added to it, and is then known unless a line revokes it.
#![no_main]

use remote::known_hosts::{KnownHosts, Name, Verdict};
use russh::keys::PublicKey;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [folder.path().join("known_hosts")];
    std::fs::write(&files[0], text).expect("a file");
    let key: PublicKey = KEY.parse().expect("a key");
    let name = Name::new("web", 2222);

    let known = KnownHosts::load(&files, &[]).expect("a file that can be read");
    let before = known.broken().len();
    let is_revoked = matches!(known.check(&name, &key), Verdict::Revoked(_));
    known.remember(&name, &key, text.len().is_multiple_of(2)).expect("a file that can be written");
    let again = KnownHosts::load(&files, &[]).expect("a file that can be read");
    assert_eq!(again.broken().len(), before);
    match again.check(&name, &key) {
        Verdict::Known(_) => assert!(!is_revoked),
        Verdict::Revoked(_) => assert!(is_revoked),
        other => panic!("{other:?}"),
    }
});
