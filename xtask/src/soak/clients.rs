//! The soaks of a server that answers in upper case.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::bench::report::{Goal, HEAD, Line, Round};
use crate::bench::sockets::time_wait;
use crate::load::{Load, Measured};
use crate::server::{Program, Server};
use crate::yardsticks;

/// A server that has served 10,000 connections has allocated what it needs; 90,000 more may not cost more than noise
/// of the allocator does.
const GROWTH_ALLOWED_KIB: f64 = 512.0;

pub(super) fn one_after_another(server: &Program) -> Result<()> {
    let server = Server::start(server)?;
    let load = yardsticks::compiled("churn_load")?;
    let mut memory = Vec::new();
    for batch in 1..=10 {
        let run = Load::open(&load, &server, &["-c", "1", "-n", "10000"])?.run()?;
        memory.push(server.memory()?);
        println!(
            "  {:>7} connections: {} failed, {:.0} a second, {:.0} KiB of memory, {} in TIME_WAIT",
            batch * 10_000,
            run.errors()?,
            run.per_second()?,
            server.memory()?,
            time_wait()?
        );
        run.without_errors()?;
    }
    let grown = memory.last().zip(memory.first()).map_or(f64::NAN, |(last, first)| last - first);
    ensure!(
        grown <= GROWTH_ALLOWED_KIB,
        "the server's memory grew by {grown} KiB after the first 10,000 connections"
    );
    Ok(())
}

/// Two clients, because one process may not have 10,000 descriptors.
pub(super) fn held(server: &Program) -> Result<()> {
    let server = Server::start(server)?;
    let load = yardsticks::compiled("stream_load")?;
    let half = ["-c", "5000", "-s", "5"];
    let before = server.memory()?;
    let mut first = Load::open(&load, &server, &half)?;
    let mut second = Load::open(&load, &server, &half)?;
    let idle = server.memory()?;
    println!("  10,000 held: {:.0} KiB, {:.2} KiB for each", idle, (idle - before) / 10_000.0);
    for load in [&mut first, &mut second] {
        let run = load.run()?.without_errors()?;
        println!(
            "  5,000 of them busy: {:.0} messages a second, p99 {:.0} ms, {:.0} KiB",
            run.per_second()?,
            run.milliseconds("p99")?,
            server.memory()?
        );
    }
    Ok(())
}

pub(super) fn slow_among_good(server: &Program) -> Result<()> {
    let load = yardsticks::compiled("stream_load")?;
    let good = |server: &Server| {
        Load::open(&load, server, &["-c", "1000", "-w", "0.5", "-s", "3"])?.run()?.without_errors()
    };
    let mut rounds = Vec::new();
    for _ in 0..5 {
        let together = {
            let server = Server::start(server)?;
            let _never = never_reads(server.port)?;
            let _seldom = reads_a_byte_a_second(server.port)?;
            good(&server)?
        };
        let alone = good(&Server::start(server)?)?;
        rounds.push(Round { ours: p99(&together)?, peer: p99(&alone)? });
    }
    let line = Line {
        what: "p99 of 1,000 good clients, among slow ones".to_owned(),
        unit: "ms",
        against: "alone",
        rounds,
        goal: Goal::RatioAtMost(1.25),
    };
    println!("\n{HEAD}\n{line}");
    ensure!(line.is_met() != Some(false), "slow clients cost the others time");
    Ok(())
}

fn p99(run: &Measured) -> Result<f64> {
    run.milliseconds("p99")
}

/// Has as many answers waiting as the sockets between take.
fn never_reads(port: u16) -> Result<TcpStream> {
    let mut stream =
        TcpStream::connect(("127.0.0.1", port)).context("connecting the client that never reads")?;
    fill(&mut stream)?;
    Ok(stream)
}

/// The same, and one byte of them is read each second until the returned sender is dropped.
fn reads_a_byte_a_second(port: u16) -> Result<Sender<()>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("connecting the slow client")?;
    fill(&mut stream)?;
    let (alive, ended) = channel();
    thread::spawn(move || {
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() {
            if ended.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    });
    Ok(alive)
}

/// Sends until nothing more is taken: the server waits for its answers to be read.
fn fill(stream: &mut TcpStream) -> Result<()> {
    stream.set_write_timeout(Some(Duration::from_millis(200))).context("limiting how long a write waits")?;
    loop {
        match stream.write(&[b'x'; 64 * 1024]) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(());
            }
            Err(error) => return Err(error).context("sending without reading"),
        }
    }
}
