//! Tables that a person likes to read: columns that nobody fills are not there.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Spaces between two columns.
const GAP: u16 = 2;

/// Rows under a header. Those columns whose headers are named as numbers stand at the right. Within a `width` long cells
/// are broken; without one each row is a line.
pub(crate) fn columns<const N: usize>(
    header: [&str; N],
    numbers: &[&str],
    rows: &[[String; N]],
    width: Option<u16>,
) -> String {
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
    if let Some(width) = width {
        // The gap behind the last column is cut off again.
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_add(GAP));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    lines.concat()
}
