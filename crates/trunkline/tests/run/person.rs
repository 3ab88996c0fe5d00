//! A person at a terminal.

use crate::ground::Ground;
use crate::terminal::Terminal;

/// Asks as the true one does: on standard error, and it takes a line of standard input, and no byte more.
const SUDO: &str = r#"#!/bin/sh
printf %s "$3" >&2
read -r password
[ "$password" = 'open sesame' ] || { echo 'Sorry, try again.' >&2; printf %s "$3" >&2; read -r password; exit 1; }
shift 4
exec "$@"
"#;

fn at_terminal(ground: &Ground, words: &[&str]) -> Terminal {
    let words = ground.words(words);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    Terminal::start_with(&words, ground.path("").as_path(), |command| {
        command.env("HOME", ground.path("")).env_remove("SSH_AUTH_SOCK")
    })
}

#[test]
fn what_machines_print_steers_no_terminal() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let mut one = at_terminal(&ground, &["n1", r"printf 'a\033[2Jb\n'"]);
    one.until_shows(r"a\x1b[2Jb");
    assert_eq!(one.end(), Some(0));
    let mut many = at_terminal(&ground, &["n[1-2]", r"printf '10%%\r20%%\033]0;root\007\n'"]);
    many.until_shows(r"n1: 20%\x1b]0;root\x07");
    many.until_shows(r"n2: 20%\x1b]0;root\x07");
    many.until_shows("all 2 ok in");
    assert_eq!(many.end(), Some(0));
}

#[test]
fn the_status_line_says_how_far_the_run_is_and_leaves_nothing_behind() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let gate = ground.path("gate");
    let command = format!("echo up; until [ -e {} ]; do sleep 0.05; done", gate.display());
    let mut terminal = at_terminal(&ground, &["n[1-3],dead", &command]);
    terminal.until_shows("1 of 4 done, 1 failed; running 3, longest n");
    terminal.until("the lines above it", |screen| screen.contents().matches(" up").count() == 3);
    std::fs::write(&gate, "").unwrap();
    assert_eq!(terminal.end(), Some(255));
    let lines = terminal.lines();
    assert!(lines.iter().any(|line| line.starts_with("1 of 4 failed, 3 ok in")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("running")), "{lines:?}");
}

#[test]
fn a_new_machine_is_asked_about_and_a_terminal_echoes_again_afterwards() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    ground.write("known_hosts", "");
    let mut terminal = at_terminal(&ground, &["n1", "echo", "in"]);
    terminal.until_shows("is not known yet");
    terminal.until_shows("(yes or no)");
    terminal.types("yes\n");
    terminal.until_shows("in");
    assert_eq!(terminal.end(), Some(0));
    assert!(terminal.is_as_a_shell_expects());
}

#[test]
fn of_many_new_machines_a_person_is_asked_until_he_says_all() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    ground.write("known_hosts", "");
    let mut terminal = at_terminal(&ground, &["n[1-5]", "-b", "echo in"]);
    terminal.until_shows("(yes or no; all: of every new machine in this run)");
    terminal.types("all\n");
    terminal.until_shows("--- n[1-5] (5)");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(std::fs::read_to_string(ground.path("known_hosts")).unwrap().lines().count(), 5);
}

#[test]
fn ctrl_c_ends_the_run_and_a_second_one_leaves_at_once() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    let mut once = at_terminal(&ground, &["n[1-2]", "echo up; sleep 20"]);
    once.until("both to be up", |screen| screen.contents().matches(": up").count() == 2);
    once.types("\x03");
    once.until_shows("2 of 2 failed, 0 ok in");
    once.until_shows("n[1-2]: cancelled");
    assert_eq!(once.end(), Some(130));
    let mut twice = at_terminal(&ground, &["n1", "echo up; sleep 20"]);
    twice.until_shows("up");
    twice.types("\x03");
    twice.until_shows("Ctrl-C again leaves at once");
    twice.types("\x03");
    assert_eq!(twice.end(), Some(130));
}

#[test]
fn ctrl_c_at_a_question_leaves_a_terminal_as_a_shell_expects_it() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    ground.write("known_hosts", "");
    for (words, question) in [(&["n1", "true"][..], "(yes or no)"), (&["--sudo", "n1", "true"], "password: ")]
    {
        let mut terminal = at_terminal(&ground, words);
        terminal.until_shows(question);
        terminal.types("\x03");
        assert_eq!(terminal.end(), Some(130));
        assert!(terminal.is_as_a_shell_expects());
    }
}

#[test]
fn the_password_for_sudo_is_asked_for_once_and_never_seen() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::new();
    ground.install("sudo", SUDO);
    let mut terminal = at_terminal(&ground, &["--sudo", "n[1-3]", "echo it\\'s done"]);
    terminal.until_shows("[sudo] password: ");
    terminal.types("open sesame\n");
    terminal.until("all three", |screen| screen.contents().matches(": it's done").count() == 3);
    assert_eq!(terminal.end(), Some(0));
    let printed = String::from_utf8_lossy(&terminal.printed);
    assert!(!printed.contains("sesame") && !printed.contains("trunkline asks"), "{printed}");
    let mut wrong = at_terminal(&ground, &["--sudo", "n1", "true"]);
    wrong.until_shows("[sudo] password: ");
    wrong.types("wrong\n");
    wrong.until_shows("sudo does not take the password");
    assert_eq!(wrong.end(), Some(255));
}
