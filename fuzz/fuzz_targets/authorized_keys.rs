//! Any text as authorized_keys: every line is a key, a note or nothing, and whoever comes from nowhere allowed is kept out.
#![no_main]

use std::net::Ipv4Addr;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use remote::authorized_keys::AuthorizedKeys;

fuzz_target!(|text: &[u8]| {
    let keys = AuthorizedKeys::parse(Path::new("keys"), text);
    for line in &keys.lines {
        if let Some(from) = &line.options.from {
            let _ = from.admit(Ipv4Addr::LOCALHOST.into());
        }
        let _ = line.options.forwarding.permits("localhost", 22);
    }
    for note in &keys.notes {
        assert!(!note.to_string().is_empty());
    }
});
