//! Completions and manual pages are made from the command line's own definition.

mod support;

use support::run;

const VERBS: [&str; 2] = ["serve", "connect"];

#[test]
fn every_shells_completions_name_every_verb_and_its_options() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(["completions", shell], b"");
        assert_eq!((script.code, script.err.as_str()), (Some(0), ""));
        for word in VERBS.iter().chain(&["keep-open", "frame"]) {
            assert!(script.text().contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn the_manual_page_names_every_verb() {
    let page = run(["man"], b"");
    assert!(page.text().starts_with(".ie") && page.text().contains(".TH trunkline 1"), "{}", page.text());
    for verb in VERBS {
        assert!(page.text().contains(&format!("trunkline\\-{verb}(1)")), "{verb}: {}", page.text());
    }
}

#[test]
fn a_folder_gets_one_page_for_each_verb_and_none_for_what_is_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(run(["man", pages.to_str().unwrap()], b"").code, Some(0));
    let mut names: Vec<_> = pages.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["trunkline-connect.1", "trunkline-serve.1", "trunkline.1"]);
    let page = std::fs::read_to_string(pages.join("trunkline-connect.1")).unwrap();
    assert!(page.contains("\\-\\-keep\\-open") && page.contains("Examples"), "{page}");
}

#[test]
fn who_stops_reading_the_page_has_read_enough() {
    let mut child = support::Running::start(&mut support::trunkline(["man"]));
    drop(child.0.stdout.take());
    let ran = child.finish();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}
