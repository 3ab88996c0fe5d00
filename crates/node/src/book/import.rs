//! Files of other tools, turned into entries and groups for the book.
//!
//! | format | from | what becomes of it |
//! |---|---|---|
//! | [`Format::Clustershell`] | `groups.d/*.yaml` | the groups of every source; `@SOURCE:GROUP` becomes `@GROUP` |
//! | [`Format::ClustershellText`] | `groups.d/local.cfg`, `/etc/clustershell/groups` | `GROUP: NODES` |
//! | [`Format::Genders`] | `/etc/genders` | a group for each attribute, and one for each `ATTRIBUTE=VALUE` |
//! | [`Format::List`] | `/etc/dsh/group/GROUP`, `WCOLL` | the hosts, as a group with the name of the file |
//! | [`Format::Ansible`] | inventories in INI form | hosts, groups, and how hosts are reached |
//!
//! Ranges stay ranges. A machine is reached by its name, unless the file says how. What the book has no place for, or
//! what is broken, is noted and costs only itself.

use std::fmt;
use std::path::{Path, PathBuf};

mod ansible;
mod clustershell;
mod gathered;
mod genders;
mod groups;
mod list;
mod machines;
mod merge;
mod yaml;

pub use groups::ImportedGroup;
pub use machines::{Machines, Reach};
pub use merge::{Difference, Merged};

use super::bounded;
use super::note::Note;
use gathered::Gathered;

/// The largest file that is read: some hundred thousand lines.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What files of other tools have for the book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Machines, each name once.
    pub machines: Vec<Machines>,
    /// Groups, each name once.
    pub groups: Vec<ImportedGroup>,
    /// What was left out.
    pub notes: Vec<Note>,
    /// What each file was read as.
    pub formats: Vec<(PathBuf, Format)>,
}

/// What a file is written in; where it could be several, the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// An inventory of Ansible in INI form.
    Ansible,
    /// Groups of clustershell in YAML.
    Clustershell,
    /// Groups of clustershell, a line for each.
    ClustershellText,
    /// genders.
    Genders,
    /// A host or several on each line: pdsh and dsh.
    List,
}

impl Import {
    /// Reads files, each in the given format or in the one it looks like. Their groups may name each other's.
    #[must_use]
    pub fn read(files: &[PathBuf], format: Option<Format>) -> Self {
        let mut gathered = Gathered::new();
        for file in files {
            gathered.open(file);
            match bounded::read(file, MAX_BYTES).map(String::from_utf8) {
                Ok(Ok(text)) => gathered.text(&text, format),
                Ok(Err(_)) => {
                    gathered.note_file("it is not UTF-8: convert it first, as with iconv -f gbk -t utf-8");
                }
                Err(error) => gathered.note_file(error.to_string()),
            }
        }
        gathered.finish()
    }

    /// Reads a text. Notes have this path, and where the format has no other name for a group, it is the file's.
    #[must_use]
    pub fn parse(file: &Path, text: &str, format: Option<Format>) -> Self {
        let mut gathered = Gathered::new();
        gathered.open(file);
        gathered.text(text, format);
        gathered.finish()
    }
}

impl Format {
    /// The format a text looks like: the first one of which it has a line.
    ///
    /// 1. An inventory has a `[SECTION]`, or a variable that begins with `ansible_`.
    /// 2. YAML has `---`, or an indented `KEY:`.
    /// 3. clustershell's text form has a `GROUP:` at the beginning of a line.
    /// 4. genders have two words on a line.
    /// 5. A list has anything else.
    #[must_use]
    pub fn guess(text: &str) -> Self {
        lines(text).filter_map(|(_, line)| Self::of_line(line)).min().unwrap_or(Self::List)
    }

    fn of_line(line: &str) -> Option<Self> {
        let is_indented = line.starts_with([' ', '\t']);
        let mut words = line.split_whitespace();
        let (first, second) = (words.next()?, words.next());
        let is_variable = |word: &str| word.starts_with("ansible_") && word.contains('=');
        if first.starts_with('[') && first.ends_with(']') || line.split_whitespace().any(is_variable) {
            Some(Self::Ansible)
        } else if first == "---" || is_indented && first.ends_with(':') {
            Some(Self::Clustershell)
        } else if !is_indented && first.contains(':') {
            Some(Self::ClustershellText)
        } else {
            second.map(|_| Self::Genders)
        }
    }
}

/// As `--format` names it.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ansible => "ansible",
            Self::Clustershell => "clustershell",
            Self::ClustershellText => "clustershell-text",
            Self::Genders => "genders",
            Self::List => "list",
        })
    }
}

impl Gathered {
    fn text(&mut self, text: &str, format: Option<Format>) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if format.is_none() && lines(text).any(|(_, line)| line.starts_with("[entry.")) {
            return self.note_file("it is a book of trunkline: copy its entries into yours with an editor");
        }
        let format = format.unwrap_or_else(|| Format::guess(text));
        self.reads_as(format);
        match format {
            Format::Ansible => ansible::read(self, text),
            Format::Clustershell => clustershell::read(self, text),
            Format::ClustershellText => clustershell::read_text(self, text),
            Format::Genders => genders::read(self, text),
            Format::List => list::read(self, text),
        }
    }
}

/// Every line that says something, with its number from 1: neither blank nor a comment.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let says_something =
        |(_, line): &(usize, &str)| !matches!(line.trim_start().chars().next(), None | Some('#' | ';'));
    (1..).zip(text.lines()).filter(says_something)
}

/// Names, ranges and groups with commas or blanks between: those in brackets do not count.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let mut in_brackets = false;
    let between = move |c: char| {
        in_brackets = c == '[' || in_brackets && c != ']';
        !in_brackets && (c == ',' || c.is_whitespace())
    };
    text.split(between).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests;
