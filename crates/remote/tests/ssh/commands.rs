//! What goes to a command and what comes back.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use bytes::Bytes;
use remote::ask::Nobody;
use remote::transport::{Doing, Input};
use remote::{Command, ConnectError, Outcome, Piece, Session};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Guest, Person, Ran, Sshd, may_mount, soon};

#[tokio::test]
async fn standard_output_and_standard_error_come_apart_and_the_exit_status_is_the_commands() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let machine = person.machine(&server);
    for code in [0, 1, 255] {
        let ran = person.run(&machine, &format!("echo out; echo err >&2; exit {code}")).await;
        assert_eq!(ran.texts(), (code, "out\n", "err\n"));
    }
}

#[tokio::test]
async fn a_command_that_a_signal_ends_says_which() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let machine = person.machine(&server);
    for signal in ["TERM", "KILL", "USR1"] {
        let ran = person.run(&machine, &format!("kill -{signal} $$")).await;
        let Outcome::Signal { name, core: false } = &ran.outcome else { panic!("{ran:?}") };
        assert_eq!(name, signal);
    }
}

#[tokio::test]
async fn much_on_both_outputs_at_once_comes_in_full() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let both = "head -c 200000 /dev/zero >&2 & head -c 200000 /dev/zero; wait";
    let ran = person.run(&person.machine(&server), both).await;
    assert_eq!((ran.out.len(), ran.err.len()), (200_000, 200_000));
}

#[tokio::test]
async fn bytes_that_are_no_text_pass_both_ways_as_they_are() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let mut session = person.start(&person.machine(&server), &Command::new("cat")).await.unwrap();
    let bytes: Vec<u8> = (0..=255).cycle().take(1024).collect();
    let mut input = session.input().unwrap();
    assert!(input.write(bytes.clone().into()).await);
    input.end().await;
    let ran = soon(Ran::of(&mut session)).await;
    assert_eq!(ran.out, bytes);
    assert!(matches!(ran.outcome, Outcome::Exit(0)));
}

#[tokio::test]
async fn a_command_line_is_bytes_of_any_charset() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    // "middle" in GBK.
    let mut session =
        person.start(&person.machine(&server), &Command::new(b"printf %s '\xd6\xd0'")).await.unwrap();
    assert_eq!(soon(Ran::of(&mut session)).await.out, b"\xd6\xd0");
}

#[tokio::test]
async fn an_account_whose_shell_prints_gbk_gives_its_bytes() {
    needs!("sshd", "ssh");
    if !may_mount() {
        return;
    }
    let person = Person::new();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let shell = folder.path().join("shell");
    fs::write(&shell, b"#!/bin/sh\necho '\xc4\xe3\xba\xc3'\n").unwrap();
    fs::set_permissions(&shell, Permissions::from_mode(0o755)).unwrap();
    let server = Sshd::with_guest(&person, Guest::new(&person, &shell), "").await;
    let ran = person.run(&person.machine(&server), "whatever").await;
    assert_eq!(ran.out, b"\xc4\xe3\xba\xc3\n");
}

#[tokio::test]
async fn variables_that_the_server_takes_are_set() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::with(&person, "AcceptEnv LC_* TEST_*").await;
    let machine = person.machine(&server);
    let mut settings = person.settings();
    settings.env = vec![("LC_TEST".to_owned(), "of the settings".to_owned())];
    let machine =
        remote::Machine { end: remote::Hop { settings: settings.into(), ..machine.end }, ..machine };
    let mut command = Command::new("echo $LC_TEST, $TEST_TWO$REFUSED");
    command.env =
        vec![("TEST_TWO".to_owned(), "of the command".to_owned()), ("REFUSED".to_owned(), "no".to_owned())];
    let mut session = person.start(&machine, &command).await.unwrap();
    assert_eq!(soon(Ran::of(&mut session)).await.texts(), (0, "of the settings, of the command\n", ""));
}

#[tokio::test]
async fn a_command_without_input_waits_until_it_is_said_that_there_is_none() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let command = Command::new("echo ready; read -r line; echo \"[$line]\"");
    let mut session = person.start(&person.machine(&server), &command).await.unwrap();
    let input = session.input().unwrap();
    assert!(session.input().is_none());
    assert!(matches!(soon(session.next()).await, Piece::Out(ready) if ready == "ready\n"));
    input.end().await;
    assert_eq!(soon(Ran::of(&mut session)).await.texts(), (0, "[]\n", ""));
}

#[tokio::test]
async fn what_is_dropped_without_an_end_is_no_end_of_input() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    // It ends by its time limit, not by an end of input.
    let command = Command::new("timeout 0.2 cat; echo $?");
    let mut session = person.start(&person.machine(&server), &command).await.unwrap();
    drop(session.input());
    assert_eq!(soon(Ran::of(&mut session)).await.texts(), (0, "124\n", ""));
}

#[tokio::test]
async fn writing_to_a_command_that_has_ended_says_so_instead_of_waiting() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let mut session = person.start(&person.machine(&server), &Command::new("exec true")).await.unwrap();
    let mut input = session.input().unwrap();
    // More than any window has room for.
    let writing = tokio::spawn(async move { while input.write(Bytes::from(vec![0; 1 << 20])).await {} });
    let ran = soon(Ran::of(&mut session)).await;
    assert!(matches!(ran.outcome, Outcome::Exit(0)), "{ran:?}");
    soon(writing).await.unwrap();
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_holds_its_output_open_as_with_ssh() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let ran = person.run(&person.machine(&server), "(sleep 0.3; echo late) & echo first").await;
    assert_eq!(ran.texts(), (0, "first\nlate\n", ""));
}

#[tokio::test]
async fn a_server_that_starts_nothing_is_no_command_that_failed() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::with(&person, "MaxSessions 0").await;
    let refused = person.start(&person.machine(&server), &Command::new("true")).await;
    let Err(error) = refused else { panic!("it started") };
    assert!(matches!(error.reason, ConnectError::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_subsystem_is_a_stream() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let client = person.client(Arc::new(Nobody));
    let connection = soon(client.connect(&person.machine(&server), &Doing::default())).await.unwrap();
    let mut stream = soon(connection.subsystem("sftp")).await.unwrap();
    // SSH_FXP_INIT and SSH_FXP_VERSION of SFTP 3: a length, a type, a version.
    stream.write_all(b"\0\0\0\x05\x01\0\0\0\x03").await.unwrap();
    let mut answer = [0; 9];
    soon(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer[4..], *b"\x02\0\0\0\x03");
    assert!(soon(connection.subsystem("none")).await.is_err());
}

#[tokio::test]
async fn a_session_that_is_dropped_leaves_nothing_on_the_server() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let mut server = Sshd::with(&person, "LogLevel VERBOSE").await;
    let session = person.start(&person.machine(&server), &Command::new("cat")).await.unwrap();
    drop(session);
    soon(server.says("Closing connection to 127.0.0.1")).await;
}

#[tokio::test]
async fn a_session_that_is_closed_says_goodbye() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let mut server = Sshd::start(&person).await;
    let mut session = person.start(&person.machine(&server), &Command::new("yes")).await.unwrap();
    assert!(matches!(soon(session.next()).await, Piece::Out(_)));
    soon(session.close()).await;
    soon(server.says("Received disconnect from 127.0.0.1")).await;
}
