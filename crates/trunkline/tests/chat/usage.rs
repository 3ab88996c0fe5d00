//! How it is started.

use crate::program::run;

#[test]
fn there_is_no_screen_yet_and_it_says_what_there_is() {
    let ran = run(["chat", "wang"], b"");
    assert_eq!((ran.code, ran.text()), (Some(2), ""));
    assert_eq!(
        ran.err,
        "trunkline: chat has no screen yet\nhint: talk line by line: trunkline chat --plain wang\n"
    );
}
