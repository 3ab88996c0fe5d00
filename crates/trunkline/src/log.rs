//! `log`: what happened on the lines, from the journal.

mod last;
mod people;
mod show;
mod when;

use anyhow::anyhow;
use jiff::{Timestamp, Zoned};
use node::home::Home;
use node::journal::{
    Forgotten, Journal, JournalError, MessageQuery, Query, Run, RunMachine, RunQuery, RunVerb,
};
use serde_json::json;

use self::people::{Names, Target};
use self::show::Line;
use crate::book::own_book;
use crate::cli::{LAST_RUN, LogFlags};
use crate::failure::{Failure, Outcome};
use crate::stdout;

/// What is shown where nothing says how much: about as much as a person looks through.
const SHOWN: usize = 50;

/// Shows what the flags ask for, or forgets it.
pub(crate) fn run(flags: &LogFlags) -> Outcome {
    let home = Home::of_this_user().map_err(Failure::usage)?;
    let now = Zoned::now();
    let moment = |text: &String| when::moment(text, &now).map_err(Failure::usage);
    let since = flags.since.as_ref().map(moment).transpose()?;
    let forgotten = flags.forget.as_ref().map(moment).transpose()?;
    let journal = Journal::find(home.state())?;
    if let Some(before) = forgotten {
        return forget(journal.as_ref(), before, flags.json);
    }
    if flags.target.as_deref() == Some(LAST_RUN) {
        if flags.number.is_some() {
            return Err(Failure::usage(anyhow!("{LAST_RUN} is one run"))
                .hint("leave out -n, or name the machines instead"));
        }
        let verb = Some(RunVerb::Run);
        let last = RunQuery { verb, since, search: flags.search.clone(), machines: None, newest: Some(1) };
        return last::show(journal.as_ref(), &last, now.time_zone(), flags.json);
    }
    let (book, target) = match &flags.target {
        Some(target) => {
            let book = own_book()?;
            let target = Target::of(target, &book, journal.as_ref())?;
            (book, Some(target))
        }
        // A mistake in the book is no reason not to show the log.
        None => (own_book().unwrap_or_default(), None),
    };
    let (sites, whose, machines) = match target {
        Some(Target { sites, whose, machines }) => (Some(sites), Some(whose), Some(machines)),
        None => (None, None, None),
    };
    let search = flags.search.clone();
    let newest = flags.number.or(flags.since.is_none().then_some(SHOWN));
    let (mut connections, mut messages, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(journal) = &journal {
        connections = journal.connections(&Query { since, sites, search: search.clone(), newest })?;
        runs =
            self::runs(journal, &RunQuery { verb: None, since, search: search.clone(), machines, newest })?;
        messages = journal.messages(&MessageQuery { since, whose, search, newest, before: None })?;
    }
    let names = Names::of(&book);
    let connections = connections.iter().map(|connection| Line::of_connection(connection, &names));
    let messages = messages.iter().map(|message| Line::of_message(message, &names));
    let runs = runs.iter().map(|(run, machines)| Line::of_run(run, machines));
    let mut lines: Vec<_> = connections.chain(messages).chain(runs).collect();
    // Newest last; of one moment, those that were written down last.
    lines.reverse();
    lines.sort_by_key(Line::time);
    lines.drain(..lines.len().saturating_sub(newest.unwrap_or(usize::MAX)));
    if flags.json {
        return stdout::print_json(lines);
    }
    if lines.is_empty() {
        return stdout::print(match journal {
            Some(_) => "Nothing in the journal fits.\n",
            None => {
                "There is no journal yet. What is sent or run makes one, and a server when asked to:\n  trunkline serve :8080 upper --log\n"
            }
        });
    }
    stdout::print(show::table(&lines, now.time_zone(), stdout::columns()))
}

/// The runs that fit, with their machines.
fn runs(journal: &Journal, query: &RunQuery) -> Result<Vec<(Run, Vec<RunMachine>)>, JournalError> {
    let runs = journal.runs(query)?.into_iter();
    runs.map(|run| journal.run_machines(run.row).map(|machines| (run, machines))).collect()
}

fn forget(journal: Option<&Journal>, before: Timestamp, json: bool) -> Outcome {
    let forgotten = journal.map(|journal| journal.forget(before)).transpose()?.unwrap_or_default();
    let Forgotten { connections, messages, presences, runs } = forgotten;
    if json {
        let forgotten =
            json!({"connections": connections, "messages": messages, "presences": presences, "runs": runs});
        return stdout::print_json([json!({"forgotten": forgotten, "before": before})]);
    }
    let counted = |number, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    stdout::print(format!(
        "forgotten: {}, {}, {}, {}\n",
        counted(messages, "message"),
        counted(connections, "connection"),
        counted(runs, "run"),
        counted(presences, "change") + " of presence"
    ))
}
