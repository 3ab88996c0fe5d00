//! Rules for source files that no lint has.

#![allow(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Longer than this, without its tests, a file holds more than one thing.
const LONGEST: usize = 400;

/// What marks unfinished work. clippy finds it too, but not in code that a feature or a platform switches off.
const UNFINISHED: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];

#[test]
fn every_source_file_is_short_and_finished() {
    let files = source_files();
    let mistakes: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let name = file.strip_prefix(root()).unwrap().display().to_string();
            mistakes_in(file, &fs::read_to_string(file).unwrap())
                .into_iter()
                .map(move |mistake| format!("{name}: {mistake}"))
        })
        .collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn every_crate_has_source_files_that_were_looked_at() {
    let files = source_files();
    for folder in source_folders() {
        assert!(
            files.iter().any(|file| file.starts_with(&folder)),
            "no file of {} was seen",
            folder.display()
        );
    }
    assert!(source_folders().len() >= 3, "only {:?} were seen", source_folders());
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let long = "line\n".repeat(LONGEST + 1);
    let file = Path::new("src/line.rs");
    assert_eq!(mistakes_in(file, &long), ["401 lines without its tests, at most 400"]);
    assert_eq!(mistakes_in(file, &format!("line\n#[cfg(test)]\nmod tests {{\n{long}}}\n")), [""; 0]);
    assert_eq!(mistakes_in(Path::new("src/line/tests.rs"), &long), [""; 0]);
}

#[test]
fn a_declared_test_module_does_not_hide_what_follows_it() {
    let long = format!("#[cfg(test)]\nmod oracle;\n{}", "line\n".repeat(LONGEST));
    assert_eq!(mistakes_in(Path::new("src/line.rs"), &long), ["402 lines without its tests, at most 400"]);
}

#[test]
fn unfinished_work_is_found_in_tests_too() {
    let file = Path::new("src/line.rs");
    assert_eq!(mistakes_in(file, "fn a() {\n    todo!()\n}\n"), ["line 2 has todo!"]);
    assert_eq!(mistakes_in(file, "#[cfg(test)]\nmod tests {\n    dbg!(1)\n}\n"), ["line 3 has dbg!"]);
}

fn mistakes_in(file: &Path, source: &str) -> Vec<String> {
    let mut mistakes = Vec::new();
    let code = source.split_once("\n#[cfg(test)]\nmod tests {").map_or(source, |(code, _)| code);
    let lines = code.lines().count();
    // A file of this name holds nothing but tests.
    if lines > LONGEST && !file.ends_with("tests.rs") {
        mistakes.push(format!("{lines} lines without its tests, at most {LONGEST}"));
    }
    for (number, line) in source.lines().enumerate() {
        let found = UNFINISHED.iter().filter(|mark| line.contains(*mark));
        mistakes.extend(found.map(|mark| format!("line {} has {mark}", number + 1)));
    }
    mistakes
}

fn source_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = source_folders();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// `crates/*/src` and `xtask/src`; a folder of crates/ without sources fails the test that reads it.
fn source_folders() -> Vec<PathBuf> {
    let crates = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path().join("src"));
    crates.chain([root().join("xtask/src")]).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
