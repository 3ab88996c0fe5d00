//! A person at a terminal, and a terminal over there that is as his.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::ground::Ground;
use crate::program::eventually;
use crate::terminal::Terminal;

/// A person who has called n1, and whose shell there reads what is typed.
pub(crate) fn called(ground: &Ground, words: &[&str]) -> Terminal {
    let mut terminal = calling(ground, words);
    says(&mut terminal, "echo up-$((6 * 7))", "up-42");
    terminal
}

/// A person who calls n1.
pub(crate) fn calling(ground: &Ground, words: &[&str]) -> Terminal {
    let words = ground.words(&[words, &["n1"]].concat());
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let home: &Path = &ground.path("");
    Terminal::start_with(&words, home, |command| command.env("HOME", home).env_remove("SSH_AUTH_SOCK"))
}

/// Types a line, and waits for what comes of it.
pub(crate) fn says(terminal: &mut Terminal, line: &str, answer: &str) {
    terminal.types(&format!("{line}\r"));
    terminal.until_shows(answer);
}

#[test]
fn there_is_a_prompt_what_is_typed_appears_and_the_exit_code_is_passed_on() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    says(&mut terminal, "PS1='th''ere> '", "there> ");
    terminal.types("echo typed");
    terminal.until_shows("there> echo typed");
    terminal.types("\x15exit 7\r");
    assert_eq!(terminal.end(), Some(7));
}

#[test]
fn the_terminal_over_there_has_the_name_and_the_size_of_this_one_and_each_later_size() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    says(&mut terminal, "echo at $TERM $(stty size)", "at xterm-256color 24 100");
    says(&mut terminal, "trap 'echo now $(stty size)' WINCH; echo tr''apped", "trapped");
    terminal.resize(50, 132);
    // A shell runs its trap once it has something to do.
    says(&mut terminal, "", "now 50 132");
    says(&mut terminal, "trap - WINCH; exit", "");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn chinese_is_typed_shown_and_erased_by_whole_characters() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    // No line editor of a shell: the terminal over there does it.
    says(&mut terminal, "echo re''ady; exec cat", "ready");
    says(&mut terminal, "张三", "张三\n张三");
    // A kernel takes back one column of two, but the whole character.
    says(&mut terminal, "你们\x7f好", "\n你好");
    terminal.types("\x04");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn keys_such_as_ctrl_c_are_for_the_other_side() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    says(&mut terminal, "sh -c 'trap : INT; echo re\"\"ady; cat; echo cau\"\"ght'", "ready");
    says(&mut terminal, "in cat", "in cat\nin cat");
    terminal.types("\x03");
    terminal.until_shows("caught");
    says(&mut terminal, "echo still-$((40 + 2))", "still-42");
    terminal.types("exit 0\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn what_is_drawn_over_there_is_drawn_here() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    terminal.types("printf '\\033[2J\\033[5;9Hhere'\r");
    terminal.until("the cursor to be put there", |screen| {
        screen.rows(8, 4).nth(4).is_some_and(|row| row == "here")
    });
    terminal.types("\rexit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn variables_go_along_and_a_name_for_the_terminal_that_is_set_wins() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &["-o", "SetEnv=LC_OURS=42 TERM=vt220"]);
    says(&mut terminal, "echo $TERM-$LC_OURS", "vt220-42");
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_banner_is_shown_and_steers_nothing() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    ground.write("banner", "for\x1b[2Jbidden\n");
    let mut terminal = called(&ground, &[]);
    terminal.until_shows(r"for\x1b[2Jbidden");
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn who_is_asked_may_think_for_longer_than_connecting_may_take() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    ground.write("known_hosts", "");
    let begun = Instant::now();
    let mut terminal = calling(&ground, &["-t", "3"]);
    terminal.until_shows("(yes or no)");
    eventually("the limit to pass", || begun.elapsed() > Duration::from_secs(4));
    terminal.types("yes\n");
    says(&mut terminal, "echo up-$((6 * 7))", "up-42");
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
}
