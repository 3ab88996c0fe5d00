//! Stock `ssh`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use crate::client::{Said, lives, run};
use crate::support::Host;

#[test]
fn a_command_runs_and_its_streams_and_its_status_come_back_apart() {
    needs!("ssh");
    let host = Host::start();
    let output = host.ssh(&[]).arg("echo out; echo err >&2; exit 7").output().unwrap();
    assert_eq!((output.out().as_str(), output.err().as_str()), ("out\n", "err\n"));
    assert_eq!(output.status.code(), Some(7));
    host.hears(&["key SHA256:", " is in"]);
    host.hears(&["status 7", "0 bytes in, 8 out"]);
    host.hears(&["is out: the client left"]);
}

#[test]
fn a_command_that_a_signal_ends_says_which() {
    needs!("ssh");
    let host = Host::start();
    let output = host.ssh(&["-v"]).arg("kill -TERM $$").output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    assert!(output.err().contains("exit-signal"), "{}", output.err());
    host.hears(&["ran", "SIGTERM"]);
}

#[test]
fn standard_input_comes_to_its_end() {
    needs!("ssh");
    let host = Host::start();
    let mut ssh =
        host.ssh(&[]).arg("cat; echo over").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    ssh.stdin.take().unwrap().write_all(b"hello\n").unwrap();
    assert_eq!(ssh.wait_with_output().unwrap().out(), "hello\nover\n");
}

#[test]
fn a_terminal_has_the_size_and_the_name_that_were_asked_for() {
    needs!("ssh");
    let host = Host::start();
    let (pty, pts) = pty_process::blocking::open().unwrap();
    pty.resize(pty_process::Size::new(33, 99)).unwrap();
    let ssh = host.ssh(&["-t"]);
    let command = pty_process::blocking::Command::new("ssh")
        .args(ssh.get_args())
        .arg("stty size; echo $TERM; tty; echo $SSH_TTY; read wait; stty size")
        .env("TERM", "vt220");
    let mut child = command.spawn(pts).unwrap();
    let mut lines = BufReader::new(&pty).lines().map(|line| line.unwrap().trim().to_owned());
    let mut line = || lines.next().unwrap();
    assert_eq!([line(), line()], ["33 99", "vt220"]);
    let tty = line();
    assert!(tty.starts_with("/dev/pts/"), "{tty}");
    assert_eq!(line(), tty);
    // The signal of the new size must be with the server before the command goes on: both go through ssh in this order.
    pty.resize(pty_process::Size::new(20, 50)).unwrap();
    (&pty).write_all(b"\n").unwrap();
    let later: Vec<_> = (0..2).map(|_| line()).collect();
    assert!(later.contains(&"20 50".to_owned()), "{later:?}");
    child.wait().unwrap();
}

#[test]
fn many_bytes_come_and_go_unchanged() {
    needs!("ssh", "sha256sum");
    Host::start().moves_there_and_back(64 * 1024 * 1024, &[]);
}

#[test]
fn keys_are_agreed_on_anew_under_load_both_ways() {
    needs!("ssh", "sha256sum");
    Host::start().moves_there_and_back(8 * 1024 * 1024, &["-o", "RekeyLimit=1M"]);
}

#[test]
fn a_channel_whose_command_reads_nothing_keeps_no_other_waiting() {
    needs!("ssh");
    let host = Host::start();
    let socket = host.path("master").display().to_string();
    let mut master = host.ssh(&["-M", "-N", "-S", &socket]).stdin(Stdio::null()).spawn().unwrap();
    while !std::path::Path::new(&socket).exists() {
        std::thread::yield_now();
    }
    let share = |command: &str| {
        let mut ssh = host.ssh(&["-S", &socket]);
        ssh.arg(command);
        ssh
    };
    // More than the window and the memory take: the rest waits on the server's disk.
    let input = std::fs::File::create(host.path("input")).unwrap();
    input.set_len(64 * 1024 * 1024).unwrap();
    let mut stalled = share("echo stalled; exec sleep 1000")
        .stdin(std::fs::File::open(host.path("input")).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = [0; 8];
    stalled.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    for _ in 0..5 {
        assert_eq!(run(&mut share("echo here")).out(), "here\n");
    }
    assert!(stalled.try_wait().unwrap().is_none(), "its command still reads nothing");
    stalled.kill().unwrap();
    stalled.wait().unwrap();
    host.hears(&["ran", "hung up"]);
    run(host.ssh(&["-S", &socket, "-O", "exit"]).stderr(Stdio::null()));
    master.wait().unwrap();
}

#[test]
fn a_lost_connection_ends_what_it_started_and_not_what_detached_itself() {
    needs!("ssh", "setsid");
    let host = Host::start();
    let command = "setsid sh -c 'echo detached $$; exec sleep 1001 >/dev/null 2>&1' &
        sleep 1002 & echo attached $!; wait";
    let mut ssh = host.ssh(&[]).arg(command).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(ssh.stdout.take().unwrap()).lines().take(2);
    let numbers: HashMap<_, _> = lines
        .map(|line| {
            line.unwrap()
                .split_once(' ')
                .map(|(which, number)| (which.to_owned(), number.to_owned()))
                .unwrap()
        })
        .collect();
    let (attached, detached) = (&numbers["attached"], &numbers["detached"]);
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    host.hears(&["ran", "hung up"]);
    assert!(!lives(attached), "{attached} is still there");
    assert!(lives(detached), "{detached} is gone");
    run(Command::new("kill").arg(detached));
}

#[test]
fn a_background_process_that_holds_the_pipe_holds_the_session() {
    needs!("ssh");
    let host = Host::start();
    let output = run(host.ssh(&[]).arg("(sleep 1; echo late) & echo early"));
    assert_eq!(output.out(), "early\nlate\n");
    let output = run(host.ssh(&[]).arg("sleep 1000 >/dev/null 2>&1 & echo $!"));
    run(Command::new("kill").arg(output.out().trim()));
}
