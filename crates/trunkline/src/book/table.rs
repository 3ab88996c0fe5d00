//! Entries and groups as a table that a person likes to read: columns that nobody fills are not there.

use comfy_table::{Table, presets};
use net::Untrusted;

use super::card::{Card, GroupCard};

const HEADER: [&str; 6] = ["NAME", "LINE", "WHERE", "SEAT", "NOTE", "FROM"];

/// Spaces between two columns.
const GAP: u16 = 2;

/// One row for each line of an entry, then one for each group.
pub(super) fn table(cards: &[Card], groups: &[GroupCard]) -> String {
    let rows: Vec<_> = cards.iter().flat_map(card_rows).chain(groups.iter().map(group_row)).collect();
    let filled: Vec<usize> =
        (0..HEADER.len()).filter(|&column| rows.iter().any(|row| !row[column].is_empty())).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(filled.iter().map(|&column| HEADER[column]));
    table.add_rows(rows.iter().map(|row| filled.iter().map(|&column| row[column].as_str())));
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, GAP));
    });
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    lines.concat()
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
    let members = format!("{} ({})", card.members, super::count(card.count));
    [format!("@{}", card.group), "group".to_owned(), members, String::new(), String::new(), String::new()]
}
