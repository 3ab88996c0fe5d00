//! `cargo xtask bench chat`: what the node costs, from disk to disk, with a full journal, and at rest.

mod exchange;
mod full;
mod idle;
mod talker;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Row;
use super::report::{Goal, Line, Round};
use crate::command;
use crate::server::Program;

/// In the order of the table.
pub(super) const ROWS: &[Row] = &[
    Row { name: "one", needs: &[], measure: exchange::one_at_a_time },
    Row { name: "window", needs: &[], measure: exchange::many_at_a_time },
    Row { name: "iptux", needs: &["g++", "iptux-core"], measure: exchange::against_iptux },
    Row { name: "crowd", needs: &[], measure: exchange::in_a_crowd },
    Row { name: "full", needs: &[], measure: full::measure },
    Row { name: "idle", needs: &["strace", "g++", "iptux-core"], measure: idle::measure },
];

/// Others whom a node sees in the rows that have a crowd.
const CROWD: u16 = 5_000;

/// Builds trunkline and the programs of `crates/node/examples` that are measured beside it, and says where the first is.
///
/// # Errors
/// When something does not build.
pub(super) fn release_build() -> Result<PathBuf> {
    let examples = ["--package=node", "--example=exchange", "--example=full_journal"];
    command::run(command::cargo(["build", "--release", "--locked"]).args(examples))?;
    super::release_build()
}

fn example(name: &str) -> Result<PathBuf> {
    Ok(command::target("release")?.join("examples").join(name))
}

/// A node's folder with nothing in it. It has to lie on a disk: what is measured waits for one.
fn fresh_home(name: &str) -> Result<PathBuf> {
    let home = command::target("bench/chat")?.join(name);
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("removing {}", home.display()))?;
    }
    fs::create_dir(&home).with_context(|| format!("making {}", home.display()))?;
    let system = file_system(&home)?;
    ensure!(
        system != "tmpfs",
        "{} is in memory: CARGO_TARGET_DIR=/path names a folder on a disk",
        home.display()
    );
    Ok(home)
}

fn file_system(path: &Path) -> Result<String> {
    let printed = command::output(Command::new("df").arg("--output=fstype").arg(path))?;
    Ok(printed.lines().last().unwrap_or_default().trim().to_owned())
}

/// `trunkline up` in this home, at a port that is free.
fn up(trunkline: &Path, home: &Path) -> Program {
    let home = format!("TRUNKLINE_HOME={}", home.display());
    let trunkline = trunkline.to_string_lossy();
    Program::new(Path::new("env"), &[&home, &trunkline, "up", "--chat", "0"])
}

/// What a node answers at its control socket, of HTTP, when it is asked how things stand.
fn answer(home: &Path) -> Result<String> {
    let path = home.join("node.sock");
    let ask = || {
        let mut socket = UnixStream::connect(&path)?;
        socket.write_all(b"GET /api/snapshot HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).map(|_| answer)
    };
    ask().with_context(|| format!("asking the node at {}", path.display()))
}

/// How many people are in such an answer.
fn people(answer: &str) -> Result<usize> {
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer of HTTP has a body")?;
    let snapshot: Value = serde_json::from_str(body).with_context(|| format!("a node's answer: {answer}"))?;
    Ok(snapshot["people"].as_array().with_context(|| format!("people in a snapshot: {answer}"))?.len())
}

/// Makes a node see a crowd, each from an address of its own; `seen` asks it how many it sees.
fn crowd_in(port: u16, mut seen: impl FnMut() -> Result<usize>) -> Result<()> {
    // What its buffer has no room for is said again.
    for _ in 0..100 {
        for nth in 0..CROWD {
            let [high, low] = nth.to_be_bytes();
            let socket =
                UdpSocket::bind((Ipv4Addr::new(127, 1, high, low), 0)).context("being one of a crowd")?;
            let entry = format!("1:1:ghost{nth}:pc{nth}:1:ghost {nth}\0");
            socket.send_to(entry.as_bytes(), ("127.0.0.1", port)).context("entering a node's sight")?;
        }
        if seen()? >= CROWD.into() {
            return Ok(());
        }
    }
    bail!("the node sees {} people instead of {CROWD}", seen()?)
}

/// A figure of ours that has no peer.
fn alone(what: impl Into<String>, unit: &'static str, figures: Vec<f64>, goal: Goal) -> Line {
    let rounds = figures.into_iter().map(Round::without_peer).collect();
    Line { what: what.into(), unit, against: "", rounds, goal }
}
