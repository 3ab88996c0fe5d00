//! Where in the text of a book something stands, and how its lines are put in and taken out.

use std::ops::Range;

use toml_edit::{Item, Table};

/// The bytes of what belongs to a key of a table: the key and its value; or for a table each of its headers and what
/// follows it, up to its last value. They begin and end in lines of their own.
pub(super) fn blocks(table: &Table, key: &str) -> Vec<Range<usize>> {
    match table.get_key_value(key) {
        Some((_, Item::Table(inner))) => {
            let header = header(inner).map(|header| header.start..end(inner, header.end));
            let apart = |(_, item): &(&str, &Item)| header.is_none() || !is_within(item);
            let others = inner.iter().filter(apart).flat_map(|(key, _)| blocks(inner, key));
            others.chain(header.clone()).collect()
        }
        Some((key, item)) => {
            key.span().zip(item.span()).map(|(key, item)| key.start..item.end).into_iter().collect()
        }
        None => Vec::new(),
    }
}

/// The `[table]` that a table begins with, if it has one.
pub(super) fn header(table: &Table) -> Option<Range<usize>> {
    table.span().filter(|_| !table.is_implicit() && !table.is_dotted())
}

/// Where the last value ends that stands under this header.
pub(super) fn end(table: &Table, header_end: usize) -> usize {
    let within = table.iter().filter(|(_, item)| is_within(item)).flat_map(|(key, _)| blocks(table, key));
    within.map(|block| block.end).fold(header_end, usize::max)
}

/// Whether it stands under its table's header, rather than under one of its own.
fn is_within(item: &Item) -> bool {
    item.as_table().is_none_or(Table::is_dotted)
}

/// Puts a line behind the one in which this byte stands.
pub(super) fn insert_line(text: &mut String, after: usize, line: &str) {
    let end = line_end(text, after);
    let newline = newline(text);
    if text[..end].ends_with('\n') || end == 0 {
        text.insert_str(end, &format!("{line}{newline}"));
    } else {
        text.insert_str(end, &format!("{newline}{line}{newline}"));
    }
}

/// Puts lines at the end, a blank one before them. Gives the number of the first, from 1.
pub(super) fn append(text: &mut String, lines: impl Iterator<Item = String>) -> usize {
    let newline = newline(text);
    if !text.is_empty() {
        if !text.ends_with('\n') {
            text.push_str(newline);
        }
        text.push_str(newline);
    }
    let first = 1 + text.matches('\n').count();
    for line in lines {
        text.push_str(&line);
        text.push_str(newline);
    }
    first
}

/// Takes out the lines that these bytes are in, and of two blank lines around each one.
pub(super) fn remove_lines(text: &mut String, mut blocks: Vec<Range<usize>>) {
    blocks.sort_by_key(|block| block.start);
    for block in blocks.into_iter().rev() {
        let start = text[..block.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = line_end(text, block.end);
        let above =
            text[..start].strip_suffix('\n').map(|above| above.rfind('\n').map_or(0, |newline| newline + 1));
        let blank_above = above.filter(|&above| text[above..start].trim().is_empty());
        let next = &text[end..line_end(text, end)];
        let blank_below = next.trim().is_empty();
        let range = match blank_above {
            Some(above) if blank_below => above..end,
            None if start == 0 && blank_below => start..end + next.len(),
            _ => start..end,
        };
        text.replace_range(range, "");
    }
}

/// The end of the line in which this byte stands, its LF included.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// How the lines of this text end.
fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}
