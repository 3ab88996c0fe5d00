//! `cargo xtask bench`.

mod chat;
mod clients;
mod ipmsg;
mod lab;
mod machine;
pub(crate) mod report;
mod run;
mod sets;
pub(crate) mod sockets;
mod sshd;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;

use crate::load::{Load, Measured};
use crate::server::{LOAD_CORE, Program, SERVER_CORE, Server};
use crate::{command, peers, yardsticks};
use report::{HEAD, Line};

/// Measure trunkline against its peers, in turns, and print a table of ratios
///
/// Only ratios count: a busy or shared machine slows both sides of a round alike. docs/benchmarks.md tells how it is
/// done and why.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask bench sockets                     every row, some five minutes
  cargo xtask bench sockets --only cpu          one row
  cargo xtask bench sockets --rounds 21 --only cpu --only bulk
  cargo xtask bench ipmsg                       what a packet of IP Messenger costs, half a minute
  cargo xtask bench sets                        names expanded and folded
  cargo xtask bench chat                        messages from disk to disk; a full journal; an idle node
  cargo xtask bench run                         a command on many machines, beside pdsh and its kin
  cargo xtask bench sshd                        the SSH server, beside OpenSSH's and dropbear; four minutes")]
pub(crate) struct Options {
    /// What to measure
    bench: Name,
    /// How many times each side is measured
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Only this row; may be repeated
    #[arg(long, value_name = "ROW", value_parser = PossibleValuesParser::new(Name::all_rows().map(|row| row.name)))]
    only: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// The message server and the client, over TCP and UDP
    Sockets,
    /// The codec of IP Messenger
    Ipmsg,
    /// Sets of names
    Sets,
    /// The node: its messages, its journal, its rest
    Chat,
    /// A command on many machines
    Run,
    /// The SSH server
    Sshd,
}

impl Name {
    fn rows(self) -> &'static [Row] {
        match self {
            Self::Sockets => sockets::ROWS,
            Self::Ipmsg => ipmsg::ROWS,
            Self::Sets => sets::ROWS,
            Self::Chat => chat::ROWS,
            Self::Run => run::ROWS,
            Self::Sshd => sshd::ROWS,
        }
    }

    fn all_rows() -> impl Iterator<Item = &'static Row> {
        Self::value_variants().iter().flat_map(|name| name.rows())
    }

    /// Builds the program of ours that is measured, and says where it is.
    fn release_build(self) -> Result<PathBuf> {
        match self {
            Self::Sockets | Self::Run | Self::Sshd => release_build(),
            Self::Ipmsg => ipmsg::release_build(),
            Self::Sets => sets::release_build(),
            Self::Chat => chat::release_build(),
        }
    }

    /// How it is measured, for the head of the table.
    fn setting(self) -> String {
        match self {
            Self::Sockets => format!(
                "Server on core {SERVER_CORE}, load on core {LOAD_CORE}; loopback; every answer checked."
            ),
            Self::Ipmsg => format!("On core {LOAD_CORE}, in memory."),
            Self::Sets => format!("Each program by itself on core {LOAD_CORE}; every answer checked."),
            Self::Chat => format!("Receivers on core {SERVER_CORE}, senders on core {LOAD_CORE}; loopback."),
            Self::Run => {
                "Both cores for all; every machine is an address of the loopback, one sshd is behind them."
                    .to_owned()
            }
            Self::Sshd => {
                "Both cores for all; OpenSSH's client where no other is named, curve25519 on both sides."
                    .to_owned()
            }
        }
    }
}

/// A part of a benchmark that can be run alone.
struct Row {
    name: &'static str,
    /// Programs without which it cannot be measured.
    needs: &'static [&'static str],
    measure: fn(&Bench) -> Result<Found>,
}

/// What a [`Row`] found.
struct Found {
    lines: Vec<Line>,
    notes: Vec<String>,
}

impl From<Vec<Line>> for Found {
    fn from(lines: Vec<Line>) -> Self {
        Self { lines, notes: Vec::new() }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let rows = options.bench.rows();
    let wanted = |row: &&Row| options.only.is_empty() || options.only.iter().any(|name| name == row.name);
    let names = || rows.iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
    ensure!(rows.iter().any(|row| wanted(&row)), "none of these rows is here; there are: {}", names());
    let missing = peers::ensure()?;
    let bench = Bench { rounds: options.rounds, program: options.bench.release_build()? };
    if !matches!(options.bench, Name::Run | Name::Sshd) {
        stay_on_the_load_core()?;
    }

    let (machine, setting) = (machine::described()?, options.bench.setting());
    println!("{machine}\n{setting}\nMedians of {} rounds.\n\n{HEAD}", bench.rounds);
    let mut notes = Vec::new();
    for row in rows.iter().filter(wanted) {
        if let Some(peer) = missing.iter().find(|peer| row.needs.contains(&peer.program)) {
            notes.push(format!("{}: not measured, {} is missing", row.name, peer.program));
            continue;
        }
        let found = (row.measure)(&bench)?;
        found.lines.iter().for_each(|line| println!("{line}"));
        notes.extend(found.notes);
    }
    println!();
    notes.iter().for_each(|note| println!("- {note}"));
    Ok(())
}

/// Builds trunkline as it is shipped from a clone, and says where a copy of it is. It is written at once, so that the kernel has
/// it in large pieces, as it has a program that was read from the disk since the machine was started, such as each peer; what
/// a linker has just written it has page by page, and maps it so.
///
/// # Errors
/// When it does not build.
pub(crate) fn release_build() -> Result<PathBuf> {
    command::run(&mut command::cargo(["build", "--release", "--locked", "--package", "trunkline"]))?;
    let (built, installed) =
        (command::target("release")?.join("trunkline"), command::target("bench")?.join("trunkline"));
    let installing = || format!("copying the program to {}", installed.display());
    if installed.exists() {
        // One that still runs somewhere keeps its file.
        fs::remove_file(&installed).with_context(installing)?;
    }
    let program = fs::read(built).with_context(installing)?;
    fs::write(&installed, program).with_context(installing)?;
    fs::set_permissions(&installed, Permissions::from_mode(0o755)).with_context(installing)?;
    Ok(installed)
}

/// Keeps this process, and so all that it starts, away from the server's core.
///
/// # Errors
/// When there is only one core.
pub(crate) fn stay_on_the_load_core() -> Result<()> {
    let this = std::process::id().to_string();
    command::output(Command::new("taskset").args(["-cp", LOAD_CORE, &this])).map(drop)
}

/// What every row is measured with.
pub(crate) struct Bench {
    rounds: u16,
    /// What is measured: trunkline, or for a library a program of its own.
    program: PathBuf,
}

impl Bench {
    /// Our server that answers in upper case.
    fn upper(&self, address: &str, options: &[&str]) -> Program {
        Program::new(&self.program, &[&["serve", address, "upper"], options].concat())
    }

    /// Takes a figure of ours, then of the peer's, and so on for every round.
    fn in_turns<T>(&self, ours: impl Fn() -> Result<T>, peer: impl Fn() -> Result<T>) -> Result<Vec<(T, T)>> {
        (0..self.rounds).map(|_| Ok((ours()?, peer()?))).collect()
    }
}

/// A server of `xtask/peers`.
fn yardstick(name: &str) -> Result<Program> {
    Ok(Program::new(&yardsticks::compiled(name)?, &[]))
}

/// A program that is started on a core.
fn pinned(core: &str, program: &Path) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", core]).arg(program);
    pinned
}

/// Puts a load on a server that is started for it and ended after it.
fn measured(server: &Program, generator: &Path, options: &[&str]) -> Result<Measured> {
    let server = Server::start(server)?;
    Load::open(generator, &server, options)?.run()?.without_errors()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let side = |letter| {
            order.borrow_mut().push(letter);
            Ok(())
        };
        let bench = Bench { rounds: 3, program: PathBuf::new() };
        bench.in_turns(|| side('A'), || side('B')).unwrap();
        assert_eq!(order.into_inner(), "ABABAB");
    }
}
