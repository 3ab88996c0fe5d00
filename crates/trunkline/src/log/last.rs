//! `log last`: what the last run printed, again.

use jiff::tz::TimeZone;
use node::journal::{Journal, RunQuery};

use super::show::{Line, by_the_clock, ran, targets};
use crate::book::own_book;
use crate::failure::Outcome;
use crate::run::Again;
use crate::stdout;

/// Shows the run that this finds.
pub(super) fn show(journal: Option<&Journal>, last: &RunQuery, zone: &TimeZone, json: bool) -> Outcome {
    let runs = match journal {
        Some(journal) => super::runs(journal, last)?,
        None => Vec::new(),
    };
    let (Some(journal), Some((run, machines))) = (journal, runs.first()) else {
        return stdout::print(if json { "" } else { "No run in the journal fits.\n" });
    };
    // The book knows charsets; a mistake in it is no reason to show nothing.
    let again = Again::new(journal, run, machines, &own_book().unwrap_or_default());
    if json {
        stdout::print_json([Line::of_run(run, machines)])?;
        return again.json();
    }
    let on = targets(machines);
    stdout::print(format!("{} on {on}: {}\n", by_the_clock(run.at, zone), ran(run)))?;
    again.folded()
}
