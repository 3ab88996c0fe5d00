//! Commands and shells with a terminal over there.

use remote::command::{Size, Terminal};
use remote::transport::Input;
use remote::{Command, Piece, Session};

use crate::support::{Person, Ran, Sshd, soon};

fn with_terminal(line: &str) -> Command {
    with_modes(line, &[])
}

fn with_modes(line: &str, modes: &[(u8, u32)]) -> Command {
    let size = Size { columns: 91, rows: 33 };
    let terminal = Terminal { name: "xterm".to_owned(), size, modes: modes.to_vec() };
    Command { terminal: Some(terminal), ..Command::new(line) }
}

/// Reads until the command has said something.
async fn says(session: &mut impl Session, words: &str) {
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains(words) {
        match soon(session.next()).await {
            Piece::Out(bytes) | Piece::Err(bytes) => said.extend_from_slice(&bytes),
            Piece::End(outcome) => panic!("{outcome:?} after {}", String::from_utf8_lossy(&said)),
        }
    }
}

#[tokio::test]
async fn a_terminal_has_the_name_and_the_size_that_were_asked_for_and_each_later_size() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let command =
        with_terminal("trap 'stty size; exit 3' WINCH; echo $TERM; stty size; while :; do sleep 0.01; done");
    let mut session = person.start(&person.machine(&server), &command).await.unwrap();
    says(&mut session, "xterm\r\n33 91\r\n").await;
    session.resize(Size { columns: 132, rows: 50 }).await;
    let ran = soon(Ran::of(&mut session)).await;
    assert_eq!(ran.texts(), (3, "50 132\r\n", ""));
}

#[tokio::test]
async fn a_terminal_has_the_modes_that_were_asked_for_and_one_that_nobody_knows_does_no_harm() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    // VERASE is Ctrl-H, IUTF8 on, ECHO off; 250 means nothing.
    let command = with_modes("stty -a", &[(3, 8), (42, 1), (53, 0), (250, 1)]);
    let mut session = person.start(&person.machine(&server), &command).await.unwrap();
    let ran = soon(Ran::of(&mut session)).await;
    let (code, out, _) = ran.texts();
    assert_eq!(code, 0);
    assert!(out.contains("erase = ^H;") && out.contains(" iutf8") && out.contains(" -echo "), "{out}");
}

#[tokio::test]
async fn no_command_line_with_a_terminal_is_a_login_shell() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let mut session = person.start(&person.machine(&server), &with_terminal("")).await.unwrap();
    let mut input = session.input().unwrap();
    assert!(input.write("echo $((6 * 7)) of $0; exit 5\n".into()).await);
    let ran = soon(Ran::of(&mut session)).await;
    let (code, out, _) = ran.texts();
    assert_eq!(code, 5);
    assert!(out.contains("42 of -"), "{out}");
}

#[tokio::test]
async fn no_command_line_without_a_terminal_is_a_login_shell_that_reads_a_script() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let mut session = person.start(&person.machine(&server), &Command::new("")).await.unwrap();
    let mut input = session.input().unwrap();
    assert!(input.write("echo $((6 * 7)) of $0\ntest -t 0 || exit 5\n".into()).await);
    input.end().await;
    let ran = soon(Ran::of(&mut session)).await;
    let (code, out, _) = ran.texts();
    assert_eq!(code, 5);
    assert!(out.contains("42 of -"), "{out}");
}

#[tokio::test]
async fn ctrl_c_reaches_what_runs_at_a_terminal() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::start(&person).await;
    let command = with_terminal("trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.01; done");
    let mut session = person.start(&person.machine(&server), &command).await.unwrap();
    says(&mut session, "ready").await;
    assert!(session.input().unwrap().write("\x03".into()).await);
    let ran = soon(Ran::of(&mut session)).await;
    assert_eq!(ran.texts(), (7, "^Ccaught\r\n", ""));
}

#[tokio::test]
async fn a_server_that_gives_no_terminal_is_named_as_such() {
    needs!("sshd", "ssh");
    let person = Person::new();
    let server = Sshd::with(&person, "PermitTTY no").await;
    let Err(error) = person.start(&person.machine(&server), &with_terminal("true")).await else {
        panic!("it started")
    };
    assert!(error.to_string().contains("terminal"), "{error}");
}
