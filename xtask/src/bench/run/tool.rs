//! The tools that run a command on many machines, and how each is asked to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::bench::report::Goal;
use crate::command;

/// How many machines are talked to at once, by every tool.
const AT_ONCE: &str = "64";

/// A program that runs a command on machines.
pub(super) struct Tool {
    /// For the table.
    pub(super) name: &'static str,
    /// What ours may use of its CPU time.
    pub(super) cpu_goal: Goal,
    program: PathBuf,
    arguments: fn(&Asked<'_>) -> Vec<String>,
}

/// What it is to do.
struct Asked<'a> {
    /// In the grammar of `127.1.0.[1-150],127.1.1.[1-150]`.
    targets: &'a str,
    command: &'a str,
    patience: String,
}

impl Tool {
    pub(super) fn ours(program: &Path) -> Self {
        Self {
            name: "trunkline",
            cpu_goal: Goal::Told,
            program: program.to_owned(),
            arguments: |asked| {
                let Asked { targets, command, patience } = asked;
                words(&["run", "-f", AT_ONCE, "-t", patience, targets, "--", command], &[])
            },
        }
    }

    /// On one machine only.
    pub(super) const SSH: Self = Self::installed("ssh", |asked| words(&[asked.targets, asked.command], &[]));

    pub(super) const PDSH: Self = Self::installed("pdsh", |asked| {
        let Asked { targets, command, patience } = asked;
        words(&["-R", "ssh", "-f", AT_ONCE, "-t", patience, "-S", "-w", targets, command], &[])
    });

    pub(super) const CLUSH: Self = Self::installed("clush", |asked| {
        let Asked { targets, command, patience } = asked;
        words(&["-n", "-S", "-f", AT_ONCE, "-t", patience, "-w", targets, command], &[])
    });

    /// Debian's name for pssh. It cannot limit the time for connecting alone.
    pub(super) const PSSH: Self = Self::installed("parallel-ssh", |asked| {
        let hosts = expanded(asked.targets).into_iter().flat_map(|host| ["-H".to_owned(), host]);
        words(&["-i", "-p", AT_ONCE, "-t", &asked.patience], &hosts.collect::<Vec<_>>())
            .into_iter()
            .chain([asked.command.to_owned()])
            .collect()
    });

    const fn installed(name: &'static str, arguments: fn(&Asked<'_>) -> Vec<String>) -> Self {
        Self { name, cpu_goal: Goal::RatioAtMost(0.1), program: PathBuf::new(), arguments }
    }

    /// The command line that runs a command on these machines.
    pub(super) fn command(&self, targets: &str, command: &str, patience: Duration) -> Vec<String> {
        let program = if self.program.as_os_str().is_empty() { Path::new(self.name) } else { &self.program };
        let asked = Asked { targets, command, patience: patience.as_secs().to_string() };
        let mut line = vec![program.to_string_lossy().into_owned()];
        line.extend((self.arguments)(&asked));
        line
    }
}

/// The library parallel-ssh of PyPI, with a program of a few lines, in a place of its own.
///
/// # Errors
/// When it cannot be installed.
pub(super) fn parallel_ssh() -> Result<Tool> {
    let folder = command::target("peers")?.join("parallel-ssh");
    let python = folder.join("bin/python3");
    if !folder.join("installed").exists() {
        let doing = "installing parallel-ssh of PyPI";
        command::output(Command::new("python3").args(["-m", "venv"]).arg(&folder)).context(doing)?;
        let pip = ["-m", "pip", "install", "--quiet", "parallel-ssh==2.16.0"];
        command::output(Command::new(&python).args(pip)).context(doing)?;
        std::fs::write(folder.join("installed"), "").context(doing)?;
    }
    Ok(Tool {
        name: "parallel-ssh (PyPI)",
        cpu_goal: Goal::RatioAtMost(0.4),
        program: python,
        arguments: |asked| {
            let script = command::root().join("xtask/peers/parallel_ssh.py");
            let options = [&*script.to_string_lossy(), AT_ONCE, &asked.patience, asked.command];
            words(&options, &expanded(asked.targets))
        },
    })
}

/// The closest peer: SSH without other programs, and pdsh's ways.
///
/// # Errors
/// When it does not build.
pub(super) fn bssh() -> Result<Tool> {
    let folder = command::target("peers")?.join("bssh");
    let program = folder.join("bin/bssh");
    if !program.exists() {
        let install = ["install", "--quiet", "bssh", "--version", "2.2.3", "--locked", "--root"];
        command::output(command::cargo(install).arg(&folder)).context("installing bssh 2.2.3")?;
    }
    Ok(Tool {
        name: "bssh",
        cpu_goal: Goal::RatioAtMost(0.7),
        program,
        arguments: |asked| {
            let Asked { command, patience, .. } = asked;
            let hosts = expanded(asked.targets).join(",");
            let options = ["--parallel", AT_ONCE, "--connect-timeout", patience, "--no-prefix", "-H", &hosts];
            words(&options, &[(*command).to_owned()])
        },
    })
}

fn words(first: &[&str], rest: &[String]) -> Vec<String> {
    first.iter().map(|word| (*word).to_owned()).chain(rest.iter().cloned()).collect()
}

/// `a[1-2],b[1-2]` as names, for those who know no ranges.
fn expanded(targets: &str) -> Vec<String> {
    let ranges = targets.split(',').filter_map(|range| {
        let (name, numbers) = range.strip_suffix(']')?.split_once('[')?;
        let (first, last) = numbers.split_once('-')?;
        Some((name, first.parse::<u32>().ok()?..=last.parse().ok()?))
    });
    ranges.flat_map(|(name, numbers)| numbers.map(move |number| format!("{name}{number}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_out_for_those_who_know_none() {
        assert_eq!(expanded("127.1.0.[9-11],b[1-1]"), ["127.1.0.9", "127.1.0.10", "127.1.0.11", "b1"]);
    }
}
