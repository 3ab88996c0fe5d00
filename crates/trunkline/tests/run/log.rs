//! What the log keeps of a run.

use crate::ground::Ground;

/// Something else on n3, and on n4 a failure.
const COMMAND: &str = "case $SSH_CONNECTION in *' 127.0.1.3 '*) echo Linux 6.1.0-13;; \
                       *' 127.0.1.4 '*) echo oh >&2; exit 3;; *) echo Linux 6.1.0-18;; esac";

#[test]
fn the_last_run_is_shown_again_as_it_was_folded() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let ran = ground.run(&["-b", "n[1-5],dead", "--", COMMAND]);
    let again = ground.log(&["last"]);
    assert_eq!((again.code, again.err.as_str()), (Some(0), ""));
    let (header, rest) = again.text().split_once('\n').unwrap();
    assert!(header.contains(" on dead,n[1-5] (6): ") && header.ends_with(COMMAND), "{header}");
    // Both streams of the run, and its summary, which has a time of its own.
    let (summary, failures) = rest.split_once("2 of 6 failed, 4 ok in ").unwrap();
    let (errors, of_run) = ran.err.split_once("2 of 6 failed, 4 ok in ").unwrap();
    assert_eq!(summary, [ran.text(), errors].concat());
    assert_eq!(failures.split_once('\n').unwrap().1, of_run.split_once('\n').unwrap().1);
}

#[test]
fn a_run_is_in_the_list() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    ground.run(&["n[1-5]", "--", "case $SSH_CONNECTION in *' 127.0.1.3 '*) exit 3;; esac"]);
    ground.run(&["n2", "true"]);
    let list = ground.log(&["n2"]);
    let lines: Vec<_> = list.text().lines().skip(1).collect();
    assert_eq!(lines.len(), 2, "{}", list.text());
    assert!(lines[0].contains("  run   n[1-5] (5)  4 ok, 1 failed, "), "{}", lines[0]);
    assert!(lines[1].contains("  run   n2          ok, ") && lines[1].ends_with(" ran true"), "{}", lines[1]);
    assert_eq!(ground.log(&["n3"]).text().lines().count(), 2);
}
