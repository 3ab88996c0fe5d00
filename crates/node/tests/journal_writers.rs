//! Processes that write one journal at once, and processes that are killed while they write.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a failed unwrap is a failed test"
)]

#[macro_use]
#[path = "../../../tests/needs.rs"]
mod needs;

use std::collections::{HashMap, HashSet};
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use jiff::Timestamp;
use net::Ending;
use node::journal::{
    Change, Connection, Journal, Message, MessageId, MessageQuery, NodeId, Outgoing, Party, Person, Query,
    ReceivedMessage, State, Writer,
};

/// The folder into which the tests write that are processes of other tests.
const FOLDER: &str = "TEST_JOURNAL_FOLDER";

#[test]
fn what_two_processes_were_told_is_on_disk_is_there_after_both_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let mut writers = [Process::start(folder.path()), Process::start(folder.path())];
        let told: Vec<_> = writers.iter_mut().flat_map(|writer| writer.told(50 + 7 * round)).collect();
        for writer in writers {
            writer.kill();
        }
        let there = There::read(folder.path());
        for name in &told {
            assert!(there.has(name), "round {round}: {name} is not there");
        }
    }
    let file = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    let sound = file.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    assert_eq!(sound, Ok("ok".to_owned()));
    file.execute("INSERT INTO words (words) VALUES ('integrity-check')", []).unwrap();
}

#[test]
fn two_processes_that_write_at_once_lose_nothing_and_write_nothing_twice() {
    const EACH: usize = 500;
    let folder = tempfile::tempdir().unwrap();
    let mut writers = [Process::start(folder.path()), Process::start(folder.path())];
    let told: HashSet<_> = writers.iter_mut().flat_map(|writer| writer.told(EACH)).collect();
    assert_eq!(told.len(), 2 * EACH);
    for writer in writers {
        writer.kill();
    }
    let there = There::read(folder.path());
    assert!(told.iter().all(|name| there.has(name)));
}

#[test]
fn a_burst_of_a_thousand_messages_costs_few_fsyncs() {
    needs!("strace");
    let folder = tempfile::tempdir().unwrap();
    drop(Journal::open(folder.path()).unwrap());
    // While another process writes, all of them come.
    let other = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let calls = folder.path().join("calls");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "trace=fsync,fdatasync", "-o"]).arg(&calls).arg(env::current_exe().unwrap());
    let mut writer = Process::run(strace, "a_writer_that_is_told_a_folder_writes_a_burst", folder.path());
    assert_eq!(writer.told(1), ["waiting"]);
    drop(other);
    assert_eq!(writer.told(1), ["1000"]);
    assert!(writer.child.wait().unwrap().success());
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.messages(&MessageQuery::default()).unwrap().len(), 1_000);
    let fsyncs = fs::read_to_string(calls).unwrap().matches("sync(").count();
    assert!((1..=10).contains(&fsyncs), "{fsyncs}");
}

/// Not a test of its own, but the process that the tests above start and kill.
#[test]
#[ignore = "started by the tests that kill it"]
fn a_writer_that_is_told_a_folder_writes_until_it_is_killed() {
    let (writer, runtime) = writer();
    let pid = std::process::id();
    let (accepted, rows) = mpsc::channel();
    for nth in 0_u32.. {
        for (name, change) in happenings(pid, nth) {
            let accepted = accepted.clone();
            writer.write(change, move |written| {
                let row = written.unwrap().row;
                println!("kept {name}");
                if let Some(of) = name.strip_prefix("accepted ") {
                    accepted.send((format!("delivered {of}"), row)).unwrap();
                }
            });
        }
        for (name, row) in rows.try_iter() {
            let delivered = Change::Delivered { row, took: Duration::from_millis(3), at: Timestamp::now() };
            writer.write(delivered, move |written| {
                assert!(written.unwrap().is_new);
                println!("kept {name}");
            });
        }
        // Changes of several rounds are under way at once.
        if nth % 5 == 0 {
            assert_eq!(runtime.block_on(writer.flush()), 0);
        }
    }
}

/// Likewise.
#[test]
#[ignore = "started by the test that counts what it costs"]
fn a_writer_that_is_told_a_folder_writes_a_burst() {
    let (writer, runtime) = writer();
    for nth in 0..1_000 {
        let change = Change::Received { message: received(1, nth, "hello"), at: Timestamp::now() };
        writer.write(change, |written| assert!(written.unwrap().is_new));
    }
    println!("kept waiting");
    assert_eq!(runtime.block_on(writer.flush()), 0);
    println!("kept 1000");
}

fn writer() -> (Writer, tokio::runtime::Runtime) {
    let folder = PathBuf::from(env::var_os(FOLDER).expect("the test that starts it says where"));
    let writer = Writer::start(Journal::open(&folder).unwrap(), |trouble| panic!("{trouble}")).unwrap();
    writer.make_room();
    (writer, tokio::runtime::Builder::new_current_thread().build().unwrap())
}

/// One of each kind but what becomes of a message, by the names under which [`There`] looks for them.
fn happenings(pid: u32, nth: u32) -> Vec<(String, Change)> {
    let at = Timestamp::now();
    let name = |kind: &str| format!("{kind} {pid} {nth}");
    let id = MessageId(u128::from(pid) << 64 | u128::from(nth));
    let came = Change::Received { message: received(pid, nth, &name("came")), at };
    let accepted = |id, kind| Change::Accepted {
        message: Outgoing {
            id,
            to: Person::Node(NodeId(7)),
            number: nth + 1,
            text: name(kind),
            sealed: false,
        },
        to: Party::default(),
        at,
    };
    vec![
        (name("came"), came.clone()),
        // The receipt was lost, so it comes again.
        (name("again"), came),
        (name("waiting"), accepted(MessageId(id.0 | 1 << 127), "waiting")),
        (name("accepted"), accepted(id, "delivered")),
        (name("over"), Change::Connection(connection(&name("over")))),
    ]
}

fn received(node: u32, nth: u32, text: &str) -> ReceivedMessage {
    ReceivedMessage {
        from: Party::default(),
        id: Some((NodeId(node.into()), MessageId(nth.into()))),
        number: nth,
        text: text.to_owned(),
        sealed: false,
        automatic: false,
        broadcast: false,
    }
}

fn connection(name: &str) -> Connection {
    Connection {
        at: Timestamp::now(),
        lasted: Duration::from_millis(3),
        service: name.to_owned(),
        local: "tcp://127.0.0.1:8080".to_owned(),
        remote: "tcp://127.0.0.1:50000".to_owned(),
        ending: Ending::Eof,
        received: 0,
        messages: 0,
        sent: 0,
    }
}

/// What a journal has.
struct There {
    services: HashSet<String>,
    messages: HashMap<String, Message>,
    outbox: HashSet<String>,
}

impl There {
    fn read(folder: &Path) -> Self {
        let journal = Journal::open(folder).unwrap();
        let connections = journal.connections(&Query::default()).unwrap();
        let messages = journal.messages(&MessageQuery::default()).unwrap();
        let found = MessageQuery { search: Some("delivered".to_owned()), ..MessageQuery::default() };
        let numbers = [connections.len(), messages.len()];
        let state = journal.chat_state(|| NodeId(1)).unwrap();
        assert!(
            messages
                .iter()
                .all(|message| message.state == State::Received || message.number <= state.last_number)
        );
        let there = Self {
            services: connections.into_iter().map(|connection| connection.service).collect(),
            messages: messages.into_iter().map(|message| (message.text.clone().unwrap(), message)).collect(),
            outbox: state.outbox.into_iter().map(|message| message.text).collect(),
        };
        assert_eq!([there.services.len(), there.messages.len()], numbers, "each is there once");
        let indexed = journal.messages(&found).unwrap().len();
        let delivered = there.messages.keys().filter(|text| text.starts_with("delivered")).count();
        assert_eq!(indexed, delivered, "what is there is found");
        there
    }

    /// Whether what a process was told is so.
    fn has(&self, name: &str) -> bool {
        let (kind, of) = name.split_once(' ').unwrap();
        let state = |text: &str| self.messages.get(text).map(|message| &message.state);
        match kind {
            "over" => self.services.contains(name),
            "again" => state(&format!("came {of}")).is_some(),
            "came" => state(name) == Some(&State::Received),
            "waiting" => state(name) == Some(&State::Waiting) && self.outbox.contains(name),
            "accepted" => state(&format!("delivered {of}")).is_some(),
            "delivered" => {
                matches!(state(name), Some(State::Delivered { .. })) && !self.outbox.contains(name)
            }
            other => panic!("{other}"),
        }
    }
}

struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let this = Command::new(env::current_exe().unwrap());
        Self::run(this, "a_writer_that_is_told_a_folder_writes_until_it_is_killed", folder)
    }

    /// One of the tests above, by a command that runs this program.
    fn run(mut command: Command, test: &str, folder: &Path) -> Self {
        let mut child = command
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// The next names that it was told are on disk.
    fn told(&mut self, names: usize) -> Vec<String> {
        let lines = self.output.by_ref().lines().map(Result::unwrap);
        let kept = lines.filter_map(|line| line.split_once("kept ").map(|(_, name)| name.to_owned()));
        let told: Vec<_> = kept.take(names).collect();
        assert_eq!(told.len(), names, "it ended by itself");
        told
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
