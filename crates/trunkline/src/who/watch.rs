//! Who comes, changes and leaves, line by line.

use std::io::{self, Write as _};

use anyhow::{Context as _, anyhow};
use jiff::Zoned;
use node::WatchError;
use node::face::{Event, Snapshot};

use crate::control::Face;
use crate::failure::{Outcome, say};
use crate::up::Words;
use crate::{json, stdout};

/// Tells of everything that happens after this moment, for as long as somebody reads it.
pub(super) async fn follow(face: &mut Face, seen: &Snapshot, json: bool) -> Outcome {
    let mut words = Words::new(seen);
    loop {
        let numbered = match face.next().await {
            Ok(numbered) => numbered,
            Err(error @ WatchError::Missed(_)) => {
                say(error);
                words = Words::new(face.snapshot());
                continue;
            }
            Err(error @ WatchError::Ended) => return Err(anyhow!(error).into()),
        };
        if numbered.number <= seen.number || !is_of_people(&numbered.event) {
            continue;
        }
        let Some(line) = words.of(&numbered.event) else { continue };
        let line = if json {
            json::line(&numbered).context("writing JSON")?
        } else {
            format!("{} {line}", Zoned::now().strftime("%H:%M:%S"))
        };
        if let Err(error) = writeln!(io::stdout(), "{line}") {
            return stdout::written(Err(error));
        }
    }
}

fn is_of_people(event: &Event) -> bool {
    matches!(
        event,
        Event::Came { .. }
            | Event::Changed { .. }
            | Event::Left { .. }
            | Event::Moved { .. }
            | Event::GuestCame { .. }
            | Event::GuestLeft { .. }
            | Event::Notice { .. }
    )
}
