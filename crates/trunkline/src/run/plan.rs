//! What `run` is to do, checked.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use anyhow::anyhow;
use net::Untrusted;
use net::charset::Charset;
use node::home::Home;
use node::journal::{Journal, RunMachine, RunQuery, RunVerb};
use node::ssh::{Here, Machine, fan};

use super::fold::Folded;
use super::folder::Folder;
use super::json::Json;
use super::live::Live;
use super::script::{self, Script};
use super::single::Single;
use super::view::{Shown, Surface, Surfaces, View};
use crate::cli::RunFlags;
use crate::failure::{self, Failure, Outcome};
use crate::ssh::Entry;
use crate::{ssh, stdout};

/// What `run` is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What is kept of it in the journal.
    pub(super) entry: Entry,
    pub(super) machines: Vec<Machine>,
    pub(super) shown: Vec<Shown>,
    /// For the shells over there.
    pub(super) line: Vec<u8>,
    /// What goes ahead of standard input.
    pub(super) ahead: Vec<u8>,
    /// Standard input is for the commands.
    pub(super) reads: bool,
    pub(super) sudo: bool,
    pub(super) limits: fan::Plan,
    pub(super) output: Output,
    pub(super) largest_code: bool,
    pub(super) dry_run: bool,
}

/// What is made of what the machines print.
#[derive(Debug)]
pub(super) enum Output {
    /// One machine's bytes as they are, and lines of many.
    Live,
    Folded,
    Files(PathBuf),
    Json,
}

impl Plan {
    pub(crate) fn new(flags: RunFlags) -> Result<Self, Failure> {
        let home = Home::of_this_user().map_err(Failure::usage)?;
        let charset = flags.charset.as_deref().map(Charset::parse).transpose().map_err(Failure::usage)?;
        let here = Here::of_process();
        let user = here.user.clone();
        let (command, line, ahead) = what_runs(&flags).map_err(Failure::usage)?;
        let connect_limit = Some(flags.ssh.connect_limit);
        let found = ssh::machines(flags.ssh, here, &flags.targets, flags.exclude.as_deref())?;
        let mut machines: Vec<_> = found.list.into_iter().zip(found.charsets).collect();
        if flags.failed {
            keep_failed(&home, &mut machines)?;
        }
        let shown = machines.iter().map(|(machine, of_book)| Shown {
            name: machine.name.clone(),
            end: machine.end.to_string(),
            charset: charset.or(*of_book),
        });
        let shown: Vec<_> = shown.collect();
        let machines = machines.into_iter().map(|(machine, _)| machine).collect();
        // Keys typed at a terminal are for one machine.
        let reads = !flags.no_input && (shown.len() == 1 || !io::stdin().is_terminal());
        let limits = fan::Plan {
            at_once: flags.at_once,
            connect_limit,
            command_limit: flags.command_limit,
            stop_at_first_failure: flags.stop_at_first_failure,
        };
        let entry = Entry { home, user, verb: RunVerb::Run, targets: flags.targets, command };
        Ok(Self {
            entry,
            machines,
            shown,
            line,
            ahead,
            reads,
            sudo: flags.sudo,
            limits,
            output: output(flags.fold, flags.json, flags.out),
            largest_code: flags.largest_code,
            dry_run: flags.dry_run,
        })
    }

    /// Says what would be done.
    pub(super) fn tell(&self) -> Outcome {
        let mut lines = String::new();
        for machine in &self.machines {
            let via: Vec<_> = machine.via.iter().map(ToString::to_string).collect();
            let via = if via.is_empty() { String::new() } else { format!(", by way of {}", via.join(", ")) };
            let line = format!("{}: {}{via}", machine.name, machine.end);
            lines += &format!("{}\n", Untrusted::from(line.as_str()));
        }
        let sudo = if self.sudo { ", by sudo" } else { "" };
        stdout::print(format!("{lines}the command{sudo}: {}\n", Untrusted::from(self.entry.command.as_str())))
    }

    /// What shows it.
    pub(super) fn view(&self) -> anyhow::Result<Box<dyn View>> {
        let surfaces = Surfaces {
            out: surface(io::stdout().is_terminal(), stdout::coloured()),
            err: surface(io::stderr().is_terminal(), failure::coloured()),
        };
        Ok(match (&self.output, self.shown.as_slice()) {
            (Output::Live, [machine]) => Box::new(Single::new(machine, surfaces)),
            (Output::Live, machines) => Box::new(Live::new(machines, surfaces)),
            (Output::Folded, machines) => Box::new(Folded::new(machines, surfaces)),
            (Output::Files(folder), machines) => Box::new(Folder::new(folder, machines)?),
            (Output::Json, machines) => Box::new(Json::new(machines)),
        })
    }
}

pub(super) fn surface(terminal: bool, coloured: bool) -> Surface {
    Surface { terminal, coloured: terminal && coloured }
}

fn output(fold: bool, json: bool, out: Option<PathBuf>) -> Output {
    match out {
        Some(folder) => Output::Files(folder),
        None if json => Output::Json,
        None if fold => Output::Folded,
        None => Output::Live,
    }
}

/// The command for people, its line for the shells over there, and what goes ahead of standard input.
fn what_runs(flags: &RunFlags) -> anyhow::Result<(String, Vec<u8>, Vec<u8>)> {
    let line = script::joined(&flags.command);
    let Some(path) = &flags.script else {
        return Ok((String::from_utf8_lossy(&line).into_owned(), line, Vec::new()));
    };
    let script = Script::read(path, &flags.command)?;
    let command = format!("--script {} {}", path.display(), String::from_utf8_lossy(&line));
    Ok((command.trim_end().to_owned(), script.line, script.ahead))
}

/// Leaves those machines on which the last run that was for any of them failed.
fn keep_failed(home: &Home, machines: &mut Vec<(Machine, Option<Charset>)>) -> Result<(), Failure> {
    let names = machines.iter().map(|(machine, _)| machine.name.clone()).collect();
    let verb = Some(RunVerb::Run);
    let last = RunQuery { verb, machines: Some(names), newest: Some(1), ..RunQuery::default() };
    let mut failed = HashSet::new();
    if let Some(journal) = Journal::find(home.state())? {
        for run in journal.runs(&last)? {
            let unless_good = |machine: RunMachine| {
                let is_good = machine.ending.is_some_and(|ending| ending.is_success());
                (!is_good).then_some(machine.name)
            };
            failed.extend(journal.run_machines(run.row)?.into_iter().filter_map(unless_good));
        }
    }
    machines.retain(|(machine, _)| failed.contains(&machine.name));
    if machines.is_empty() {
        return Err(anyhow!("the last run has failed on none of these machines").into());
    }
    Ok(())
}
