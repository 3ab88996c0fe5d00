//! The rows that measure how many messages a second go from one node to another and are acknowledged.

use std::fs;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::talker::Talker;
use super::{CROWD, Goal, Line, Round, crowd_in, example, file_system, fresh_home};
use crate::bench::{Bench, Found, measured, pinned};
use crate::command;
use crate::server::{LOAD_CORE, Program, SERVER_CORE, cpu};
use crate::yardsticks;

/// What a face keeps waiting where many are under way: a pile of drafts, not a person. 64 of them are in the network.
const WINDOW: u32 = 256;

/// Until both journals have their statements, and an index of some pages.
const WARM_UP: u32 = 2_000;

const ONE_BY_ONE: u32 = 500;
const IN_A_WINDOW: u32 = 10_000;

/// iptux looks for its answer once a second.
const OF_IPTUX: u32 = 3;

/// A ping-pong of datagrams, of which the receiver keeps each on its disk before it answers.
struct Stored {
    name: &'static str,
    /// Where whoever sends keeps each before it goes, below the bench's folder; None: nowhere.
    sent: Option<&'static str>,
}

const STORED: Stored = Stored { name: "C, each on disk", sent: None };

/// As ours does, which may lose nothing that was accepted.
const STORED_TWICE: Stored = Stored { name: "C, on both disks", sent: Some("sent") };

pub(super) fn one_at_a_time(bench: &Bench) -> Result<Found> {
    let what = "messages, one at a time";
    let once = against_stored(bench, what, 1, ONE_BY_ONE, &STORED, Goal::RatioAtLeast(0.5))?;
    let twice = against_stored(bench, what, 1, ONE_BY_ONE, &STORED_TWICE, Goal::Told)?;
    let system = file_system(&command::target("bench/chat")?)?;
    Ok(Found {
        lines: vec![once, twice],
        notes: vec![format!("one, window: homes and the peer's file on {system}")],
    })
}

pub(super) fn many_at_a_time(bench: &Bench) -> Result<Found> {
    let what = format!("messages, {WINDOW} at a time (C: one)");
    Ok(vec![against_stored(bench, &what, WINDOW, IN_A_WINDOW, &STORED, Goal::RatioAtLeast(5.0))?].into())
}

pub(super) fn against_iptux(bench: &Bench) -> Result<Found> {
    let rounds = bench.in_turns(|| Pair::start()?.exchange(ONE_BY_ONE, 1), between_iptux)?;
    Ok(vec![line("messages, one at a time", "iptux", rounds, Goal::RatioAtLeast(1.0))].into())
}

/// Ours against ours: what a crowd costs those who talk in it.
pub(super) fn in_a_crowd(bench: &Bench) -> Result<Found> {
    let exchange = |is_crowded| {
        let mut pair = Pair::start()?;
        if is_crowded {
            pair.crowd()?;
        }
        let before = cpu(pair.sender.pid())? + cpu(pair.receiver.pid())?;
        pair.exchange(IN_A_WINDOW, WINDOW)?;
        let after = cpu(pair.sender.pid())? + cpu(pair.receiver.pid())?;
        Ok((after - before) * 1e6 / f64::from(IN_A_WINDOW))
    };
    let rounds = bench.in_turns(|| exchange(true), || exchange(false))?;
    let rounds = rounds.into_iter().map(|(ours, peer)| Round { ours, peer }).collect();
    let what = format!("CPU per message of both nodes, {CROWD} people in sight");
    Ok(vec![Line { what, unit: "us", against: "nobody", rounds, goal: Goal::Told }].into())
}

/// The peer keeps and answers a datagram at a time.
fn against_stored(
    bench: &Bench,
    what: &str,
    window: u32,
    count: u32,
    peer: &Stored,
    goal: Goal,
) -> Result<Line> {
    let folder = command::target("bench/chat")?;
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let stored = Program::new(&yardsticks::compiled("udp_stored")?, &[&path("stored")]);
    let load = yardsticks::compiled("datagram_load")?;
    let sent = peer.sent.map(path);
    let keep = sent.iter().flat_map(|file| ["-k", file]);
    let options: Vec<&str> = ["-c", "1", "-w", "0.3", "-s", "1"].into_iter().chain(keep).collect();
    let stored = || measured(&stored, &load, &options)?.per_second();
    let rounds = bench.in_turns(|| Pair::start()?.exchange(count, window), stored)?;
    Ok(line(what, peer.name, rounds, goal))
}

fn line(what: &str, against: &'static str, rounds: Vec<(f64, f64)>, goal: Goal) -> Line {
    let rounds = rounds.into_iter().map(|(ours, peer)| Round { ours, peer }).collect();
    Line { what: what.to_owned(), unit: "1/s", against, rounds, goal }
}

/// Two nodes of ours, which are `crates/node/examples/exchange.rs`.
struct Pair {
    sender: Talker,
    sender_port: u16,
    receiver: Talker,
    receiver_port: u16,
}

impl Pair {
    /// Starts them in fresh homes, and lets them exchange what warms them up.
    fn start() -> Result<Self> {
        let start = |name, core| -> Result<(Talker, u16)> {
            let mut program = pinned(core, &example("exchange")?);
            let mut talker = Talker::start(program.env("TRUNKLINE_HOME", fresh_home(name)?))?;
            let port = talker.hear()?.parse().context("the port of a node")?;
            Ok((talker, port))
        };
        let (receiver, receiver_port) = start("receiver", SERVER_CORE)?;
        let (sender, sender_port) = start("sender", LOAD_CORE)?;
        let mut pair = Self { sender, sender_port, receiver, receiver_port };
        pair.exchange(WARM_UP, WINDOW)?;
        Ok(pair)
    }

    /// Both see a crowd.
    fn crowd(&mut self) -> Result<()> {
        let count = |talker: &mut Talker| {
            talker.tell("people")?;
            talker.hear()?.parse().context("the number of people in sight")
        };
        crowd_in(self.receiver_port, || count(&mut self.receiver))?;
        crowd_in(self.sender_port, || count(&mut self.sender))
    }

    /// So many messages with so many under way: how many were delivered in a second.
    fn exchange(&mut self, count: u32, window: u32) -> Result<f64> {
        self.sender.tell(&format!("127.0.0.1:{} {count} {window}", self.receiver_port))?;
        self.sender.hear()?.parse().context("messages in a second")
    }
}

/// From one iptux to another: how many were answered in a second.
fn between_iptux() -> Result<f64> {
    let mut receiver = iptux("127.0.0.2", SERVER_CORE)?;
    let mut sender = iptux("127.0.0.3", LOAD_CORE)?;
    sender.tell("detect 127.0.0.2")?;
    sender.hear_of("ONLINE 127.0.0.2 ")?;
    let start = Instant::now();
    for nth in 1..=OF_IPTUX {
        sender.tell(&format!("msg 127.0.0.2 message{nth}"))?;
        sender.hear_of("SENT ")?;
    }
    let rate = f64::from(OF_IPTUX) / start.elapsed().as_secs_f64();
    for nth in 1..=OF_IPTUX {
        let message = receiver.hear_of("MSG ")?;
        ensure!(message == format!("MSG 127.0.0.3 message{nth}"), "iptux has received {message:?}");
    }
    Ok(rate)
}

/// One that sees nobody yet, at this address of the loopback.
pub(super) fn iptux(address: &str, core: &str) -> Result<Talker> {
    let home = fresh_home(&format!("iptux-{address}"))?;
    let config = home.join("config.json");
    let settings = serde_json::json!({ "bind_ip": address, "nick_name": address });
    fs::write(&config, settings.to_string()).with_context(|| format!("writing {}", config.display()))?;
    let mut program = pinned(core, &yardsticks::iptux()?);
    program.arg(&config).env("HOME", &home).env("LANG", "C.UTF-8").stderr(Stdio::null());
    let mut iptux = Talker::start(&mut program)?;
    iptux.hear_of("READY").with_context(|| format!("iptux needs udp port 2425 of {address} for itself"))?;
    Ok(iptux)
}
