//! Processes that write one journal at once, and processes that are killed while they write.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a failed unwrap is a failed test"
)]

use std::collections::HashSet;
use std::env;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use net::Ending;
use node::journal::{Change, Connection, Journal, Query, Writer};

/// The folder into which [`a_writer_that_is_told_a_folder_writes_until_it_is_killed`] writes.
const FOLDER: &str = "TEST_JOURNAL_FOLDER";

#[test]
fn what_two_processes_were_told_is_on_disk_is_there_after_both_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let mut writers = [Process::start(folder.path()), Process::start(folder.path())];
        let told: Vec<_> = writers.iter_mut().flat_map(|writer| writer.told(10 + round)).collect();
        for writer in writers {
            writer.kill();
        }
        let journal = Journal::open(folder.path()).unwrap();
        let there = journal.connections(&Query::default()).unwrap();
        let there: HashSet<_> = there.into_iter().map(|connection| connection.service).collect();
        for name in told {
            assert!(there.contains(&name), "round {round}: {name} is not there");
        }
    }
}

#[test]
fn two_processes_that_write_at_once_lose_nothing_and_write_nothing_twice() {
    const EACH: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let mut writers = [Process::start(folder.path()), Process::start(folder.path())];
    let told: HashSet<_> = writers.iter_mut().flat_map(|writer| writer.told(EACH)).collect();
    assert_eq!(told.len(), 2 * EACH);
    for writer in writers {
        writer.kill();
    }
    let there = Journal::open(folder.path()).unwrap().connections(&Query::default()).unwrap();
    let names: HashSet<_> = there.iter().map(|connection| connection.service.clone()).collect();
    assert_eq!(names.len(), there.len());
    assert!(names.is_superset(&told));
}

/// Not a test of its own, but the process that the tests above start and kill.
#[test]
#[ignore = "started by the tests that kill it"]
fn a_writer_that_is_told_a_folder_writes_until_it_is_killed() {
    let folder = PathBuf::from(env::var_os(FOLDER).expect("the test that kills it says where"));
    let writer = Writer::start(Journal::open(&folder).unwrap(), |trouble| panic!("{trouble}")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for nth in 0_u64.. {
        let name = format!("{}-{nth}", std::process::id());
        runtime.block_on(writer.keep(Change::Connection(connection(&name)))).unwrap();
        println!("kept {name}");
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

struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "a_writer_that_is_told_a_folder_writes_until_it_is_killed",
                "--ignored",
                "--nocapture",
            ])
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
