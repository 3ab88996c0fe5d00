//! Writers of a book that die, and writers that meet.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test a failed unwrap is a failed test")]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Instant;

use node::book::{Book, EditError, Force, Record, edit};

/// The book that [`a_writer_that_is_told_a_book_changes_it_to_and_fro`] changes.
const BOOK: &str = "TEST_WRITERS_BOOK";

/// Long enough for the new text not to be written at once.
const NOTE: usize = 20_000;

/// 200 writes in all, and the ones that are cut short.
const ROUNDS: u32 = 40;
const WRITES_A_ROUND: usize = 5;

#[test]
fn a_writer_killed_at_any_moment_leaves_one_of_the_two_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.toml");
    fs::write(&path, "# kept\n[entry.kept]\n").unwrap();
    let versions = [version(&path), version(&path)];
    assert_ne!(versions[0], versions[1]);
    for round in 0..ROUNDS {
        let mut writer = Writer::start(&path);
        writer.wait_for(WRITES_A_ROUND - 1);
        let before = Instant::now();
        writer.wait_for(1);
        // At another point of the next write in every round.
        let moment = Instant::now() + before.elapsed() * round / ROUNDS;
        while Instant::now() < moment {
            thread::yield_now();
        }
        writer.kill();
        let text = fs::read_to_string(&path).unwrap();
        assert!(versions.contains(&text), "round {round}: {} bytes", text.len());
    }
    assert!(versions.contains(&version(&path)), "the next writer is not held up");
}

/// Not a test of its own, but the process that the test above kills.
#[test]
#[ignore = "started by the test that kills it"]
fn a_writer_that_is_told_a_book_changes_it_to_and_fro() {
    let path = PathBuf::from(env::var_os(BOOK).expect("the test that kills it says which book"));
    loop {
        version(&path);
        println!("written");
    }
}

#[test]
fn eight_writers_at_once_lose_nothing() {
    const WRITERS: usize = 8;
    const ENTRIES: usize = 10;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trunkline/book.toml");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let path = &path;
            scope.spawn(move || {
                for nth in 0..ENTRIES {
                    let record = Record::new(&format!("w{writer}-{nth}")).unwrap();
                    edit(path, |draft| draft.add(&record, Force::No)).unwrap();
                    // Whoever only reads needs no lock, and always finds a whole book.
                    assert!(Book::load(path).unwrap().records().len() > nth);
                }
            });
        }
    });
    let book = Book::load(&path).unwrap();
    for (writer, nth) in (0..WRITERS).flat_map(|writer| (0..ENTRIES).map(move |nth| (writer, nth))) {
        assert!(book.look_up(&format!("w{writer}-{nth}")).is_ok(), "w{writer}-{nth}");
    }
}

/// Adds an entry, or removes it again; gives the text that the book has then.
fn version(path: &Path) -> String {
    let changed = edit(path, |draft| {
        if draft.book().look_up("to-and-fro").is_ok() {
            return draft.remove("to-and-fro", Force::No);
        }
        let mut record = Record::new("to-and-fro").unwrap();
        record.note = Some("x".repeat(NOTE));
        draft.add(&record, Force::No)
    });
    changed.unwrap_or_else(|error: EditError| panic!("{error}"));
    fs::read_to_string(path).unwrap()
}

struct Writer {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Writer {
    fn start(path: &Path) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "a_writer_that_is_told_a_book_changes_it_to_and_fro",
                "--ignored",
                "--nocapture",
            ])
            .env(BOOK, path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    fn wait_for(&mut self, writes: usize) {
        let lines = self.output.by_ref().lines().map(Result::unwrap);
        assert_eq!(lines.filter(|line| line.ends_with("written")).take(writes).count(), writes);
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
