//! `book import`: what another tool's files have, for the book.

use anyhow::anyhow;
use net::Untrusted;
use node::book::import::{Format, Import, Merged};
use node::book::{EditError, Name, NameSet, edit};
use serde_json::{Value, json};

use crate::cli::{ImportFlags, ImportFormat};
use crate::failure::{Outcome, say};
use crate::stdout;

/// Why the book is not changed.
enum Stop {
    Refused(EditError),
    DryRun(Merged),
}

impl From<EditError> for Stop {
    fn from(error: EditError) -> Self {
        Self::Refused(error)
    }
}

/// Adds what the files have and the book has not.
pub(super) fn run(flags: &ImportFlags, json: bool) -> Outcome {
    let home = super::home()?;
    let import = Import::read(&flags.files, flags.format.map(Format::from));
    if !json {
        for (file, format) in import.formats.iter().filter(|_| flags.format.is_none()) {
            say(format_args!(
                "{}: read as {format}; --format names another",
                Untrusted::from(file.as_os_str().as_encoded_bytes())
            ));
        }
        import.notes.iter().for_each(say);
    }
    if import.machines.is_empty() && import.groups.is_empty() {
        return Err(anyhow!("importing: nothing was found in there that the book could have").into());
    }
    let merged = edit(&home.book(), |draft| {
        let merged = import.merge_into(draft)?;
        if flags.dry_run { Err(Stop::DryRun(merged)) } else { Ok(merged) }
    });
    let (merged, verb) = match merged {
        Ok(merged) => (merged, "added"),
        Err(Stop::DryRun(merged)) => (merged, "would add"),
        Err(Stop::Refused(error)) => return Err(super::unchanged(error, &home.book())),
    };
    if json { stdout::print_json([object(&import, &merged)]) } else { stdout::print(report(&merged, verb)) }
}

/// A line for each kind of thing that happened.
fn report(merged: &Merged, verb: &str) -> String {
    let mut lines = Vec::new();
    let mut tell = |word: &str, names: &NameSet, groups: &[Name]| {
        if !names.is_empty() {
            lines.push(format!("{word} {names} ({})\n", super::count(names.len())));
        }
        if !groups.is_empty() {
            lines.push(format!(
                "{word} {}\n",
                groups.iter().map(|group| format!("@{group}")).collect::<Vec<_>>().join(", ")
            ));
        }
    };
    tell(verb, &merged.added, &merged.added_groups);
    tell("already there:", &merged.known, &merged.known_groups);
    lines.extend(merged.differing.iter().map(|difference| {
        let (what, file) = (&difference.what, Untrusted::from(difference.file.as_str()));
        format!("kept {what} as it is: {}; the file has {file}\n", Untrusted::from(difference.book.as_str()))
    }));
    lines.concat()
}

fn object(import: &Import, merged: &Merged) -> Value {
    let differing = merged
        .differing
        .iter()
        .map(|difference| json!({"what": difference.what, "book": difference.book, "file": difference.file}));
    let formats = import
        .formats
        .iter()
        .map(|(file, format)| json!({"file": file.to_string_lossy(), "format": format.to_string()}));
    let notes = import.notes.iter().map(|note| {
        json!({"file": note.file.to_string_lossy(), "line": note.line, "text": note.text, "reason": note.reason})
    });
    json!({
        "added": merged.added.to_string(),
        "added_groups": merged.added_groups,
        "known": merged.known.to_string(),
        "known_groups": merged.known_groups,
        "differing": differing.collect::<Vec<_>>(),
        "formats": formats.collect::<Vec<_>>(),
        "notes": notes.collect::<Vec<_>>(),
    })
}

impl From<ImportFormat> for Format {
    fn from(format: ImportFormat) -> Self {
        match format {
            ImportFormat::Ansible => Self::Ansible,
            ImportFormat::Clustershell => Self::Clustershell,
            ImportFormat::ClustershellText => Self::ClustershellText,
            ImportFormat::Genders => Self::Genders,
            ImportFormat::List => Self::List,
        }
    }
}
