//! A run, shown.

use jiff::Timestamp;
use net::Untrusted;
use node::journal::{Copied, Run, RunMachine, RunVerb};
use serde::Serialize;

use super::{Cells, span};
use crate::copy::size;
use crate::run::{End, folded};
use crate::ssh::Verdict;

#[derive(Debug, Serialize)]
pub(in crate::log) struct Line<'a> {
    pub(super) time: Timestamp,
    /// Who ran it: a user of this machine.
    by: &'a str,
    /// As he named them.
    targets: &'a str,
    /// Or the paths of a copy.
    #[serde(skip_serializing_if = "str::is_empty")]
    command: &'a str,
    /// Unless it goes on, or nobody saw the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    cancelled: bool,
    /// Of a copy: files that became whole, and bytes that arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    machines: Vec<Machine<'a>>,
    #[serde(skip)]
    run: &'a Run,
    #[serde(skip)]
    rows: &'a [RunMachine],
}

#[derive(Debug, Serialize)]
struct Machine<'a> {
    name: &'a str,
    host: &'a str,
    #[serde(flatten)]
    end: End<'a>,
    /// Bytes that the command printed, whether they are kept or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    err: Option<u64>,
}

impl<'a> Line<'a> {
    pub(super) fn new(run: &'a Run, machines: &'a [RunMachine]) -> Self {
        let prints = run.verb == RunVerb::Run;
        let machine = |machine: &'a RunMachine| Machine {
            name: &machine.name,
            host: &machine.host,
            end: End::of(machine.ending.as_ref(), machine.lasted),
            out: prints.then_some(machine.out),
            err: prints.then_some(machine.err),
        };
        Self {
            time: run.at,
            by: &run.by,
            targets: &run.targets,
            command: &run.command,
            seconds: run.lasted.map(|lasted| lasted.as_secs_f64()),
            cancelled: run.cancelled,
            files: run.copied.map(|copied| copied.files),
            bytes: run.copied.map(|copied| copied.bytes),
            machines: machines.iter().map(machine).collect(),
            run,
            rows: machines,
        }
    }

    pub(super) fn cells(&self) -> Cells {
        let verb = match self.run.verb {
            RunVerb::Run => "run",
            RunVerb::Shell => "shell",
            RunVerb::Copy => "copy",
        };
        [verb.to_owned(), targets(self.rows), self.result(), ran(self.run)]
    }

    /// `38 ok, 2 failed, 1.2 s`; of one machine how it failed; of a copy also what was copied.
    fn result(&self) -> String {
        let Run { failed, cancelled, lasted, copied, .. } = *self.run;
        let ok = self.rows.len() - failed;
        let mut words = match self.rows {
            [_] if failed == 0 => vec!["ok".to_owned()],
            [RunMachine { ending, .. }] => {
                let reason = ending.as_ref().map_or_else(Verdict::unknown, Verdict::of_ending).reason;
                vec![Untrusted::from(reason.as_str()).to_string()]
            }
            _ if failed == 0 => vec![format!("all {ok} ok")],
            _ => vec![format!("{ok} ok, {failed} failed")],
        };
        if cancelled && self.rows.len() > 1 {
            words.push("cancelled".to_owned());
        }
        words.extend(copied.map(copied_in_words));
        words.extend(lasted.map(span));
        words.join(", ")
    }
}

/// Who ran what.
pub(in crate::log) fn ran(Run { verb, by, command, .. }: &Run) -> String {
    let did = match verb {
        RunVerb::Run => format!("ran {command}"),
        RunVerb::Shell => "had a terminal".to_owned(),
        RunVerb::Copy => format!("copied {command}"),
    };
    // Where the environment names no user, nobody is known.
    let ran = if by.is_empty() { did } else { format!("{by} {did}") };
    Untrusted::from(ran.as_str()).multiline().to_string()
}

/// `3 files, 1.2 MB`.
fn copied_in_words(Copied { files, bytes }: Copied) -> String {
    format!("{files} file{}, {}", if files == 1 { "" } else { "s" }, size(bytes))
}

/// The machines as a set, and of many how many: `n[01-40] (40)`.
pub(in crate::log) fn targets(machines: &[RunMachine]) -> String {
    let names = folded(machines.iter().map(|machine| machine.name.as_str()));
    if machines.len() > 1 { format!("{names} ({})", machines.len()) } else { names }
}
