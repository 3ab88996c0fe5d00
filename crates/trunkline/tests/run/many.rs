//! Many machines.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;

use serde_json::Value;

use crate::ground::Ground;

/// Something else on n3 than on the others.
const KERNEL: &str =
    "case $SSH_CONNECTION in *' 127.0.1.3 '*) echo Linux 6.1.0-13;; *) echo Linux 6.1.0-18;; esac";

/// Fails with 3 on n3.
const ONE_FAILS: &str = "case $SSH_CONNECTION in *' 127.0.1.3 '*) exit 3;; esac";

#[test]
fn equal_output_is_folded_and_what_differs_is_marked() {
    needs!("sshd", "ssh-keygen");
    let ran = Ground::new().run(&["-b", "n[1-5]", "--", KERNEL]);
    assert_eq!(ran.text(), "--- n[1-2,4-5] (4)\nLinux 6.1.0-18\n--- n3 (1)\n~ Linux 6.1.0-13\n");
    assert!(ran.err.starts_with("all 5 ok in "), "{}", ran.err);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn lines_stand_behind_the_names_of_their_machines() {
    needs!("sshd", "ssh-keygen");
    let ran = Ground::new().run(&["n[1-3]", "-x", "n2", "--", "echo one; echo two >&2; printf three"]);
    let mut lines: Vec<_> = ran.text().lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["n1: one", "n1: three", "n3: one", "n3: three"]);
    assert!(ran.err.contains("n1! two\n") && ran.err.contains("n3! two\n"), "{}", ran.err);
}

#[test]
fn one_that_refuses_does_not_keep_the_others_and_is_named() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let ran = ground.run(&["n[1-5],dead", KERNEL]);
    assert_eq!((ran.code, ran.text().lines().count()), (Some(255), 5));
    assert!(ran.err.starts_with("1 of 6 failed, 5 ok in "), "{}", ran.err);
    assert!(ran.err.contains("\n  dead: no connection: ") && ran.err.contains("refused"), "{}", ran.err);
}

#[test]
fn who_failed_is_named_with_the_reason() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let ran = ground.run(&["n[1-5]", ONE_FAILS]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.ends_with("\n  n3: exit 3\n"), "{}", ran.err);
    assert_eq!(ground.run(&["-S", "n[1-5]", ONE_FAILS]).code, Some(3));
}

#[test]
fn every_event_is_a_line_of_json() {
    needs!("sshd", "ssh-keygen");
    let ran = Ground::new().run(&["--json", "n[1-5],dead", &format!("echo '张三'; {ONE_FAILS}")]);
    let mut ended = BTreeMap::new();
    let mut printed = BTreeMap::<String, String>::new();
    for line in ran.text().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let machine = line["machine"].as_str().unwrap().to_owned();
        match line["kind"].as_str().unwrap() {
            "started" => assert!(line["at"].as_str().unwrap().contains("@127.0.1.")),
            "out" => *printed.entry(machine).or_default() += line["text"].as_str().unwrap(),
            "end" => assert!(ended.insert(machine, line).is_none()),
            other => panic!("{other}"),
        }
    }
    assert_eq!((ended.len(), printed.len()), (6, 5));
    assert!(printed.values().all(|text| text == "张三\n"));
    assert_eq!(ended["n3"]["exit"], 3);
    assert_eq!(ended["n1"]["exit"], 0);
    assert_eq!(ended["dead"]["outcome"], "unreachable");
}

#[test]
fn each_machine_gets_a_file_and_one_for_errors_if_there_are_any() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let folder = ground.path("logs");
    let command = format!("printf 'it is \\377'; {ONE_FAILS}; echo oh >&2");
    let ran = ground.run(&["--out", folder.to_str().unwrap(), "n[1-3],dead", &command]);
    assert_eq!((ran.code, ran.text()), (Some(255), ""));
    let mut names: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["n1", "n1.err", "n2", "n2.err", "n3"]);
    assert_eq!(fs::read(folder.join("n3")).unwrap(), b"it is \xff");
    assert_eq!(fs::read(folder.join("n2.err")).unwrap(), b"oh\n");
}

#[test]
fn standard_input_goes_to_all() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let ran = ground.run_with(&["-b", "n[1-5]", "wc -c"], &vec![b'x'; 1_000_000]);
    assert_eq!(ran.text(), "--- n[1-5] (5)\n1000000\n");
    let unread = ground.run_with(&["-n", "-b", "n[1-5]", "wc -c"], b"not read");
    assert_eq!(unread.text(), "--- n[1-5] (5)\n0\n");
}

#[test]
fn those_that_failed_in_the_last_run_are_run_again() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    assert_eq!(ground.run(&["--failed", "n[1-5]", "true"]).code, Some(1), "there was no run yet");
    assert_eq!(ground.run(&["n[1-5],dead", ONE_FAILS]).code, Some(255));
    assert_eq!(ground.run(&["--dry-run", "--failed", "n[1-5],dead", "true"]).text().lines().count(), 3);
    let again = ground.run(&["--failed", "n[1-5]", "echo again"]);
    assert_eq!((again.code, again.text()), (Some(0), "again\n"));
    let good = ground.run(&["--failed", "n[1-5]", "true"]);
    assert!(good.err.contains("failed on none of these machines"), "{}", good.err);
}

#[test]
fn one_at_a_time_they_come_in_the_order_of_the_set() {
    needs!("sshd", "ssh-keygen");
    let ran = Ground::new().run(&["-f", "1", "n[1-5]", "echo here"]);
    assert_eq!(ran.text(), "n1: here\nn2: here\nn3: here\nn4: here\nn5: here\n");
}

#[test]
fn a_machine_that_never_speaks_is_given_up_and_keeps_nobody() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let targets = format!("n[1-2],127.0.0.1:{}", silent.local_addr().unwrap().port());
    let ran = ground.run(&["-t", "2", &targets, "echo here"]);
    assert_eq!((ran.code, ran.text().lines().count()), (Some(255), 2));
    assert!(ran.err.contains("no connection: no answer within 2 s"), "{}", ran.err);
}

#[test]
fn a_machine_is_reached_by_way_of_another() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let gate = format!("127.0.1.2:{}", ground.port);
    let ran = ground.run(&["-J", &gate, "n[1,3]", "-b", "echo here"]);
    assert_eq!((ran.code, ran.text()), (Some(0), "--- n[1,3] (2)\nhere\n"), "{}", ran.err);
    let said = ground.run(&["-J", &gate, "--dry-run", "n1", "true"]);
    assert!(said.text().lines().next().unwrap().ends_with(&format!("@{gate}")), "{}", said.text());
}
