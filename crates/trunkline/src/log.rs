//! `log`: what happened on the lines, from the journal.

mod people;
mod show;
mod when;

use jiff::{Timestamp, Zoned};
use node::home::Home;
use node::journal::{Journal, Query};
use serde_json::json;

use crate::book::own_book;
use crate::cli::LogFlags;
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
    let (book, sites) = match &flags.target {
        Some(target) => {
            let book = own_book()?;
            let sites = people::sites(target, &book)?;
            (book, Some(sites))
        }
        // A mistake in the book is no reason not to show the log.
        None => (own_book().unwrap_or_default(), None),
    };
    let journal = Journal::find(home.state())?;
    if let Some(before) = forgotten {
        return forget(journal.as_ref(), before, flags.json);
    }
    let query = Query {
        since,
        sites,
        search: flags.search.clone(),
        newest: flags.number.or(flags.since.is_none().then_some(SHOWN)),
    };
    let found = journal.as_ref().map(|journal| journal.connections(&query)).transpose()?;
    let mut connections = found.unwrap_or_default();
    connections.reverse();
    let names = people::Names::of(&book);
    let lines = connections.iter().map(|connection| show::Line::new(connection, &names));
    if flags.json {
        return stdout::print_json(lines);
    }
    if connections.is_empty() {
        return stdout::print(match journal {
            Some(_) => "No connection in the journal fits.\n",
            None => {
                "There is no journal yet. A server keeps one when asked to:\n  trunkline serve :8080 upper --log\n"
            }
        });
    }
    stdout::print(show::table(lines, now.time_zone(), stdout::columns()))
}

fn forget(journal: Option<&Journal>, before: Timestamp, json: bool) -> Outcome {
    let connections =
        journal.map(|journal| journal.forget(before)).transpose()?.unwrap_or_default().connections;
    if json {
        return stdout::print_json([json!({"forgotten": connections, "before": before})]);
    }
    let plural = if connections == 1 { "" } else { "s" };
    stdout::print(format!("forgotten: {connections} connection{plural}\n"))
}
