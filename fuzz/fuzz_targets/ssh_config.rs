//! Any configuration that includes no other is read, and each host in it once.
#![no_main]

use std::collections::HashSet;
use std::path::Path;

use node::book::source::ssh_config;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    if text.to_ascii_lowercase().windows(7).any(|word| word == b"include") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config");
    std::fs::write(&file, text).expect("a file");
    let found = ssh_config::read(&file, Path::new("/nonexistent"));
    let names: HashSet<String> = found.records.iter().map(|record| record.value.names().to_string()).collect();
    assert_eq!(names.len(), found.records.len());
});
