//! Many machines, those that print the same together: each output once, under the names of all that have it.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::{Effects, Style};
use net::Untrusted;
use node::ssh::fan::{Event, What};

use super::difference::{Against, differences};
use super::lines::{Line, Lines};
use super::spool::{Digest, Kept, Spool};
use super::text::Text;
use super::view::{Paper, Shown, Surface, Surfaces, View, folded};
use crate::ssh::Verdict;

/// Bytes of an output in which differences are marked: what is longer nobody reads word by word.
const COMPARED_MAX: u64 = 256 * 1024;

/// Stands before a line that the most common output does not have.
const DIFFERS: &[u8] = b"~ ";

const HEADER: Style = Style::new().bold();
const WORD: Style = Style::new().effects(Effects::INVERT);

pub(super) struct Folded {
    surfaces: Surfaces,
    spool: Spool,
    machines: Vec<Machine>,
}

struct Machine {
    shown: Shown,
    out: Kept,
    err: Kept,
    /// How it ended, unless well.
    ending: String,
}

impl Machine {
    fn stream(&mut self, is_error: bool) -> &mut Kept {
        if is_error { &mut self.err } else { &mut self.out }
    }
}

/// Machines that printed the same and ended alike, by their places.
type Group = Vec<usize>;

/// What the most machines printed, as it is shown, line by line.
#[derive(Default)]
struct Common {
    out: Option<Vec<Vec<u8>>>,
    err: Option<Vec<Vec<u8>>>,
}

impl Folded {
    pub(super) fn new(machines: &[Shown], surfaces: Surfaces) -> Self {
        let machine = |shown: &Shown| Machine {
            shown: shown.clone(),
            out: Kept::default(),
            err: Kept::default(),
            ending: String::new(),
        };
        Self { surfaces, spool: Spool::default(), machines: machines.iter().map(machine).collect() }
    }

    /// A machine has printed something.
    pub(super) fn printed(&mut self, machine: usize, is_error: bool, bytes: &[u8]) -> io::Result<()> {
        match self.machines.get_mut(machine) {
            Some(machine) => self.spool.append(machine.stream(is_error), bytes),
            None => Ok(()),
        }
    }

    /// A machine has printed so many bytes more, which nobody kept.
    pub(super) fn left_out(&mut self, machine: usize, is_error: bool, bytes: u64) {
        if let Some(machine) = self.machines.get_mut(machine) {
            machine.stream(is_error).leave_out(bytes);
        }
    }

    /// It ended on a machine, in these words unless well.
    pub(super) fn ended(&mut self, machine: usize, reason: &str) {
        if let Some(machine) = self.machines.get_mut(machine) {
            machine.ending = Untrusted::from(reason).to_string();
        }
    }

    /// The largest group first, and of equal ones that of the first machine.
    fn groups(&self) -> io::Result<Vec<Group>> {
        let mut alike: HashMap<(Digest, Digest, &str), Vec<Group>> = HashMap::new();
        for (place, machine) in self.machines.iter().enumerate() {
            let digest = (machine.out.digest(), machine.err.digest(), machine.ending.as_str());
            let groups = alike.entry(digest).or_default();
            match self.first_equal(groups, machine)? {
                Some(group) => groups[group].push(place),
                None => groups.push(vec![place]),
            }
        }
        let mut groups: Vec<Group> = alike.into_values().flatten().collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group.first().copied()));
        Ok(groups)
    }

    fn first_equal(&self, groups: &[Group], machine: &Machine) -> io::Result<Option<usize>> {
        for (nth, group) in groups.iter().enumerate() {
            let first = &self.machines[group[0]];
            if self.spool.are_equal(&first.out, &machine.out)?
                && self.spool.are_equal(&first.err, &machine.err)?
            {
                return Ok(Some(nth));
            }
        }
        Ok(None)
    }

    /// What others are compared with: the output of the largest group, if there is one that is the largest.
    fn common(&self, groups: &[Group]) -> io::Result<Common> {
        match groups {
            [first, second, ..] if first.len() > second.len() => {
                let Machine { shown, out, err, .. } = &self.machines[first[0]];
                let lines = |kept, surface| self.lines(kept, shown, surface);
                Ok(Common { out: lines(out, self.surfaces.out)?, err: lines(err, self.surfaces.err)? })
            }
            _ => Ok(Common::default()),
        }
    }

    /// An output as it is shown, line by line, unless it is too long to be compared.
    fn lines(&self, kept: &Kept, shown: &Shown, surface: Surface) -> io::Result<Option<Vec<Vec<u8>>>> {
        if kept.len() > COMPARED_MAX {
            return Ok(None);
        }
        let mut lines = Vec::new();
        self.each_line(kept, shown, surface, |line, _| {
            lines.push(line.to_vec());
            Ok(())
        })?;
        Ok(Some(lines))
    }

    /// Gives an output as it is shown: lines, and where they are very long parts of them, and whether they end there.
    fn each_line(
        &self,
        kept: &Kept,
        shown: &Shown,
        surface: Surface,
        mut each: impl FnMut(&[u8], bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut text = Text::new(shown.charset, surface.terminal);
        let mut lines = Lines::default();
        self.spool.read(kept, |piece| lines.push(piece, |line| each(&text.line(&line, None), line.ends)))?;
        lines.finish(|line| each(&text.line(&Line { ends: true, ..line }, None), true))
    }

    fn write(
        &self,
        group: &Group,
        common: &Common,
        is_largest: bool,
        paper: &mut Paper<'_>,
    ) -> io::Result<()> {
        let Machine { shown, out, err, ending } = &self.machines[group[0]];
        let names = folded(group.iter().map(|&place| self.machines[place].shown.name.as_str()));
        let common = if is_largest { &Common::default() } else { common };
        let streams = [
            (out, "", self.surfaces.out, &common.out, &mut *paper.out),
            (err, ", standard error", self.surfaces.err, &common.err, &mut *paper.err),
        ];
        for (kept, which, surface, common, to) in streams {
            if kept.is_empty() && kept.left_out() == 0 {
                continue;
            }
            let style = if surface.coloured { HEADER } else { Style::new() };
            let comma = if ending.is_empty() { "" } else { ", " };
            writeln!(to, "{style}--- {names} ({}){which}{comma}{ending}{style:#}", group.len())?;
            match (common, self.lines(kept, shown, surface)?) {
                (Some(common), Some(lines)) => write_compared(common, &lines, surface, to)?,
                (_, Some(lines)) => lines.iter().try_for_each(|line| write_line(line, to))?,
                (_, None) => self.each_line(kept, shown, surface, |line, ends| {
                    to.write_all(line)?;
                    if ends { to.write_all(b"\n") } else { Ok(()) }
                })?,
            }
            if kept.left_out() > 0 {
                writeln!(to, "... {} bytes more were not kept; run --out keeps everything", kept.left_out())?;
            }
            to.flush()?;
        }
        Ok(())
    }
}

impl View for Folded {
    fn event(&mut self, event: &Event, _: &mut Paper<'_>) -> io::Result<()> {
        let place = event.machine;
        match &event.what {
            What::Started => {}
            What::Out(bytes) => self.printed(place, false, bytes)?,
            What::Err(bytes) => self.printed(place, true, bytes)?,
            What::Ended(outcome) => {
                let Some(machine) = self.machines.get(place) else { return Ok(()) };
                let reason = Verdict::of(outcome, &machine.shown.end).reason;
                self.ended(place, &reason);
            }
        }
        Ok(())
    }

    fn finish(&mut self, paper: &mut Paper<'_>) -> io::Result<()> {
        let groups = self.groups()?;
        let common = self.common(&groups)?;
        for (nth, group) in groups.iter().enumerate() {
            self.write(group, &common, nth == 0, paper)?;
        }
        Ok(())
    }
}

/// Marks the lines that are not in the common output, and in them the words.
fn write_compared(
    common: &[Vec<u8>],
    lines: &[Vec<u8>],
    surface: Surface,
    to: &mut dyn Write,
) -> io::Result<()> {
    for (line, against) in lines.iter().zip(differences(common, lines)) {
        if against != Against::Same {
            to.write_all(DIFFERS)?;
        }
        match against {
            Against::Instead(place) if surface.coloured => write_words(&common[place], line, to)?,
            _ => write_line(line, to)?,
        }
    }
    Ok(())
}

fn write_words(common: &[u8], line: &[u8], to: &mut dyn Write) -> io::Result<()> {
    let [common, words] = [common, line].map(|line| line.split(|&byte| byte == b' ').collect::<Vec<_>>());
    let mut space: &[u8] = b"";
    for (word, against) in words.iter().zip(differences(&common, &words)) {
        to.write_all(space)?;
        let style = if against == Against::Same { Style::new() } else { WORD };
        write!(to, "{style}")?;
        to.write_all(word)?;
        write!(to, "{style:#}")?;
        space = b" ";
    }
    to.write_all(b"\n")
}

fn write_line(line: &[u8], to: &mut dyn Write) -> io::Result<()> {
    to.write_all(line)?;
    to.write_all(b"\n")
}

#[cfg(test)]
mod tests;
