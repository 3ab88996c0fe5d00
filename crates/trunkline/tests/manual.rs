//! Manual pages are made from the command line's own definition.

#![allow(clippy::unwrap_used, reason = "in a test a failure is a panic")]

use std::process::{Command, Output, Stdio};

const VERBS: [&str; 15] = [
    "up", "serve", "connect", "run", "shell", "copy", "who", "send", "chat", "away", "block", "book",
    "allow", "log", "doctor",
];

fn trunkline(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trunkline")).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = trunkline(arguments);
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_manual_page_names_every_verb() {
    let page = printed(&["man"]);
    assert!(page.starts_with(".ie") && page.contains(".TH trunkline 1"), "{page}");
    for verb in VERBS {
        assert!(page.contains(&format!("trunkline\\-{verb}(1)")), "{verb}: {page}");
    }
}

#[test]
fn a_folder_gets_one_page_for_each_verb_and_none_for_what_is_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(printed(&["man", pages.to_str().unwrap()]), "");
    let mut names: Vec<_> = pages.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let jobs = ["block-add", "block-list", "block-remove"].into_iter();
    let jobs = jobs.chain(["allow-add", "allow-end", "allow-list", "allow-remove"]);
    let jobs = jobs.chain(["book-add", "book-import", "book-list", "book-remove", "book-show"]);
    let page_of = |name| format!("trunkline-{name}.1");
    let mut expected: Vec<_> = VERBS.into_iter().chain(jobs).map(page_of).collect();
    expected.push("trunkline.1".to_owned());
    expected.sort();
    assert_eq!(names.iter().map(|name| name.to_str().unwrap()).collect::<Vec<_>>(), expected);
    let page = std::fs::read_to_string(pages.join("trunkline-connect.1")).unwrap();
    assert!(page.contains("\\-\\-keep\\-open") && page.contains("Examples"), "{page}");
}

#[test]
fn who_stops_reading_the_page_has_read_enough() {
    for page in ["man", "--help"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
        let mut child = command.arg(page).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()), "{page}");
    }
}

#[test]
fn a_page_that_cannot_be_written_is_a_failure_that_says_so() {
    for page in [&["man"][..], &["--help"], &["serve", "-h"], &["--version"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
        let output = command.args(page).stdout(full).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{page:?}");
        assert!(error.starts_with("trunkline: writing to standard output: No space left"), "{error}");
    }
}
