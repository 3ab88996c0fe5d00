//! `cargo xtask bench ipmsg`: what a packet of IP Messenger costs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::report::{Goal, Line, Round};
use super::{Bench, Found, Row};
use crate::command;
use crate::server::SERVER_CORE;

/// In the order of the table.
pub(super) const ROWS: &[Row] = &[
    Row { name: "parse", needs: &["python3"], measure: parse },
    Row { name: "read", needs: &["python3"], measure: read },
    Row { name: "build", needs: &["python3"], measure: build },
];

/// The fields of a packet and, for those of ours, the checksum; not its body.
fn parse(bench: &Bench) -> Result<Found> {
    codec(bench, "parse", "packets parsed", Goal::RatioAtLeast(2.0))
}

/// Its body too: names, texts and offers as typed values.
fn read(bench: &Bench) -> Result<Found> {
    codec(bench, "read", "packets read, with their bodies", Goal::RatioAtLeast(2.0))
}

/// From typed values; Python's side only joins texts that are ready, so that no ratio is asked for.
fn build(bench: &Bench) -> Result<Found> {
    codec(bench, "build", "packets built", Goal::Told)
}

/// Builds `examples/cost.rs` of the crate, which measures itself.
pub(super) fn release_build() -> Result<PathBuf> {
    command::run(&mut command::cargo([
        "build",
        "--release",
        "--locked",
        "--package=ipmsg",
        "--example=cost",
    ]))?;
    Ok(command::target("release")?.join("examples/cost"))
}

/// Against Python, which does what one would write by hand; and against copying the packet's bytes, which nobody is
/// spared.
fn codec(bench: &Bench, kind: &str, what: &str, goal: Goal) -> Result<Found> {
    let datagrams = command::output(pinned(&bench.program).arg("datagrams"))?;
    let list = command::target("bench")?.join("datagrams");
    std::fs::write(&list, datagrams).with_context(|| format!("writing {}", list.display()))?;
    let script = command::root().join("xtask/peers/packets.py");

    let ours = |kind: &str| nanoseconds(pinned(&bench.program).arg(kind));
    let python = || {
        let input = std::fs::File::open(&list).with_context(|| format!("opening {}", list.display()))?;
        nanoseconds(pinned(Path::new("python3")).arg(&script).arg(kind).stdin(Stdio::from(input)))
    };
    let to_python = bench.in_turns(|| ours(kind), python)?;
    let to_copying = bench.in_turns(|| ours(kind), || ours("copy"))?;
    let rounds = |pairs: Vec<(f64, f64)>, figure: fn(f64) -> f64| {
        pairs.into_iter().map(|(ours, peer)| Round { ours: figure(ours), peer: figure(peer) }).collect()
    };
    Ok(vec![
        Line {
            what: what.to_owned(),
            unit: "M/s",
            against: "Python",
            rounds: rounds(to_python, |nanoseconds| 1e3 / nanoseconds),
            goal,
        },
        Line {
            what: format!("{what}: the time of one"),
            unit: "ns",
            against: "copying it",
            rounds: rounds(to_copying, |nanoseconds| nanoseconds),
            goal: Goal::Told,
        },
    ]
    .into())
}

fn pinned(program: &Path) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", SERVER_CORE]).arg(program);
    pinned
}

fn nanoseconds(command: &mut Command) -> Result<f64> {
    let printed = command::output(command)?;
    printed.trim().parse().with_context(|| format!("reading the figure '{}'", printed.trim()))
}
