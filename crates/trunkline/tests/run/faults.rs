//! What the closest peer does wrong, each reproduced there: it must not be so here.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::ground::Ground;
use crate::program::Running;

/// Prints, and then goes on for ever on n2 and fails on n1.
const FAILS_AND_WAITS: &str = "case $SSH_CONNECTION in *' 127.0.1.1 '*) exit 3;; esac; exec sleep 20";

#[test]
fn the_exit_code_counts_every_machine_in_every_mode_and_a_killed_command_keeps_its_signal_and_output() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let command = "echo before; case $SSH_CONNECTION in *' 127.0.1.4 '*) kill -TERM $$;; esac";
    let folder = ground.path("logs");
    for mode in [&[][..], &["-b"], &["--json"], &["--out", folder.to_str().unwrap()]] {
        let ran = ground.run(&[mode, &["n[1-5]", command]].concat());
        assert_eq!(ran.code, Some(1), "{mode:?}");
        assert!(ran.err.contains("\n  n4: killed by SIGTERM\n"), "{mode:?}: {}", ran.err);
        let all_good = ground.run(&[mode, &["n[1-5]", "true"]].concat());
        assert_eq!(all_good.code, Some(0), "{mode:?}");
    }
    assert_eq!(std::fs::read(folder.join("n4")).unwrap(), b"", "of the run that was all good");
    let folded = ground.run(&["-b", "n[1-5]", command]);
    assert!(folded.text().ends_with("--- n4 (1), killed by SIGTERM\nbefore\n"), "{}", folded.text());
}

#[test]
fn output_appears_before_the_end() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let mut child =
        Running::start(ground.command(&["n[1-2]", "echo first; read line"]).stdin(Stdio::piped()));
    let stdin = child.0.stdin.take().unwrap();
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    // They do not end before their input does.
    let mut first: Vec<_> = lines.by_ref().take(2).collect();
    first.sort();
    assert_eq!(first, ["n1: first", "n2: first"]);
    drop(stdin);
    child.finish();
}

#[test]
fn the_first_failure_ends_what_runs_elsewhere() {
    needs!("sshd", "ssh-keygen");
    let begun = Instant::now();
    let ran = Ground::new().run(&["-k", "n[1-3]", FAILS_AND_WAITS]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("\n  n[2-3]: cancelled\n") && ran.err.contains("  n1: exit 3\n"), "{}", ran.err);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn nothing_is_lost_and_a_long_line_takes_no_time() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let ran = ground.run(&["n[1-5]", "yes 'some words' | head -c 8000000"]);
    // 8,000,000 is not a whole number of lines of 11 bytes: the last one gets its end.
    let lines = 8_000_000_usize.div_ceil(11);
    assert_eq!(ran.out.len(), 5 * (8_000_000 + 1 + 4 * lines));
    let begun = Instant::now();
    for mode in [&[][..], &["-b"], &["--json"]] {
        let ran = ground.run(&[mode, &["n[1-2]", "head -c 5000000 /dev/zero | tr '\\0' Q"]].concat());
        let count = ran.out.iter().filter(|&&byte| byte == b'Q').count();
        let copies = if mode == ["-b"] { 1 } else { 2 };
        assert_eq!(count, copies * 5_000_000, "{mode:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn standard_input_that_stays_open_keeps_nobody() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    for machines in ["n1", "n[1-2]"] {
        let mut child = Running::start(ground.command(&[machines, "true"]).stdin(Stdio::piped()));
        let stdin = child.0.stdin.take();
        let ran = child.finish();
        assert_eq!(ran.code, Some(0));
        drop(stdin);
    }
    let mut child = Running::start(ground.command(&["n[1-2]", "head -n 1"]).stdin(Stdio::piped()));
    child.0.stdin.as_mut().unwrap().write_all(b"line\n").unwrap();
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.by_ref().take(2).filter(|line| line.ends_with(": line")).count(), 2);
}

#[test]
fn pipes_get_no_colours_no_boxes_and_no_indents() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let plain = ground.run(&["n[1-2],dead", "printf '  two spaces\\n'"]);
    assert!(!plain.out.contains(&b'\x1b') && !plain.err.contains('\x1b'));
    assert!(plain.text().lines().all(|line| ["n1:   two spaces", "n2:   two spaces"].contains(&line)));
    assert_eq!(ground.run(&["n1", "printf '  two spaces\\n'"]).text(), "  two spaces\n");
}

#[test]
fn the_key_of_the_configuration_the_user_and_the_port_of_the_command_line_are_used() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    ground.write("config", &ground.config("id_other"));
    let denied = ground.run(&["n1", "true"]);
    assert_eq!(denied.code, Some(255));
    assert!(denied.err.contains("permission denied"), "{}", denied.err);
    let key = ground.path("id_ed25519");
    assert_eq!(ground.run(&["-i", key.to_str().unwrap(), "n1", "true"]).code, Some(0));
    ground.write("config", &ground.config("id_ed25519"));
    let nobody = ground.run(&["-l", "no-such-user", "n1", "true"]);
    assert_eq!(nobody.code, Some(255), "{}", nobody.err);
    let port = ground.port.to_string();
    assert_eq!(ground.run(&["-p", &port, "127.0.1.2", "true"]).code, Some(0));
    let closed = ground.closed.to_string();
    assert_eq!(ground.run(&["-p", &closed, "127.0.1.2", "true"]).code, Some(255));
}

#[test]
fn a_new_key_is_remembered_once_accepted_and_a_changed_one_is_refused() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    ground.write("known_hosts", "");
    let unknown = ground.run(&["n1", "true"]);
    assert_eq!(unknown.code, Some(255), "nobody is there to be asked");
    assert_eq!(ground.run(&["-o", "StrictHostKeyChecking=accept-new", "n1", "true"]).code, Some(0));
    assert_eq!(ground.run(&["n1", "true"]).code, Some(0), "it is known now");
    let other = std::fs::read_to_string(ground.path("id_other.pub")).unwrap();
    ground.write("known_hosts", &format!("[127.0.1.1]:{} {other}", ground.port));
    let changed = ground.run(&["-o", "StrictHostKeyChecking=accept-new", "n1", "true"]);
    assert_eq!((changed.code, changed.text()), (Some(255), ""));
}
