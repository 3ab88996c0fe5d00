//! `serve --log`: connections are kept in the journal, and `trunkline log` shows them.

use std::collections::HashSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::needs::output_of;
use crate::serve::{Serve, TRUNKLINE};
use crate::wait_until;

/// A state folder of its own.
struct Journal(TempDir);

impl Journal {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A server that keeps its connections there.
    fn serve(&self, address: &str, service: &str) -> Serve {
        Serve::new(address, service).arg("--log").env("TRUNKLINE_HOME", self.path())
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    /// What `trunkline log` shows of it with these arguments.
    #[track_caller]
    fn log(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(TRUNKLINE);
        let output = command.arg("log").args(arguments).env("TRUNKLINE_HOME", self.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Every connection that is in it, the newest last.
    #[track_caller]
    fn connections(&self) -> Vec<Value> {
        self.log(&["-n", "all", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_connection_that_is_over_is_in_the_journal_while_the_server_runs() {
    let journal = Journal::new();
    let server = journal.serve("tcp://127.0.0.1:0", "upper").start();
    let mut client = server.client();
    client.say("hello");
    client.hears("HELLO");
    assert!(journal.connections().is_empty(), "it is not over yet");
    let remote = client.name();
    client.finish();
    client.hear_to_end();
    let kept = wait_until("the connection", || journal.connections().pop());
    for (key, value) in [
        ("kind", json!("connection")),
        ("service", json!("upper")),
        ("remote", json!(remote)),
        ("local", json!(server.address())),
        ("received", json!(5)),
        ("messages", json!(1)),
        ("sent", json!(5)),
        ("ending", json!("eof")),
    ] {
        assert_eq!(kept[key], value, "{key}: {kept}");
    }
    assert!(kept["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{kept}");
    let shown = journal.log(&[&server.address()]);
    assert!(shown.contains(&remote) && shown.contains("  eof  "), "{shown}");
}

#[test]
fn however_a_server_is_told_to_end_the_journal_has_everything_also_what_was_cut() {
    for (signal, code) in [(Signal::TERM, 0), (Signal::INT, 130)] {
        let journal = Journal::new();
        let mut server = journal.serve("tcp://127.0.0.1:0", "echo").start();
        for _ in 0..100 {
            let mut client = server.client();
            client.say("x");
            client.finish();
            client.hear_to_end();
        }
        let inside = (signal == Signal::INT).then(|| server.client());
        if inside.is_some() {
            server.log.wait_for("#101 opened");
        }
        server.signal(signal);
        assert_eq!(server.exit_code(), code);
        let connections = journal.connections();
        assert_eq!(connections.len(), 100 + usize::from(inside.is_some()));
        if inside.is_some() {
            assert_eq!(connections[100]["reason"], json!("the server was ended"), "{connections:?}");
        }
    }
}

#[test]
fn a_server_killed_under_load_leaves_a_journal_with_everything_that_it_ever_showed() {
    needs!("python3");
    let journal = Journal::new();
    for _ in 0..3 {
        let server = journal.serve("tcp://127.0.0.1:0", "echo").start();
        let port = server.port();
        let before = journal.connections().len();
        let shown = thread::scope(|scope| {
            for _ in 0..4 {
                // Until it is refused, which it is once the server is killed.
                scope.spawn(|| {
                    (0..20_000).try_for_each(|_| TcpStream::connect(("127.0.0.1", port)).map(drop))
                });
            }
            let shown = wait_until("a hundred more", || {
                Some(journal.connections()).filter(|shown| shown.len() >= before + 100)
            });
            server.signal(Signal::KILL);
            shown
        });
        let there: HashSet<String> = journal.connections().iter().map(Value::to_string).collect();
        for connection in shown {
            assert!(there.contains(&connection.to_string()), "{connection}");
        }
    }
    let check = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check'))";
    let file = journal.0.path().join("journal.db");
    assert_eq!(output_of("python3", &["-c", check, file.to_str().unwrap()]), "('ok',)\n");
}

#[test]
fn two_servers_keep_one_journal_and_lose_nothing() {
    const EACH: usize = 200;
    let journal = Journal::new();
    let mut servers = ["upper", "echo"].map(|service| journal.serve("tcp://127.0.0.1:0", service).start());
    thread::scope(|scope| {
        for server in &servers {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let mut client = Client::of(&server.address());
                    client.finish();
                    client.hear_to_end();
                }
            });
        }
    });
    for server in &mut servers {
        server.signal(Signal::TERM);
        assert_eq!(server.exit_code(), 0);
    }
    let remotes: HashSet<(Value, Value)> = journal
        .connections()
        .into_iter()
        .map(|mut connection| (connection["remote"].take(), connection["local"].take()))
        .collect();
    assert_eq!(remotes.len(), 2 * EACH);
}

#[test]
fn a_journal_that_cannot_be_kept_is_an_error_before_anybody_is_let_in() {
    let journal = Journal::new();
    let file = journal.0.path().join("file");
    fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let refused = Serve::new("tcp://127.0.0.1:0", "upper").arg("--log").env("TRUNKLINE_HOME", file).refused();
    assert_eq!(
        refused,
        (
            1,
            format!(
                "trunkline: making the journal {file}: File exists (os error 17)\n\
                 hint: another place can be named: TRUNKLINE_HOME=/path\n"
            )
        )
    );
}

#[test]
fn datagrams_have_no_end_that_could_be_kept() {
    let (code, error) = Serve::new("udp://127.0.0.1:0", "upper").arg("--log").refused();
    assert_eq!(code, 2);
    assert!(
        error.contains("--log has no effect on udp://127.0.0.1:0: datagrams have no connections"),
        "{error}"
    );
}

#[test]
fn a_sender_whose_socket_has_a_name_for_terminals_to_obey_is_written_down_and_obeyed_by_none() {
    let journal = Journal::new();
    let far_side = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = journal.0.path().join("in");
    let mut server = Serve::new(&format!("unix-dgram:{}", at.display()), "forward")
        .arg(far_side.local_addr().unwrap().to_string())
        .arg("--log")
        .env("TRUNKLINE_HOME", journal.path())
        .start();
    let name = journal.0.path().join("\x1b]0;root\x07\u{202e}");
    let sender = UnixDatagram::bind(&name).unwrap();
    sender.send_to(b"hello", at).unwrap();
    drop(far_side.accept().unwrap());
    server.signal(Signal::TERM);
    server.exit_code();
    let kept = journal.connections().pop().unwrap();
    assert_eq!(kept["remote"], json!(format!("unix-dgram:{}", name.display())));
    for shown in [journal.log(&[]), journal.log(&["--json"])] {
        assert!(!shown.contains(['\x1b', '\x07', '\u{202e}']), "{shown:?}");
    }
    assert!(journal.log(&[]).contains(r"\x1b]0;root\x07\u{202e}"));
}
