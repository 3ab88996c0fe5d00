//! Who comes, changes and leaves, line by line.

use std::io::{self, Write as _};

use anyhow::{Context as _, anyhow};
use jiff::Zoned;
use net::Untrusted;
use net::untrusted::escape_json;
use node::WatchError;
use node::face::{Event, Person};

use super::table::state;
use crate::control::Face;
use crate::failure::{Outcome, say};
use crate::stdout;

/// Tells of everything that happens after the event of this number, for as long as somebody reads it.
pub(super) async fn follow(face: &mut Face, after: u64, json: bool) -> Outcome {
    loop {
        let numbered = match face.next().await {
            Ok(numbered) => numbered,
            Err(error @ WatchError::Missed(_)) => {
                say(error);
                continue;
            }
            Err(error @ WatchError::Ended) => return Err(anyhow!(error).into()),
        };
        let Some(line) = line(&numbered.event).filter(|_| numbered.number > after) else { continue };
        let line = if json {
            escape_json(&serde_json::to_string(&numbered).context("writing JSON")?)
        } else {
            format!("{}  {line}", Zoned::now().strftime("%H:%M:%S"))
        };
        if let Err(error) = writeln!(io::stdout(), "{line}") {
            return stdout::written(Err(error));
        }
    }
}

/// What has happened to people, in a line; none for the rest.
fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Came { person } => format!("{} is here{}", named(person), noted(person)),
        Event::Changed { person } => format!("{} has changed{}", named(person), noted(person)),
        Event::Left { person } => format!("{} has left", named(person)),
        Event::Moved { person, from } => format!("{} has moved here from {from}", named(person)),
        Event::Notice { text } => Untrusted::from(text.as_str()).to_string(),
        _ => return None,
    })
}

/// `wang (10.0.0.7:2425)`.
fn named(person: &Person) -> String {
    let name = Untrusted::from(person.name.as_str());
    person.addresses.first().map_or_else(|| name.to_string(), |address| format!("{name} ({address})"))
}

fn noted(person: &Person) -> String {
    Some(state(person))
        .filter(|state| !state.is_empty())
        .map_or_else(String::new, |state| format!(": {state}"))
}
