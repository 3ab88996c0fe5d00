//! The rows that measure the client: how fast it is there and gone, and how much it moves.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Write, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::report::{Goal, Line, Round};
use super::{Bench, Found, yardstick};
use crate::command;
use crate::server::Server;

const NC: &str = "nc.openbsd";

/// One shot is short and noisy, so each round has this many.
const SHOTS_IN_A_ROUND: u16 = 40;

const BULK: usize = 1 << 30;

/// A client that sends its standard input, ends its side, and stays until the server ends the other.
struct Client {
    program: OsString,
    arguments: Vec<String>,
}

impl Client {
    fn ours(bench: &Bench, port: u16) -> Self {
        let arguments = vec!["connect".to_owned(), format!("127.0.0.1:{port}")];
        Self { program: bench.program.clone().into(), arguments }
    }

    fn nc(port: u16) -> Self {
        let arguments = vec!["-N".to_owned(), "127.0.0.1".to_owned(), port.to_string()];
        Self { program: NC.into(), arguments }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }
}

/// `printf x | CLIENT`, from start to exit.
pub(super) fn one_shot(bench: &Bench) -> Result<Found> {
    let server = Server::start(&yardstick("epoll_upper")?)?;
    let (ours, peer) = (Client::ours(bench, server.port), Client::nc(server.port));
    let mut rounds = Vec::new();
    for _ in 0..SHOTS_IN_A_ROUND {
        rounds.extend(bench.in_turns(|| shot(&ours), || shot(&peer))?);
    }
    let line = Line {
        what: "one shot, start to exit".to_owned(),
        unit: "ms",
        against: "nc",
        rounds: rounds.into_iter().map(|(ours, peer)| Round { ours, peer }).collect(),
        goal: Goal::RatioAtMost(1.25),
    };
    Ok(vec![line].into())
}

/// In milliseconds.
fn shot(client: &Client) -> Result<f64> {
    let (input, mut feed) = pipe().context("making a pipe")?;
    feed.write_all(b"x").context("filling a pipe")?;
    drop(feed);
    let started = Instant::now();
    let answer = command::output(client.command().stdin(input))?;
    let taken = started.elapsed();
    ensure!(answer == "X", "{} answered {answer:?} instead of X", client.program.display());
    Ok(taken.as_secs_f64() * 1e3)
}

/// A GiB to a server that only reads, from a pipe and from a file.
pub(super) fn bulk(bench: &Bench) -> Result<Found> {
    let sink = yardstick("sink")?;
    let file = file_of_letters()?;
    let mut lines = Vec::new();
    for (what, from, goal) in [
        ("bulk from a pipe (cat)", Source::Pipe, Goal::RatioAtLeast(1.0)),
        ("bulk from a file", Source::File, Goal::RatioAtLeast(1.3)),
    ] {
        let transfer = |client: fn(&Bench, u16) -> Client| -> Result<f64> {
            let mut server = Server::start(&sink)?;
            let client = client(bench, server.port);
            let rate = from.megabytes_per_second(&client, &file)?;
            let arrived = server.line()?;
            ensure!(
                arrived == BULK.to_string(),
                "{arrived} of {BULK} bytes of {} arrived",
                client.program.display()
            );
            Ok(rate)
        };
        let rounds = bench.in_turns(|| transfer(Client::ours), || transfer(|_, port| Client::nc(port)))?;
        lines.push(Line {
            what: what.to_owned(),
            unit: "MB/s",
            against: "nc",
            rounds: rounds.into_iter().map(|(ours, peer)| Round { ours, peer }).collect(),
            goal,
        });
    }
    std::fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    Ok(lines.into())
}

#[derive(Clone, Copy)]
enum Source {
    Pipe,
    File,
}

impl Source {
    fn megabytes_per_second(self, client: &Client, file: &Path) -> Result<f64> {
        let input = File::open(file).with_context(|| format!("opening {}", file.display()))?;
        let started = Instant::now();
        match self {
            Self::File => {
                command::output(client.command().stdin(input))?;
            }
            Self::Pipe => {
                let mut cat = Command::new("cat")
                    .stdin(input)
                    .stdout(Stdio::piped())
                    .spawn()
                    .context("starting cat")?;
                let output = cat.stdout.take().context("cat's standard output")?;
                command::output(client.command().stdin(output))?;
                cat.wait().context("waiting for cat")?;
            }
        }
        let bytes = f64::from(u32::try_from(BULK)?);
        Ok(bytes / 1e6 / started.elapsed().as_secs_f64())
    }
}

/// Real bytes, so that the file system cannot leave a hole; in memory once it is written.
fn file_of_letters() -> Result<PathBuf> {
    let path = command::target("bench")?.join("bulk");
    let mut file = File::create(&path).with_context(|| format!("making {}", path.display()))?;
    let block: Vec<u8> = (b'a'..=b'z').cycle().take(1 << 20).collect();
    for _ in 0..BULK / block.len() {
        file.write_all(&block).with_context(|| format!("filling {}", path.display()))?;
    }
    Ok(path)
}
