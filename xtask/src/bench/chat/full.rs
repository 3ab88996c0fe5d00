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

/// Of the words that people search for, with how many of the newest 50 messages have them.
const WORDS: [(&str, &str, usize); 6] = [
    ("a common word", "server", 50),
    ("a common word of Chinese", "收到", 50),
    ("a rare word", "zebra", 10),
    ("a rare word of Chinese", "斑马", 10),
    ("an absent word", "unicorn", 0),
    ("an absent word of Chinese", "麒麟", 0),
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
    for (what, word, found) in WORDS {
        let times = (0..bench.rounds).map(|_| search(&bench.program, &home, word, found));
        let what = format!("a million messages: {what}, newest 50");
        lines.push(alone(what, "ms", times.collect::<Result<_>>()?, Goal::AtMost(50.0)));
    }
    // A quarter of a gigabyte that nothing else needs.
    fs::remove_dir_all(&home).with_context(|| format!("removing {}", home.display()))?;
    Ok(Found {
        lines,
        notes: vec!["full: a search is `trunkline log --search WORD --json`, from start to exit".to_owned()],
    })
}

/// A home with a full journal.
fn full_home() -> Result<PathBuf> {
    let home = fresh_home("full")?;
    command::run(Command::new(example("full_journal")?).arg(&home))?;
    Ok(home)
}

fn search(trunkline: &Path, home: &Path, word: &str, found: usize) -> Result<f64> {
    let mut command = Command::new(trunkline);
    command.args(["log", "--search", word, "--json"]).env("TRUNKLINE_HOME", home);
    let start = Instant::now();
    let printed = command::output(&mut command)?;
    let taken = milliseconds(start);
    let count = printed.lines().count();
    ensure!(count == found, "{count} messages with {word} were found instead of {found}");
    Ok(taken)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
