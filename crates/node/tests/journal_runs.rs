//! Processes that are killed while they write down what runs elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test a failed unwrap is a failed test")]

use std::env;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use node::journal::{
    Change, Copied, Journal, NewRun, Recording, Run, RunEnding, RunQuery, RunTarget, RunVerb, Writer,
};

/// The folder into which the process writes that the test starts.
const FOLDER: &str = "TEST_JOURNAL_RUNS_FOLDER";

/// Machines of each run.
const MACHINES: usize = 3;

#[test]
fn what_was_told_as_done_of_runs_stands_after_a_kill_and_the_rest_has_no_end() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let mut writer = Writing::start(folder.path());
        let told: Vec<String> = writer.told.by_ref().take(20 + 7 * round).map(Result::unwrap).collect();
        writer.child.kill().unwrap();
        writer.child.wait().unwrap();
        let told: Vec<_> = told.iter().filter_map(|line| line.strip_prefix("kept ")).collect();
        assert!(!told.is_empty());
        let journal = Journal::open(folder.path()).unwrap();
        let runs = journal.runs(&RunQuery::default()).unwrap();
        for word in told {
            let (row, what) = word.split_once(' ').unwrap();
            let run = runs.iter().find(|run| run.row.to_string() == row);
            stands(&journal, run.expect(word), what);
        }
        for run in &runs {
            assert_eq!(journal.run_machines(run.row).unwrap().len(), MACHINES, "never a run without them");
            assert!(run.lasted.is_none() || run.failed == 0, "what is over has all its ends: {run:?}");
        }
    }
    let file = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    let sound = file.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    assert_eq!(sound, Ok("ok".to_owned()));
}

/// What the process was told of a run is there.
fn stands(journal: &Journal, run: &Run, what: &str) {
    match what {
        "begun" => {}
        "over" => {
            assert_eq!(run.lasted, Some(Duration::from_secs(1)));
            assert_eq!(run.copied, Some(Copied { files: 2, bytes: 9 }));
        }
        place => {
            let place: usize = place.parse().unwrap();
            let machine = &journal.run_machines(run.row).unwrap()[place];
            assert_eq!(machine.ending, Some(RunEnding::Exit(0)));
            let output = journal.run_output(run.row, place).unwrap();
            assert_eq!(output[0].bytes, format!("of {place}").into_bytes());
        }
    }
}

/// Not a test of its own, but the process that the test above starts and kills.
#[test]
#[ignore = "started by the test that kills it"]
fn a_process_that_is_told_a_folder_writes_runs_until_it_is_killed() {
    let folder = PathBuf::from(env::var_os(FOLDER).expect("the test that starts it says where"));
    let writer = Writer::start(Journal::open(&folder).unwrap(), |_| {}).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let keep = |change| runtime.block_on(writer.keep(change)).unwrap().row;
    loop {
        let machine = |place| RunTarget { name: format!("n{place}"), host: format!("10.0.0.{place}") };
        let run = NewRun {
            verb: RunVerb::Copy,
            at: Timestamp::now(),
            by: "wang".to_owned(),
            targets: "n[0-2]".to_owned(),
            command: "motd n[0-2]:/etc/".to_owned(),
            machines: (0..MACHINES).map(machine).collect(),
        };
        let row = keep(Change::RunBegan(run));
        println!("kept {row} begun");
        let mut recording = Recording::new(row, MACHINES);
        for place in 0..MACHINES {
            recording.printed(place, false, format!("of {place}").as_bytes());
            recording.ended(place, RunEnding::Exit(0), Duration::ZERO);
            keep(Change::RunWent(recording.news()));
            println!("kept {row} {place}");
        }
        recording.copied(Copied { files: 2, bytes: 9 });
        keep(Change::RunWent(recording.over(Duration::from_secs(1), false)));
        println!("kept {row} over");
    }
}

/// The process, and what it was told.
struct Writing {
    child: Child,
    told: Lines<BufReader<ChildStdout>>,
}

impl Writing {
    fn start(folder: &Path) -> Self {
        let name = "a_process_that_is_told_a_folder_writes_runs_until_it_is_killed";
        let mut child = Command::new(env::current_exe().unwrap())
            .args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, told }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
