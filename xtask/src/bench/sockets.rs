//! `cargo xtask bench sockets`: the message server under load, and the client's start and throughput.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::report::{Goal, Line, Round};
use super::{Bench, Found, Row, clients, measured, yardstick};
use crate::load::{Load, Measured};
use crate::server::{Program, Server};
use crate::{command, yardsticks};

/// In the order of the table.
pub(super) const ROWS: &[Row] = &[
    Row { name: "cpu", needs: &[], measure: cpu },
    Row { name: "syscalls", needs: &["strace"], measure: system_calls },
    Row { name: "pipelined", needs: &[], measure: pipelined },
    Row { name: "latency", needs: &[], measure: latency },
    Row { name: "memory", needs: &[], measure: memory },
    Row { name: "datagrams", needs: &[], measure: datagrams },
    Row { name: "burst", needs: &[], measure: burst },
    Row { name: "one-shot", needs: &["nc.openbsd"], measure: clients::one_shot },
    Row { name: "bulk", needs: &["nc.openbsd"], measure: clients::bulk },
    Row { name: "churn", needs: &[], measure: churn },
];

const TCP: &str = "tcp://127.0.0.1:0";
const UDP: &str = "udp://127.0.0.1:0";
const EPOLL: &str = "C epoll";
const RECVMMSG: &str = "C recvmmsg";

/// One message at a time on each of 64 connections.
const PING_PONG: &[&str] = &["-c", "64", "-w", "0.3", "-s", "1"];
const PIPELINED: &[&str] = &["-c", "64", "-d", "32", "-w", "0.3", "-s", "1"];

fn cpu(bench: &Bench) -> Result<Found> {
    let (ours, peer, load) = against_epoll(bench)?;
    let rounds =
        bench.in_turns(|| measured(&ours, &load, PING_PONG), || measured(&peer, &load, PING_PONG))?;
    Ok(vec![
        Line {
            what: "CPU per message, upper, 64 connections".to_owned(),
            unit: "us",
            against: EPOLL,
            rounds: figures(&rounds, Measured::cpu_per_message)?,
            goal: Goal::RatioAtMost(0.9),
        },
        Line {
            what: "messages, the same run".to_owned(),
            unit: "1/s",
            against: EPOLL,
            rounds: figures(&rounds, Measured::per_second)?,
            goal: Goal::Told,
        },
    ]
    .into())
}

/// Counted in a run of its own: a traced server is many times slower.
fn system_calls(bench: &Bench) -> Result<Found> {
    let (ours, peer, load) = against_epoll(bench)?;
    let per_message = |program: &Program| -> Result<f64> {
        let server = Server::start(program)?;
        // Accepting is over when the load is open, so only messages are counted; the warm-up too, so none.
        let mut load = Load::open(&load, &server, &["-c", "64", "-w", "0", "-s", "1"])?;
        let (calls, run) = traced(server.pid(), |_| true, || load.run()?.without_errors())?;
        Ok(calls / run.answered()?)
    };
    Ok(vec![Line {
        what: "system calls per message, upper, 64 connections".to_owned(),
        unit: "",
        against: EPOLL,
        rounds: vec![Round { ours: per_message(&ours)?, peer: per_message(&peer)? }],
        goal: Goal::AtMost(2.05),
    }]
    .into())
}

fn pipelined(bench: &Bench) -> Result<Found> {
    let (_, peer, load) = against_epoll(bench)?;
    let mut lines = Vec::new();
    for (frame, described, generated) in [("line", "lines", "line"), ("!I", "length headers", "length")] {
        let ours = bench.upper(TCP, &["--frame", frame]);
        let framed = [PIPELINED, &["-f", generated]].concat();
        let rounds =
            bench.in_turns(|| measured(&ours, &load, &framed), || measured(&peer, &load, PIPELINED))?;
        lines.push(Line {
            what: format!("pipelined 32 deep, {described} (C: raw)"),
            unit: "msgs/s",
            against: EPOLL,
            rounds: figures(&rounds, Measured::per_second)?,
            goal: Goal::RatioAtLeast(1.0),
        });
    }
    Ok(lines.into())
}

fn latency(bench: &Bench) -> Result<Found> {
    let (ours, peer, load) = against_epoll(bench)?;
    let mut lines = Vec::new();
    for (connections, seconds, p99_goal) in [("1000", "1", Goal::RatioAtMost(1.2)), ("8000", "2", Goal::Told)]
    {
        let options = ["-c", connections, "-w", "0.5", "-s", seconds];
        let rounds =
            bench.in_turns(|| measured(&ours, &load, &options), || measured(&peer, &load, &options))?;
        for (percentile, goal) in [("p50", Goal::Told), ("p99", p99_goal)] {
            lines.push(Line {
                what: format!("{percentile} at {connections} connections"),
                unit: "ms",
                against: EPOLL,
                rounds: figures(&rounds, |run| run.milliseconds(percentile))?,
                goal,
            });
        }
    }
    Ok(lines.into())
}

/// What 4,900 connections more cost, once 100 have made the server allocate what it needs anyway.
fn memory(bench: &Bench) -> Result<Found> {
    let (ours, peer, load) = against_epoll(bench)?;
    let per_connection = |program: &Program| -> Result<f64> {
        let server = Server::start(program)?;
        let _first = Load::open(&load, &server, &["-c", "100"])?;
        let before = server.memory()?;
        let _idle = Load::open(&load, &server, &["-c", "4900"])?;
        Ok((server.memory()? - before) / 4900.0)
    };
    Ok(vec![Line {
        what: "memory per idle connection".to_owned(),
        unit: "KiB",
        against: EPOLL,
        rounds: vec![Round { ours: per_connection(&ours)?, peer: per_connection(&peer)? }],
        goal: Goal::PeerAnd(2.0),
    }]
    .into())
}

fn datagrams(bench: &Bench) -> Result<Found> {
    let (ours, peer) = (bench.upper(UDP, &[]), yardstick("udp_upper")?);
    let load = yardsticks::compiled("datagram_load")?;
    let rounds =
        bench.in_turns(|| measured(&ours, &load, PING_PONG), || measured(&peer, &load, PING_PONG))?;
    let lost: f64 = figures(&rounds, Measured::lost)?.iter().map(|round| round.ours).sum();
    Ok(Found {
        lines: vec![
            Line {
                what: "UDP ping-pong, 64 sockets".to_owned(),
                unit: "msgs/s",
                against: RECVMMSG,
                rounds: figures(&rounds, Measured::per_second)?,
                goal: Goal::RatioAtLeast(1.1),
            },
            Line {
                what: "CPU per datagram, the same run".to_owned(),
                unit: "us",
                against: RECVMMSG,
                rounds: figures(&rounds, Measured::cpu_per_message)?,
                goal: Goal::Told,
            },
        ],
        notes: vec![format!("UDP ping-pong: {lost} datagrams lost by ours in all rounds")],
    })
}

fn burst(bench: &Bench) -> Result<Found> {
    let (ours, peer) = (bench.upper(UDP, &[]), yardstick("udp_upper")?);
    let load = yardsticks::compiled("burst_load")?;
    let options = ["-c", "1000"];
    let rounds = bench.in_turns(|| measured(&ours, &load, &options), || measured(&peer, &load, &options))?;
    let lost = figures(&rounds, Measured::lost)?;
    Ok(vec![Line {
        what: "lost of 1,000 UDP sockets in a burst, worst round".to_owned(),
        unit: "datagrams",
        against: RECVMMSG,
        rounds: vec![worst(&lost)],
        goal: Goal::AtMost(0.0),
    }]
    .into())
}

/// Few enough that the rounds of both sides stay below what the kernel keeps in TIME_WAIT (`tcp_max_tw_buckets` of tcp(7)),
/// beyond which a connection ends another way.
const CHURNED: &str = "8000";

/// Ours writes the log line of each connection to a file, the peer writes none.
fn churn(bench: &Bench) -> Result<Found> {
    let (ours, peer, _) = against_epoll(bench)?;
    let load = yardsticks::compiled("churn_load")?;
    let options = ["-c", "64", "-n", CHURNED];
    // A connection that fails is counted and told, not an end to the run.
    let run = |program: &Program| Load::open(&load, &Server::start(program)?, &options)?.run();
    let rounds = bench.in_turns(|| run(&ours), || run(&peer))?;
    let failed: f64 = figures(&rounds, Measured::errors)?.iter().map(|round| round.ours).sum();
    Ok(Found {
        lines: vec![
            Line {
                what: "connections opened and closed, a message each".to_owned(),
                unit: "1/s",
                against: EPOLL,
                rounds: figures(&rounds, Measured::per_second)?,
                goal: Goal::RatioAtLeast(0.8),
            },
            Line {
                what: "CPU per connection, the same run".to_owned(),
                unit: "us",
                against: EPOLL,
                rounds: figures(&rounds, Measured::cpu_per_message)?,
                goal: Goal::Told,
            },
        ],
        notes: vec![format!(
            "connections opened and closed: {failed} of {} times {CHURNED} failed with ours; {} sockets in TIME_WAIT after the last round",
            rounds.len(),
            time_wait()?
        )],
    })
}

/// Our TCP server, the C one, and the load for both.
fn against_epoll(bench: &Bench) -> Result<(Program, Program, std::path::PathBuf)> {
    Ok((bench.upper(TCP, &[]), yardstick("epoll_upper")?, yardsticks::compiled("stream_load")?))
}

fn figures(rounds: &[(Measured, Measured)], of: impl Fn(&Measured) -> Result<f64>) -> Result<Vec<Round>> {
    rounds.iter().map(|(ours, peer)| Ok(Round { ours: of(ours)?, peer: of(peer)? })).collect()
}

fn worst(rounds: &[Round]) -> Round {
    rounds.iter().fold(Round { ours: 0.0, peer: 0.0 }, |worst, round| Round {
        ours: worst.ours.max(round.ours),
        peer: worst.peer.max(round.peer),
    })
}

/// Connections on this machine that are waiting out their end (proc(5), `net/sockstat`).
pub(crate) fn time_wait() -> Result<u64> {
    let path = "/proc/net/sockstat";
    let sockstat = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    time_wait_in(&sockstat).with_context(|| format!("looking for TIME_WAIT in {path}"))
}

fn time_wait_in(sockstat: &str) -> Option<u64> {
    let mut words = sockstat.lines().find(|line| line.starts_with("TCP:"))?.split_whitespace();
    words.find(|word| *word == "tw")?;
    words.next()?.parse().ok()
}

/// Runs something while strace counts those of a program's system calls that `counts`.
pub(super) fn traced<T>(
    program: u32,
    counts: impl Fn(&str) -> bool,
    run: impl FnOnce() -> Result<T>,
) -> Result<(f64, T)> {
    let table = command::target("bench")?.join(format!("strace-{program}"));
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-p", &program.to_string(), "-o"])
        .arg(&table)
        .stderr(Stdio::piped())
        .spawn()
        .context("starting strace")?;
    let mut said = String::new();
    let mut stderr = BufReader::new(strace.stderr.take().context("strace's standard error")?);
    stderr.read_line(&mut said).context("reading what strace says")?;
    if !said.contains("attached") {
        bail!("strace cannot look at the program: {}", said.trim());
    }
    let result = run();
    kill_process(Pid::from_child(&strace), Signal::INT).context("ending strace")?;
    strace.wait().context("waiting for strace")?;
    let printed = fs::read_to_string(&table).with_context(|| format!("reading {}", table.display()))?;
    fs::remove_file(&table).with_context(|| format!("removing {}", table.display()))?;
    Ok((calls_in(&printed, counts).context("adding up strace's counts")?, result?))
}

/// The sum of the column `calls` of what `strace -c` prints, for those whose name `counts`.
fn calls_in(table: &str, counts: impl Fn(&str) -> bool) -> Option<f64> {
    let rows =
        table.lines().filter(|line| line.trim_start().starts_with(|first: char| first.is_ascii_digit()));
    let mut calls = rows
        .map(|row| row.split_whitespace().collect::<Vec<_>>())
        .filter(|row| row.last().is_some_and(|name| *name != "total" && counts(name)))
        .map(|row| row.get(3)?.parse::<f64>().ok());
    calls.try_fold(0.0, |sum, calls| Some(sum + calls?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }

    #[test]
    fn the_calls_of_straces_table_are_added_up() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.100000           1      1000        12 recvfrom
 40.00    0.000000           0       500           sendto
------ ----------- ----------- --------- --------- ----------------
100.00    0.100000           0      1500        12 total
";
        assert_eq!(calls_in(table, |_| true), Some(1500.0));
        assert_eq!(calls_in(table, |name| name == "sendto"), Some(500.0));
    }

    #[test]
    fn time_wait_is_found_in_sockstat() {
        let sockstat =
            "sockets: used 12\nTCP: inuse 1 orphan 0 tw 49866 alloc 1 mem 272\nUDP: inuse 0 mem 0\n";
        assert_eq!(time_wait_in(sockstat), Some(49_866));
        assert_eq!(time_wait_in("UDP: inuse 0 mem 0\n"), None);
    }

    #[test]
    fn the_worst_round_is_the_worst_of_each_side() {
        let worst = worst(&[Round { ours: 1.0, peer: 5.0 }, Round { ours: 3.0, peer: 0.0 }]);
        assert_eq!((worst.ours, worst.peer), (3.0, 5.0));
    }
}
