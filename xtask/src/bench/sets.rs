//! `cargo xtask bench sets`: a hundred thousand names expanded, and folded to ranges, by whole programs. Ours is
//! `crates/node/examples/fold.rs`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::report::{Goal, Line, Round};
use super::{Bench, Found, Row};
use crate::command;

/// In the order of the table.
pub(super) const ROWS: &[Row] = &[
    Row { name: "expand", needs: &["nodeset", "pdsh"], measure: expand },
    Row { name: "fold", needs: &["nodeset", "pdsh"], measure: fold },
    Row { name: "fold-grid", needs: &["nodeset"], measure: fold_grid },
];

const NAMES: u32 = 100_000;

/// Builds our program and says where it is.
///
/// # Errors
/// When it does not build.
pub(super) fn release_build() -> Result<PathBuf> {
    let build = ["build", "--release", "--locked", "--package", "node", "--example", "fold"];
    command::run(&mut command::cargo(build))?;
    Ok(command::target("release")?.join("examples/fold"))
}

fn expand(bench: &Bench) -> Result<Found> {
    // In ten ranges, for pdsh takes none so long.
    let ten = (0..10).map(|nth| format!("n[{}-{}]", NAMES / 10 * nth + 1, NAMES / 10 * (nth + 1)));
    let expression = ten.collect::<Vec<_>>().join(",");
    let names = (1..=NAMES).map(|number| format!("n{number}\n")).collect::<String>();
    let ours = || milliseconds(Command::new(&bench.program).arg(&expression), &names);
    let nodeset = || milliseconds(Command::new("nodeset").args(["-e", "-S", "\\n", &expression]), &names);
    let pdsh = || milliseconds(Command::new("pdsh").args(["-Q", "-w", &expression]), "\nn1,n2,n3,");
    Ok(Found {
        lines: vec![
            line("expand 100,000 names", "nodeset", bench.in_turns(ours, nodeset)?, Goal::RatioAtMost(0.1)),
            line("expand 100,000 names", "pdsh", bench.in_turns(ours, pdsh)?, Goal::RatioAtMost(1.0)),
        ],
        notes: vec![
            "expand: pdsh -Q prints the first kilobyte of the names, the others print them all".to_owned(),
        ],
    })
}

/// Every fifth number is missing, so that 25,000 ranges remain.
fn fold(bench: &Bench) -> Result<Found> {
    let ranges = (0..NAMES / 4).map(|nth| format!("{}-{}", 5 * nth + 1, 5 * nth + 4));
    let folded = format!("n[{}]", ranges.collect::<Vec<_>>().join(","));
    let names: Vec<String> = shuffled().map(|nth| format!("n{}", nth / 4 * 5 + nth % 4 + 1)).collect();
    let list = file("names", names.iter().map(|name| format!("{name}\n")))?;
    let answers = file("answers", names.iter().map(|name| format!("{name}: up\n")))?;
    let ours = || milliseconds(Command::new(&bench.program).stdin(open(&list)?), &folded);
    let nodeset = || milliseconds(Command::new("nodeset").arg("-f").stdin(open(&list)?), &folded);
    let dshbak = || milliseconds(Command::new("dshbak").arg("-c").stdin(open(&answers)?), &folded);
    Ok(Found {
        lines: vec![
            line(
                "fold 100,000 names with gaps",
                "nodeset",
                bench.in_turns(ours, nodeset)?,
                Goal::RatioAtMost(0.1),
            ),
            line(
                "fold 100,000 names with gaps",
                "dshbak",
                bench.in_turns(ours, dshbak)?,
                Goal::RatioAtMost(0.1),
            ),
        ],
        notes: vec!["fold: dshbak -c, of pdsh, gathers an answer of each name besides".to_owned()],
    })
}

fn fold_grid(bench: &Bench) -> Result<Found> {
    let names = shuffled().map(|nth| format!("rack{}-n{}\n", nth / 100 + 1, nth % 100 + 1));
    let list = file("names", names)?;
    let folded = "rack[1-1000]-n[1-100]";
    let ours = || milliseconds(Command::new(&bench.program).stdin(open(&list)?), folded);
    let nodeset = || milliseconds(Command::new("nodeset").arg("-f").stdin(open(&list)?), folded);
    let rounds = bench.in_turns(ours, nodeset)?;
    Ok(vec![line("fold 1,000 racks of 100 names", "nodeset", rounds, Goal::RatioAtMost(0.1))].into())
}

fn line(what: &str, against: &'static str, rounds: Vec<(f64, f64)>, goal: Goal) -> Line {
    let rounds = rounds.into_iter().map(|(ours, peer)| Round { ours, peer }).collect();
    Line { what: what.to_owned(), unit: "ms", against, rounds, goal }
}

/// From start to exit. What it prints has to have `answer` in it.
fn milliseconds(command: &mut Command, answer: &str) -> Result<f64> {
    let started = Instant::now();
    let printed = command::output(command)?;
    let taken = started.elapsed();
    ensure!(printed.contains(answer), "{} gave a wrong answer", command.get_program().display());
    Ok(taken.as_secs_f64() * 1e3)
}

/// The numbers below [`NAMES`], in an order that is far from theirs.
fn shuffled() -> impl Iterator<Item = u32> {
    const STRIDE: u64 = 31_337; // no factor in common with NAMES: each number comes once
    (0..u64::from(NAMES)).filter_map(|nth| u32::try_from(nth * STRIDE % u64::from(NAMES)).ok())
}

/// A file of these lines, for standard input.
fn file(name: &str, lines: impl Iterator<Item = String>) -> Result<PathBuf> {
    let path = command::target("bench")?.join(name);
    fs::write(&path, lines.collect::<String>()).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("opening {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_numbers_come_once_each_and_not_in_order() {
        let mut numbers: Vec<u32> = shuffled().collect();
        assert!(!numbers.is_sorted());
        numbers.sort_unstable();
        assert_eq!(numbers, (0..NAMES).collect::<Vec<_>>());
    }
}
