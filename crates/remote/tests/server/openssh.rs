//! Stock `ssh`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::support::{Host, PATIENCE, Said, run, write_noise};

#[test]
fn a_command_runs_and_its_streams_and_its_status_come_back_apart() {
    needs!("ssh");
    let host = Host::start();
    let output = host.ssh(&[]).arg("echo out; echo err >&2; exit 7").output().unwrap();
    assert_eq!((output.out().as_str(), output.err().as_str()), ("out\n", "err\n"));
    assert_eq!(output.status.code(), Some(7));
    let key = host.events.wait_for(&["LoggedIn"]);
    assert!(key.contains("key: \"key\"") && key.contains("SHA256:"), "{key}");
    host.events.wait_for(&["Ended", "Status(7)", "sent: 8"]);
    host.events.wait_for(&["Closed", "ByClient"]);
}

#[test]
fn a_command_that_a_signal_ends_says_which() {
    needs!("ssh");
    let host = Host::start();
    let output = host.ssh(&["-v"]).arg("kill -TERM $$").output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    assert!(output.err().contains("exit-signal"), "{}", output.err());
    host.events.wait_for(&["Ended", "Signal(\"TERM\")"]);
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
fn a_command_has_a_clean_environment() {
    needs!("ssh");
    let host = Host::start();
    let mut ssh = host.ssh(&["-o", "SendEnv=LC_TEST", "-o", "SendEnv=SECRET"]);
    ssh.env("LC_TEST", "here").env("SECRET", "hidden");
    let environment = run(ssh.arg("env")).out();
    let names: Vec<_> =
        environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    for name in ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "SSH_CLIENT", "SSH_CONNECTION", "LC_TEST"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    let more: Vec<_> = names
        .iter()
        .filter(|name| {
            !["PWD", "OLDPWD", "SHLVL", "_"].contains(name) && !name.starts_with("LC_") && **name != "LANG"
        })
        .collect();
    assert_eq!(more.len(), 7, "nothing else: {more:?}");
    assert!(environment.contains("SSH_CLIENT=127.0.0.1 "));
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
fn a_shell_is_a_login_shell() {
    needs!("ssh");
    let host = Host::start();
    let mut ssh = host.ssh(&["-T"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    ssh.stdin.take().unwrap().write_all(b"echo $0; pwd\n").unwrap();
    let said = ssh.wait_with_output().unwrap().out();
    assert_eq!(said, format!("-sh\n{}\n", host.path("home").display()));
    host.events.wait_for(&["Started", "Shell"]);
}

#[test]
fn many_bytes_come_and_go_unchanged() {
    needs!("ssh", "sha256sum");
    there_and_back(64 * 1024 * 1024, &[]);
}

#[test]
#[ignore = "a gibibyte each way takes a minute in a debug build"]
fn a_gibibyte_comes_and_goes_unchanged() {
    needs!("ssh", "sha256sum");
    there_and_back(108 * 1024 * 1024, &[]);
}

#[test]
fn keys_are_agreed_on_anew_under_load_both_ways() {
    needs!("ssh", "sha256sum");
    there_and_back(8 * 1024 * 1024, &["-o", "RekeyLimit=1M"]);
}

#[test]
fn the_server_agrees_on_new_keys_under_load_both_ways() {
    needs!("ssh", "sha256sum");
    let host = Host::with(|config| config.limits.rekey_bytes = 1024 * 1024);
    there_and_back_with(&host, 8 * 1024 * 1024, &[]);
}

fn there_and_back(length: usize, options: &[&str]) {
    there_and_back_with(&Host::start(), length, options);
}

/// Both directions of one connection at once, and each alone.
fn there_and_back_with(host: &Host, length: usize, options: &[&str]) {
    let file = host.path("noise");
    write_noise(&file, length);
    let sum = |file: std::fs::File| run(Command::new("sha256sum").stdin(file)).out();
    let wanted = sum(std::fs::File::open(&file).unwrap());
    let input = || std::fs::File::open(&file).unwrap();
    assert_eq!(run(host.ssh(options).arg("sha256sum").stdin(input())).out(), wanted);
    let back = host.path("back");
    let output = std::fs::File::create(&back).unwrap();
    let cat = format!("cat {}", file.display());
    assert!(host.ssh(options).arg(cat).stdout(output).status().unwrap().success());
    assert_eq!(sum(std::fs::File::open(&back).unwrap()), wanted);
    let output = std::fs::File::create(&back).unwrap();
    assert!(host.ssh(options).arg("cat").stdin(input()).stdout(output).status().unwrap().success());
    assert_eq!(sum(std::fs::File::open(&back).unwrap()), wanted);
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
    let zeros = std::fs::File::open("/dev/zero").unwrap();
    let mut stalled = share("echo stalled; exec sleep 1000")
        .stdin(zeros)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = [0; 8];
    stalled.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    // More than the window and the memory: from here on the disk takes it.
    let since = Instant::now();
    for _ in 0..5 {
        assert_eq!(run(&mut share("echo here")).out(), "here\n");
    }
    assert!(since.elapsed().as_secs_f32() < 5.0, "five commands took {:?}", since.elapsed());
    stalled.kill().unwrap();
    stalled.wait().unwrap();
    host.events.wait_for(&["Ended", "HungUp"]);
    run(host.ssh(&["-S", &socket, "-O", "exit"]).stderr(Stdio::null()));
    master.wait().unwrap();
}

#[test]
fn input_past_memory_and_disk_ends_its_channel_and_says_why() {
    needs!("ssh");
    let host = Host::with(|config| {
        config.limits.input_in_memory = 64 * 1024;
        config.limits.input_on_disk = 128 * 1024;
        config.limits.input_stalled = std::time::Duration::from_secs(1);
    });
    let noise = host.path("noise");
    write_noise(&noise, 1024 * 1024);
    // Slow as it is, it takes its input, and nobody else waits for that.
    let slow = "for piece in $(seq 36); do head -c 30000; sleep 0.01; done | wc -c";
    assert_eq!(
        run(host.ssh(&[]).arg(slow).stdin(std::fs::File::open(&noise).unwrap())).out().trim(),
        "1048576"
    );
    let zeros = std::fs::File::open("/dev/zero").unwrap();
    let output = host.ssh(&[]).arg("exec sleep 1000").stdin(zeros).output().unwrap();
    assert!(output.err().contains("the command does not read its input"), "{}", output.err());
    host.events.wait_for(&["Ended", "Failed", "does not read its input"]);
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
    host.events.wait_for(&["Ended", "HungUp"]);
    assert!(!lives(attached), "{attached} is still there");
    assert!(lives(detached), "{detached} is gone");
    run(Command::new("kill").arg(detached));
}

#[test]
fn who_ignores_the_hangup_is_killed_after_the_grace() {
    needs!("ssh");
    let host = Host::start();
    let command = "trap '' HUP; echo $$; while :; do sleep 1; done";
    let mut ssh = host.ssh(&[]).arg(command).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(ssh.stdout.take().unwrap()).lines();
    let stubborn = lines.next().unwrap().unwrap();
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    host.events.wait_for(&["Ended", "HungUp"]);
    assert!(!lives(&stubborn));
}

#[test]
fn a_background_process_that_holds_the_pipe_holds_the_session() {
    needs!("ssh");
    let host = Host::start();
    let since = Instant::now();
    let output = run(host.ssh(&[]).arg("(sleep 1; echo late) & echo early"));
    assert_eq!(output.out(), "early\nlate\n");
    assert!(since.elapsed() < PATIENCE);
    let output = run(host.ssh(&[]).arg("sleep 1000 >/dev/null 2>&1 & echo $!"));
    run(Command::new("kill").arg(output.out().trim()));
}

#[test]
fn an_owner_sees_who_is_there_and_ends_it() {
    needs!("ssh");
    let host = Host::start();
    let mut ssh = host.ssh(&[]).arg("exec sleep 1000").stderr(Stdio::null()).spawn().unwrap();
    host.events.wait_for(&["Started"]);
    let here = host.server.connections();
    assert_eq!(here.len(), 1);
    assert_eq!(here[0].key.as_deref(), Some("key"));
    assert!(format!("{:?}", here[0].sessions).contains("Exec"));
    assert!(host.server.end(here[0].id));
    assert_eq!(ssh.wait().unwrap().code(), Some(255));
    host.events.wait_for(&["Closed", "ByOwner"]);
    assert!(host.server.connections().is_empty());
    assert!(!host.server.end(here[0].id));
}

/// Whether a process is there, and more than a name in its parent's list.
fn lives(number: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{number}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
