//! `cargo xtask bench ipmsg`: what a packet of IP Messenger costs, and a peer.

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
    Row { name: "handle", needs: &[], measure: handle },
    Row { name: "memory", needs: &["python3"], measure: memory },
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

/// What a node does with a datagram: to read it, to find its sender among ten thousand, to answer.
fn handle(bench: &Bench) -> Result<Found> {
    let figure = |kind: &str| number(pinned(&bench.program).arg(kind));
    let pairs = bench.in_turns(|| figure("handle"), || figure("handle-read"))?;
    Ok(vec![Line {
        what: "datagrams handled among 10,000 peers: CPU of one".to_owned(),
        unit: "us",
        against: "reading it",
        rounds: rounds(pairs, |nanoseconds| nanoseconds / 1e3),
        goal: Goal::Told,
    }]
    .into())
}

/// Against a Python dictionary of the same peers.
fn memory(bench: &Bench) -> Result<Found> {
    let list = listed(bench, "presences")?;
    let ours = || number(pinned(&bench.program).arg("memory"));
    let pairs = bench.in_turns(ours, || python(&list, "memory"))?;
    Ok(vec![Line {
        what: "memory per peer, of 10,000".to_owned(),
        unit: "bytes",
        against: "Python",
        rounds: rounds(pairs, |bytes| bytes),
        goal: Goal::RatioAtMost(1.0),
    }]
    .into())
}

/// Builds the example `cost` of the crate, which measures itself.
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
    let list = listed(bench, "datagrams")?;
    let ours = |kind: &str| number(pinned(&bench.program).arg(kind));
    let to_python = bench.in_turns(|| ours(kind), || python(&list, kind))?;
    let to_copying = bench.in_turns(|| ours(kind), || ours("copy"))?;
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

fn rounds(pairs: Vec<(f64, f64)>, figure: fn(f64) -> f64) -> Vec<Round> {
    pairs.into_iter().map(|(ours, peer)| Round { ours: figure(ours), peer: figure(peer) }).collect()
}

/// Our datagrams of this kind, in a file for Python.
fn listed(bench: &Bench, kind: &str) -> Result<PathBuf> {
    let datagrams = command::output(pinned(&bench.program).arg(kind))?;
    let list = command::target("bench")?.join(kind);
    std::fs::write(&list, datagrams).with_context(|| format!("writing {}", list.display()))?;
    Ok(list)
}

fn python(list: &Path, kind: &str) -> Result<f64> {
    let script = command::root().join("xtask/peers/packets.py");
    let input = std::fs::File::open(list).with_context(|| format!("opening {}", list.display()))?;
    number(pinned(Path::new("python3")).arg(script).arg(kind).stdin(Stdio::from(input)))
}

fn pinned(program: &Path) -> Command {
    super::pinned(SERVER_CORE, program)
}

fn number(command: &mut Command) -> Result<f64> {
    let printed = command::output(command)?;
    printed.trim().parse().with_context(|| format!("reading the figure '{}'", printed.trim()))
}
