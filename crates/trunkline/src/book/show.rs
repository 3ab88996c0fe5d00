//! `book show`: everything about a name, and who is in a group.

use net::Untrusted;
use node::book::{Book, NameSet, Pattern};
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

/// Shows one name, or a range that is an entry, with all its lines; and other sets folded.
pub(super) fn run(flags: &ShowFlags, json: bool) -> Outcome {
    let (book, _) = super::everything(&super::home()?)?;
    let names = super::select(&book, &flags.targets, flags.exclude.as_deref())?;
    let whole_group = match (flags.targets.as_slice(), &flags.exclude) {
        ([target], None) => target.strip_prefix('@').and_then(|group| book.group(group)),
        _ => None,
    };
    if let Some(group) = whole_group {
        let group = super::group_card(&book, group)?;
        if json {
            return stdout::print_json([group]);
        }
        let parts = [
            ("members", group.members),
            ("count", group.count.to_string()),
            ("written", group.written),
            ("from", group.from),
        ];
        return stdout::print(paragraph(&format!("@{}", group.group), &parts));
    }
    if let Some(card) = card(&book, &names)? {
        return if json { stdout::print_json([card]) } else { stdout::print(details(&book, card, &names)?) };
    }
    if json {
        stdout::print_json([Folded { names: names.to_string(), count: names.len() }])
    } else {
        stdout::print(super::folded(&names))
    }
}

/// What is known of these names, if there is one place where all of it stands.
fn card(book: &Book, names: &NameSet) -> Result<Option<Card>, Failure> {
    if let (1, Some(name)) = (names.len(), names.iter().next()) {
        return Ok(Some(Card::from(&super::look_up(book, &name)?)));
    }
    let same = |range: &Pattern| {
        range.len() == names.len() && NameSet::of([range.to_string()]).is_ok_and(|range| range == *names)
    };
    Ok(book.records().iter().find(|record| same(record.value.names())).map(Card::from))
}

fn details(book: &Book, card: Card, names: &NameSet) -> Result<String, Failure> {
    let mut parts = card.lines();
    let mut groups = Vec::new();
    for group in book.groups() {
        let members = book.select(&group.members).map_err(Failure::usage)?;
        if names.difference(&members).is_empty() {
            groups.push(format!("@{}", group.name));
        }
    }
    let groups = groups.join(", ");
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
