//! Any configuration that includes no other is read, each host in it once, and every host has settings.
#![no_main]

use std::collections::HashSet;
use std::path::Path;

use node::book::source::ssh_config;
use remote::config::{Asked, Config, File, Here, Proxy};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    if text.to_ascii_lowercase().windows(7).any(|word| word == b"include") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config");
    std::fs::write(&file, text).expect("a file");
    let home = Path::new("/nonexistent");
    let found = ssh_config::read(&file, home);
    let names: HashSet<String> =
        found.records.iter().map(|record| record.value.names().to_string()).collect();
    assert_eq!(names.len(), found.records.len());

    let (config, _) = Config::read(&[File::Chosen(file)], home).expect("it is there, and short");
    let here = Here { user: "me".to_owned(), home: home.to_owned(), ..Here::default() };
    for name in config.names() {
        let host = config.host(&Asked::name(name), &here);
        assert_ne!(host.port, Some(0));
        assert!(!matches!(host.proxy, Proxy::Jumps(jumps) if jumps.is_empty()));
    }
});
