//! A run of the journal, shown as `run -b` or `run --json` shows one.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;
use net::charset::Charset;
use node::book::{Book, Login};
use node::journal::{Journal, JournalError, Printed, Run, RunMachine};

use super::fold::Folded;
use super::json::{End, Json};
use super::plan::surface;
use super::tally::Tally;
use super::view::{Paper, Shown, Surfaces, View as _};
use crate::failure::Outcome;
use crate::ssh::Verdict;
use crate::stdout;

/// A run, and where the rest of it is read.
pub(crate) struct Again<'a> {
    journal: &'a Journal,
    run: &'a Run,
    machines: &'a [RunMachine],
    shown: Vec<Shown>,
}

impl<'a> Again<'a> {
    /// The book knows the charsets of machines.
    pub(crate) fn new(journal: &'a Journal, run: &'a Run, machines: &'a [RunMachine], book: &Book) -> Self {
        let shown = |machine: &RunMachine| Shown {
            name: machine.name.clone(),
            end: machine.host.clone(),
            charset: charset(&machine.name, book),
        };
        Self { journal, run, machines, shown: machines.iter().map(shown).collect() }
    }

    /// Each output once, under the names of all that have it, and at the end who failed. All of it is for standard output,
    /// for all of it was asked for.
    pub(crate) fn folded(&self) -> Outcome {
        let surface = surface(io::stdout().is_terminal(), stdout::coloured());
        let mut folded = Folded::new(&self.shown, Surfaces { out: surface, err: surface });
        let mut tally = Tally::new(&self.shown);
        for machine in self.machines {
            let place = machine.place;
            let [mut out, mut err] = [machine.out, machine.err];
            for Printed { is_error, bytes } in self.output(machine)? {
                folded.printed(place, is_error, &bytes).context("gathering what was printed")?;
                let beyond = if is_error { &mut err } else { &mut out };
                *beyond = beyond.saturating_sub(bytes.len() as u64);
            }
            folded.left_out(place, false, out);
            folded.left_out(place, true, err);
            let verdict = machine.ending.as_ref().map_or_else(Verdict::unknown, Verdict::of_ending);
            folded.ended(place, &verdict.reason);
            tally.ended(place, verdict);
        }
        let mut write = || {
            folded.finish(&mut Paper { out: &mut io::stdout(), err: &mut io::stdout() })?;
            io::stdout().write_all(tally.summary_of_many(self.run.lasted).as_bytes())?;
            io::stdout().flush()
        };
        stdout::written(write())
    }

    /// A line for what each machine printed, and one for how it ended there.
    pub(crate) fn json(&self) -> Outcome {
        let mut json = Json::new(&self.shown);
        let [mut out, mut err] = [io::stdout(), io::stdout()];
        let mut paper = Paper { out: &mut out, err: &mut err };
        for machine in self.machines {
            let output = self.output(machine)?;
            let write = || {
                for Printed { is_error, bytes } in output {
                    json.printed(machine.place, is_error, &bytes, &mut paper)?;
                }
                json.ended(machine.place, End::of(machine.ending.as_ref(), machine.lasted), &mut paper)
            };
            match write() {
                Ok(()) => {}
                failed => return stdout::written(failed),
            }
        }
        stdout::written(io::stdout().flush())
    }

    fn output(&self, machine: &RunMachine) -> Result<Vec<Printed>, JournalError> {
        self.journal.run_output(self.run.row, machine.place)
    }
}

fn charset(name: &str, book: &Book) -> Option<Charset> {
    let login: Login = name.parse().ok()?;
    book.find(&login.host).ok()??.ssh?.value.charset
}
