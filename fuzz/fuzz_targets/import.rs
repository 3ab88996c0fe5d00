//! Any text is read in any format, and what comes of it is a book.
#![no_main]

use std::path::Path;

use node::book::import::{Format, Import};

libfuzzer_sys::fuzz_target!(|input: (u8, &str)| {
    let (format, text) = input;
    let format = match format % 6 {
        0 => Some(Format::Ansible),
        1 => Some(Format::Clustershell),
        2 => Some(Format::ClustershellText),
        3 => Some(Format::Genders),
        4 => Some(Format::List),
        _ => None,
    };
    let import = Import::parse(Path::new("file"), text, format);
    for machines in &import.machines {
        let names: usize = machines.records().iter().map(|record| record.names().len()).sum();
        assert_eq!(names, machines.names.len());
    }
});
