//! Without a terminal.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;

use crate::ground::Ground;
use crate::program::{Running, noise};

#[test]
fn a_script_is_read_by_the_login_shell_which_has_no_terminal() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let script = b"echo $0; echo oh >&2\ntest -t 0 || test -t 1 || exit 5\n";
    let ran = ground.run_with(&["n1"], script);
    assert_eq!((ran.code, ran.err.as_str()), (Some(5), "oh\n"));
    assert!(ran.text().starts_with('-'), "{}", ran.text());
}

#[test]
fn bytes_pass_as_they_are_both_ways_and_escapes_are_none() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let bytes = [b"\n~.\n~~\n~?\n\xff\0".to_vec(), noise(3_000_000)].concat();
    let ran = ground.run_with(&["n1"], &[b"exec cat\n", &bytes[..]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out == bytes, "{} bytes", ran.out.len());
}

#[test]
fn nothing_is_lost_on_a_slow_reader() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut child = Running::start(ground.command(&["n1"]).stdin(Stdio::piped()));
    child.0.stdin.take().unwrap().write_all(b"head -c 2000000 /dev/zero; exit 6\n").unwrap();
    let mut stdout = child.0.stdout.take().unwrap();
    let (mut few, mut came) = ([0; 100], 0);
    loop {
        match stdout.read(&mut few).unwrap() {
            0 => break,
            bytes => came += bytes,
        }
    }
    assert_eq!((came, child.finish().code), (2_000_000, Some(6)));
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut child = Running::start(ground.command(&["n1"]).stdin(Stdio::piped()));
    drop(child.0.stdout.take());
    let mut stdin = child.0.stdin.take().unwrap();
    stdin.write_all(b"yes\n").unwrap();
    let ran = child.finish();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn without_a_terminal_keeps_it_from_getting_one_over_there() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = crate::person::calling(&ground, &["-T"]);
    terminal.types("test -t 0 || echo no''ne; exit 4\r");
    terminal.until_shows("\nnone");
    assert_eq!(terminal.end(), Some(4));
    assert!(terminal.is_as_it_was());
}

#[test]
fn who_does_not_answer_is_given_up_after_the_limit() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    // The kernel takes the connection, and nobody says anything.
    let silent = TcpListener::bind("127.0.1.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let ran = ground.run(&["-t", "0.3", "-p", &port, "n1"]);
    assert_eq!(ran.code, Some(255));
    let said = "trunkline: n1: no connection: no answer within 0.3 s; what was under way: the handshake\n";
    assert_eq!(ran.err, said);
}

#[test]
fn a_terminal_is_for_one_machine() {
    needs!("sshd", "ssh-keygen");
    let ran = Ground::of("shell").run(&["n[1-3]"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(
        ran.err,
        "trunkline: a terminal is for one machine, and these are 3\nhint: trunkline run n[1-3] -- COMMAND\n"
    );
}
