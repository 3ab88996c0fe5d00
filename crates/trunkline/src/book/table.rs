//! Entries and groups as a table.

use net::Untrusted;

use super::card::{Card, GroupCard};
use crate::table::columns;

const HEADER: [&str; 6] = ["NAME", "LINE", "WHERE", "SEAT", "NOTE", "FROM"];

/// Characters of a group's members that are shown: `book show` has them all.
const MEMBERS_SHOWN: usize = 60;

/// One row for each line of an entry, then one for each group.
pub(super) fn table(cards: &[Card], groups: &[GroupCard], width: Option<u16>) -> String {
    let rows: Vec<_> = cards.iter().flat_map(card_rows).chain(groups.iter().map(group_row)).collect();
    columns(HEADER, &[], &rows, width)
}

/// The cells of a row, one for each column.
type Row = [String; HEADER.len()];

fn card_rows(card: &Card) -> Vec<Row> {
    let shown = |text: Option<&str>| text.map_or_else(String::new, |text| Untrusted::from(text).to_string());
    let mut lines = card.lines();
    if lines.is_empty() {
        lines.push(("", if card.is_known() { "" } else { "not in the book" }.to_owned()));
    }
    let rows = lines.into_iter().enumerate().map(|(nth, (line, says))| {
        let first = nth == 0;
        let once = |text: Option<&str>| shown(text.filter(|_| first));
        let name = once(Some(&card.name));
        let from = if card.foreign { card.from.join(", ") } else { String::new() };
        let (seat, note) = (once(card.seat.as_deref()), once(card.note.as_deref()));
        [name, line.to_owned(), shown(Some(&says)), seat, note, once(Some(&from))]
    });
    rows.collect()
}

fn group_row(card: &GroupCard) -> Row {
    let shown = match card.members.char_indices().nth(MEMBERS_SHOWN) {
        Some((end, _)) => format!("{}…", &card.members[..end]),
        None => card.members.clone(),
    };
    let members = format!("{} ({})", Untrusted::from(shown.as_str()), super::count(card.count));
    [format!("@{}", card.group), "group".to_owned(), members, String::new(), String::new(), String::new()]
}
