//! `book show`: everything about a name, and who is in a group.

use net::Untrusted;
use node::book::Book;
use serde::Serialize;

use super::card::Card;
use crate::cli::ShowFlags;
use crate::failure::{Failure, Outcome};
use crate::stdout;

/// Several names, folded.
#[derive(Serialize)]
struct Folded {
    names: String,
    count: usize,
}

/// Shows one name with all its lines, and several folded.
pub(super) fn run(flags: &ShowFlags, json: bool) -> Outcome {
    let (book, _) = super::everything(&super::home()?)?;
    let names = super::select(&book, Some(&flags.targets), flags.exclude.as_deref())?;
    let whole_group = flags.targets.strip_prefix('@').filter(|_| flags.exclude.is_none());
    if let Some(group) =
        super::groups(&book)?.into_iter().find(|card| Some(card.group.as_str()) == whole_group)
    {
        if json {
            return stdout::print_json([group]);
        }
        let parts = [
            ("members", group.members),
            ("count", group.count.to_string()),
            ("written", group.written),
            ("from", group.from),
        ];
        return stdout::print(paragraph(&flags.targets, &parts));
    }
    if let (1, Some(name)) = (names.len(), names.iter().next()) {
        let card = Card::from(&super::look_up(&book, &name)?);
        return if json { stdout::print_json([card]) } else { stdout::print(details(&book, card)?) };
    }
    let folded = Folded { names: names.to_string(), count: names.len() };
    if json {
        stdout::print_json([folded])
    } else {
        stdout::print(format!("{} ({})\n", folded.names, super::count(folded.count)))
    }
}

fn details(book: &Book, card: Card) -> Result<String, Failure> {
    let mut parts = card.lines();
    let member_of = |name: &str| {
        let groups = book.groups().iter().map(|group| {
            let inside = book.select(&group.members).map_err(Failure::usage)?.contains(name);
            Ok::<_, Failure>(inside.then(|| format!("@{}", group.name)))
        });
        Ok::<_, Failure>(groups.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect::<Vec<_>>())
    };
    let groups = member_of(&card.name)?.join(", ");
    parts.extend(card.seat.map(|seat| ("seat", seat)));
    parts.extend(card.note.map(|note| ("note", note)));
    parts.extend(Some(groups).filter(|groups| !groups.is_empty()).map(|groups| ("group", groups)));
    parts.extend(card.from.into_iter().map(|from| ("from", from)));
    Ok(paragraph(&card.name, &parts))
}

/// A title, and below it each part with its word.
fn paragraph(title: &str, parts: &[(&str, String)]) -> String {
    let lines = parts.iter().map(|(word, says)| format!("  {word:<7}  {}\n", Untrusted::from(says.as_str())));
    format!("{}\n{}", Untrusted::from(title), lines.collect::<String>())
}
