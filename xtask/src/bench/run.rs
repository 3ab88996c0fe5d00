//! `cargo xtask bench run`: one command on many machines, against the tools that people use for it.

mod tool;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::lab::{Lab, Spent};
use super::report::{Goal, Line, Round};
use super::{Bench, Found, Row};
use tool::Tool;

/// In the order of the table.
pub(super) const ROWS: &[Row] = &[
    Row { name: "one-machine", needs: &["sshd", "unshare"], measure: one_machine },
    Row { name: "fan-out", needs: &["sshd", "unshare", "pdsh", "clush", "parallel-ssh"], measure: fan_out },
    Row {
        name: "in-trouble",
        needs: &["sshd", "unshare", "pdsh", "clush", "parallel-ssh", "nft"],
        measure: in_trouble,
    },
    Row { name: "stream", needs: &["sshd", "unshare"], measure: stream },
];

/// Machines that are well; each is an address of the loopback, and one sshd stands behind all of them.
const MACHINES: usize = 300;

/// Of each kind of trouble; a twentieth of all.
const TROUBLED: usize = MACHINES / 20;

/// How long a machine may be silent before it is given up, for every tool.
const PATIENCE: Duration = Duration::from_secs(5);

/// From the start to the end of a short command on one machine.
fn one_machine(bench: &Bench) -> Result<Found> {
    let lab = Lab::open()?;
    let tools = [Tool::ours(&bench.program), Tool::SSH];
    let rounds = in_turns(bench.rounds, &tools, |tool| {
        let spent = lab.run(&tool.command("127.1.0.1", "true", PATIENCE))?;
        ensure!(spent.code == Some(0), "{} ended with {:?}: {}", tool.name, spent.code, spent.said);
        Ok(spent)
    })?;
    let wall = |spent: &Spent| spent.wall * 1e3;
    Ok(vec![line("one machine: from start to end", "ms", &rounds, 1, wall, Goal::Told)].into())
}

/// `hostname` on [`MACHINES`] that are well.
fn fan_out(bench: &Bench) -> Result<Found> {
    let lab = Lab::open()?;
    let (tools, notes) = all(bench)?;
    let targets = format!("127.1.0.[1-{}],127.1.1.[1-{}]", MACHINES / 2, MACHINES / 2);
    let rounds = in_turns(bench.rounds, &tools, |tool| {
        let spent = lab.run(&tool.command(&targets, "hostname", PATIENCE))?;
        ensure!(
            spent.lines >= MACHINES,
            "{}: {} of {MACHINES} answered: {}",
            tool.name,
            spent.lines,
            spent.said
        );
        Ok(spent)
    })?;
    let memory = tools
        .iter()
        .map(|tool| lab.peak_memory(&tool.command(&targets, "hostname", PATIENCE)))
        .collect::<Result<Vec<_>>>()?;
    let mut lines = Vec::new();
    for (nth, tool) in tools.iter().enumerate().skip(1) {
        let cpu =
            line("300 machines: CPU of the client", "s", &rounds, nth, |spent| spent.cpu, tool.cpu_goal);
        lines.push(Line { against: tool.name, ..cpu });
    }
    for (nth, tool) in tools.iter().enumerate().skip(1) {
        let goal = Goal::RatioAtMost(0.75);
        let wall = line("300 machines: from start to end", "s", &rounds, nth, |spent| spent.wall, goal);
        lines.push(Line { against: tool.name, ..wall });
    }
    for (tool, peer) in tools.iter().zip(&memory).skip(1) {
        lines.push(Line {
            what: "300 machines: memory at most (PSS, the whole tree)".to_owned(),
            unit: "MiB",
            against: tool.name,
            rounds: vec![Round { ours: memory[0], peer: *peer }],
            goal: Goal::AtMost(20.0),
        });
    }
    Ok(Found { lines, notes })
}

/// The same beside machines that refuse, that say nothing, that stop in the handshake, and whose sshd is killed while the
/// command runs.
fn in_trouble(bench: &Bench) -> Result<Found> {
    let mut lab = Lab::open()?;
    lab.trouble()?;
    let (tools, mut notes) = all(bench)?;
    let well = MACHINES - 4 * TROUBLED;
    let halves = format!("127.1.0.[1-{}],127.1.1.[1-{}]", well / 2, well - well / 2);
    let troubles: Vec<_> = (2..=5).map(|net| format!("127.1.{net}.[1-{TROUBLED}]")).collect();
    let targets = format!("{halves},{}", troubles.join(","));
    // Its own sshd is killed on machines of the fifth net.
    let command = "case $SSH_CONNECTION in *' 127.1.5.'*) kill -9 $PPID; sleep 1;; esac; hostname";
    let rounds =
        in_turns(bench.rounds.min(3), &tools, |tool| lab.run(&tool.command(&targets, command, PATIENCE)))?;
    let mut lines = Vec::new();
    for (nth, tool) in tools.iter().enumerate().skip(1) {
        let what = format!("300 machines, {} of them in trouble: from start to end", 4 * TROUBLED);
        let wall = line(&what, "s", &rounds, nth, |spent| spent.wall, Goal::Told);
        lines.push(Line { against: tool.name, ..wall });
    }
    for (nth, tool) in tools.iter().enumerate() {
        let last = &rounds.last().context("a round")?[nth];
        let code = last.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        notes.push(format!(
            "{}: {} of {well} that are well answered; exit code {code}",
            tool.name, last.answers
        ));
    }
    Ok(Found { lines, notes })
}

/// A GiB each way.
fn stream(bench: &Bench) -> Result<Found> {
    const GIB: f64 = (1_u64 << 30) as f64;
    let lab = Lab::open()?;
    let tools = [Tool::ours(&bench.program), Tool::SSH];
    let mut lines = Vec::new();
    for (what, command, shell) in [
        ("out", "head -c 1G /dev/zero", "$0 \"$@\" | tail -c 1 | wc -c"),
        ("in", "wc -c", "head -c 1G /dev/zero | $0 \"$@\""),
    ] {
        let rounds = in_turns(bench.rounds.min(5), &tools, |tool| {
            let mut words = vec!["sh".to_owned(), "-c".to_owned(), shell.to_owned()];
            words.extend(tool.command("127.1.0.1", command, PATIENCE));
            let spent = lab.run(&words)?;
            ensure!(spent.code == Some(0) && spent.lines == 1, "{}: {}", tool.name, spent.said);
            Ok(spent)
        })?;
        let what = format!("a GiB {what}, aes128-gcm");
        lines.push(line(&what, "MB/s", &rounds, 1, |spent| GIB / 1e6 / spent.wall, Goal::Told));
    }
    Ok(lines.into())
}

/// Ours first, then every tool that is here.
fn all(bench: &Bench) -> Result<(Vec<Tool>, Vec<String>)> {
    let (mut tools, mut notes) =
        (vec![Tool::ours(&bench.program), Tool::PDSH, Tool::CLUSH, Tool::PSSH], Vec::new());
    for install in [tool::parallel_ssh, tool::bssh] {
        match install() {
            Ok(tool) => tools.push(tool),
            Err(error) => notes.push(format!("not measured: {error:#}")),
        }
    }
    Ok((tools, notes))
}

/// Every tool once, and so on for every round.
fn in_turns(rounds: u16, tools: &[Tool], run: impl Fn(&Tool) -> Result<Spent>) -> Result<Vec<Vec<Spent>>> {
    (0..rounds).map(|_| tools.iter().map(&run).collect()).collect()
}

/// Ours, which is the first, against the tool in this place.
fn line(
    what: &str,
    unit: &'static str,
    rounds: &[Vec<Spent>],
    peer: usize,
    figure: impl Fn(&Spent) -> f64,
    goal: Goal,
) -> Line {
    let rounds = rounds.iter().map(|round| Round { ours: figure(&round[0]), peer: figure(&round[peer]) });
    Line { what: what.to_owned(), unit, against: "ssh", rounds: rounds.collect(), goal }
}
