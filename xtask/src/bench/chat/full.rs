//! A node with as many messages and people as one may ever have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::{CROWD, Goal, alone, answer, crowd_in, example, fresh_home, people, up};
use crate::bench::{Bench, Found};
use crate::command;
use crate::server::Server;

/// What people look for in the log, with how many of the newest 50 messages fit.
const SEARCHES: [(&str, &[&str], usize); 9] = [
    ("a common word", &["--search", "server"], 50),
    ("a common word of Chinese", &["--search", "收到"], 50),
    ("a rare word", &["--search", "zebra"], 10),
    ("a rare word of Chinese", &["--search", "斑马"], 10),
    ("an absent word", &["--search", "unicorn"], 0),
    ("an absent word of Chinese", &["--search", "麒麟"], 0),
    ("a common word, of one who uses it", &["person15", "--search", "server"], 50),
    ("a common word, of one who never does", &["person16", "--search", "server"], 0),
    // The last is of the second 999,999 since 1970.
    ("the last 40 seconds", &["--since", "1970-01-12T13:46:00Z"], 40),
];

pub(super) fn measure(bench: &Bench) -> Result<Found> {
    let home = full_home()?;
    let program = up(&bench.program, &home);
    let (mut starts, mut before, mut memory, mut looks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        let start = Instant::now();
        let server = Server::start(&program)?;
        people(&answer(&home)?)?;
        starts.push(milliseconds(start));
        before.push(server.memory()? / 1024.0);
        crowd_in(server.port, || people(&answer(&home)?))?;
        let start = Instant::now();
        answer(&home)?;
        looks.push(milliseconds(start));
        memory.push(server.memory()? / 1024.0);
    }
    let mut lines = vec![
        alone("a million messages: start to first answer", "ms", starts, Goal::AtMost(100.0)),
        alone("a million messages: memory", "MiB", before, Goal::Told),
        alone(format!("and {CROWD} people: memory"), "MiB", memory, Goal::Told),
        alone(format!("and {CROWD} people: a snapshot of them all"), "ms", looks, Goal::Told),
    ];
    for (what, options, found) in SEARCHES {
        let times = (0..bench.rounds).map(|_| search(&bench.program, &home, options, found));
        let what = format!("a million messages: {what}, newest 50");
        lines.push(alone(what, "ms", times.collect::<Result<_>>()?, Goal::AtMost(50.0)));
    }
    // A quarter of a gigabyte that nothing else needs.
    fs::remove_dir_all(&home).with_context(|| format!("removing {}", home.display()))?;
    Ok(Found {
        lines,
        notes: vec![
            "full: a search is `trunkline log --search WORD --json` and the like, from start to exit"
                .to_owned(),
        ],
    })
}

/// A home with a full journal.
fn full_home() -> Result<PathBuf> {
    let home = fresh_home("full")?;
    command::run(Command::new(example("full_journal")?).arg(&home))?;
    Ok(home)
}

fn search(trunkline: &Path, home: &Path, options: &[&str], found: usize) -> Result<f64> {
    let mut command = Command::new(trunkline);
    command.arg("log").args(options).arg("--json").env("TRUNKLINE_HOME", home);
    let start = Instant::now();
    let printed = command::output(&mut command)?;
    let taken = milliseconds(start);
    let count = printed.lines().count();
    ensure!(count == found, "{count} messages were found by {options:?} instead of {found}");
    Ok(taken)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
