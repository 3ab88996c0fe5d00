//! `who`: everybody in sight, the machines of the book, and who is logged in here.

mod guests;
mod machines;
mod table;
mod watch;

use std::io::{self, IsTerminal as _};

use anyhow::anyhow;
use jiff::Zoned;
use node::Plan;
use node::book::Book;
use node::face::{Guest, Person, Reply, Request};
use node::home::Home;
use serde::Serialize;
use tokio::time::sleep;

use crate::book::own_book;
use crate::cli::WhoFlags;
use crate::control::Face;
use crate::failure::{Exit, Failure, Outcome, say};
use crate::sight::SIGHT;
use crate::up::Signals;
use crate::{sight, stdout};
use machines::Machines;

/// Shows who is there; with `--watch` whatever changes, too.
pub(crate) async fn run(flags: &WhoFlags) -> Outcome {
    let home = Home::of_this_user().map_err(Failure::usage)?;
    // A mistake in the book is no reason not to show who is there.
    let book = own_book().unwrap_or_default();
    // A node that stays makes others believe that somebody is here.
    let plan = Plan { says_goodbye: flags.watch, ..sight::PLAN };
    let mut signals = Signals::new()?;
    let mut face = Face::attach(&home, &plan).await?;
    let outcome = tokio::select! {
        outcome = look_around(&mut face, &book, flags) => outcome,
        exit = signals.next() => Ok(exit),
    };
    face.leave().await;
    outcome
}

async fn look_around(face: &mut Face, book: &Book, flags: &WhoFlags) -> Outcome {
    if face.is_own() {
        // Who is there answers to this node's entry.
        sleep(SIGHT).await;
    }
    let mut seen = face.look().await?;
    let machines = Machines::of(book);
    for person in &mut seen.people {
        person.seat = machines.seat_of(person);
    }
    let Reply::Guests { guests } = face.request(Request::Guests).await? else {
        return Err(anyhow!("the node answers something else").into());
    };
    show(&seen.people, &machines, &guests, flags.json)?;
    if seen.me.port.is_none() {
        say("the node that runs here has no chat line (up --no-chat): it sees nobody");
    }
    if flags.watch { watch::follow(face, &seen, flags.json).await } else { Ok(Exit::Good) }
}

fn show(people: &[Person], machines: &Machines, guests: &[Guest], json: bool) -> Outcome {
    if json {
        stdout::print_json(people.iter().map(Line::Person))?;
        stdout::print_json(machines.iter().map(|(name, ssh)| Line::Machine { name, ssh }))?;
        return stdout::print_json(guests.iter().map(Line::Guest));
    }
    let mut shown = match people {
        [] => "Nobody is in sight.\n".to_owned(),
        people => table::table(people, stdout::columns()),
    };
    if !machines.is_empty() {
        shown += &format!("machines of the book: {machines}\n");
    }
    if !guests.is_empty() {
        shown += "logged in here by SSH:\n";
        shown += &guests::table(guests, &Zoned::now(), stdout::columns());
    }
    if io::stdout().is_terminal() && people.iter().any(|person| person.id.is_some()) {
        shown += "unverified: names are what people call themselves, and nobody here has proved his\n";
    }
    stdout::print(shown)
}

/// A person, a machine or a guest, as JSON.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line<'a> {
    Person(&'a Person),
    Machine { name: &'a str, ssh: &'a str },
    Guest(&'a Guest),
}
