//! Tables that a person likes to read: columns that nobody fills are not there.

use comfy_table::{CellAlignment, Table, presets};

/// Spaces between two columns.
const GAP: u16 = 2;

/// Rows under a header. Those columns whose headers are named as numbers stand at the right.
pub(crate) fn columns<const N: usize>(header: [&str; N], numbers: &[&str], rows: &[[String; N]]) -> String {
    let filled: Vec<usize> =
        (0..N).filter(|&column| rows.iter().any(|row| !row[column].is_empty())).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(filled.iter().map(|&column| header[column]));
    table.add_rows(rows.iter().map(|row| filled.iter().map(|&column| row[column].as_str())));
    for (shown, &column) in table.column_iter_mut().zip(&filled) {
        shown.set_padding((0, GAP));
        if numbers.contains(&header[column]) {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    lines.concat()
}
