//! Many machines: each line as soon as it is whole, behind the name of its machine.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use net::Untrusted;
use node::ssh::fan::{Event, What};
use unicode_width::UnicodeWidthStr as _;

use super::lines::{Line, Lines};
use super::text::Text;
use super::view::{Paper, Shown, Surface, Surfaces, View};

/// Names are aligned up to this width, in columns: one long name must not push all lines to the right.
const ALIGNED_MAX: usize = 24;

/// Colours that are legible on light and dark grounds.
const COLOURS: [AnsiColor; 5] =
    [AnsiColor::Cyan, AnsiColor::Green, AnsiColor::Magenta, AnsiColor::Blue, AnsiColor::Yellow];

/// What stands behind a name.
const OUT: char = ':';
const ERR: char = '!';
/// The line goes on with what follows.
const MORE: char = '+';

pub(super) struct Live {
    machines: Vec<Machine>,
}

struct Machine {
    out: Stream,
    err: Stream,
}

struct Stream {
    label: Label,
    mark: char,
    lines: Lines,
    text: Text,
}

/// A name as it stands before lines.
#[derive(Clone)]
struct Label {
    name: String,
    style: Style,
    /// Behind the mark.
    spaces: usize,
}

impl Live {
    pub(super) fn new(machines: &[Shown], surfaces: Surfaces) -> Self {
        let names: Vec<_> =
            machines.iter().map(|one| Untrusted::from(one.name.as_str()).to_string()).collect();
        let widths = names.iter().map(|name| name.width());
        let widest = widths.filter(|&width| width <= ALIGNED_MAX).max().unwrap_or_default();
        let stream = |name: &str, shown: &Shown, surface: Surface, mark| Stream {
            label: Label::new(name, surface, widest),
            mark,
            lines: Lines::default(),
            text: Text::new(shown.charset, surface.terminal),
        };
        let machine = |(name, shown): (&String, &Shown)| Machine {
            out: stream(name, shown, surfaces.out, OUT),
            err: stream(name, shown, surfaces.err, ERR),
        };
        Self { machines: names.iter().zip(machines).map(machine).collect() }
    }
}

impl View for Live {
    fn event(&mut self, event: &Event, paper: &mut Paper<'_>) -> io::Result<()> {
        let Some(machine) = self.machines.get_mut(event.machine) else { return Ok(()) };
        match &event.what {
            What::Started => Ok(()),
            What::Out(bytes) => machine.out.push(bytes, paper.out),
            What::Err(bytes) => machine.err.push(bytes, paper.err),
            What::Ended(_) => {
                machine.out.finish(paper.out)?;
                machine.err.finish(paper.err)
            }
        }
    }
}

impl Stream {
    fn push(&mut self, bytes: &[u8], to: &mut dyn Write) -> io::Result<()> {
        let Self { label, mark, lines, text } = self;
        lines.push(bytes, |line| label.write(*mark, line, text, to))
    }

    /// What has no end gets one, so that the next machine's line stands below it.
    fn finish(&mut self, to: &mut dyn Write) -> io::Result<()> {
        let Self { label, mark, lines, text } = self;
        lines.finish(|line| label.write(*mark, Line { ends: true, ..line }, text, to))
    }
}

impl Label {
    fn new(name: &str, surface: Surface, widest: usize) -> Self {
        // By the name, so that a machine keeps its colour.
        let colour = name.bytes().map(usize::from).sum::<usize>() % COLOURS.len();
        let style = if surface.coloured { COLOURS[colour].on_default() } else { Style::new() };
        let aligned = if surface.terminal { widest.saturating_sub(name.width()) } else { 0 };
        Self { name: name.to_owned(), style, spaces: 1 + aligned }
    }

    fn write(&self, mark: char, line: Line<'_>, text: &mut Text, to: &mut dyn Write) -> io::Result<()> {
        let Self { name, style, spaces } = self;
        let mark = if line.continues { MORE } else { mark };
        write!(to, "{style}{name}{mark}{style:#}{:spaces$}", "")?;
        to.write_all(&text.line(&line, None))?;
        to.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::run::lines::LINE_MAX;
    use crate::run::view::testing::{err, exit, machines, out, started, texts, written};

    fn live(names: &[&str], surface: Surface) -> Live {
        Live::new(&machines(names, ""), Surfaces { out: surface, err: surface })
    }

    fn piped(names: &[&str]) -> Live {
        live(names, Surface::default())
    }

    #[test]
    fn lines_of_machines_stand_between_each_other_whole_and_the_streams_apart() {
        let events = [
            started(0),
            out(0, "on"),
            out(1, "two\nthr"),
            err(1, "oh\n"),
            out(0, "e\n"),
            out(1, "ee"),
            exit(1, 0),
            exit(0, 0),
        ];
        let (out, err) = texts(piped(&["n1", "node2"]), &events);
        assert_eq!((out.as_str(), err.as_str()), ("node2: two\nn1: one\nnode2: three\n", "node2! oh\n"));
    }

    #[test]
    fn at_a_terminal_lines_are_aligned_and_a_machine_keeps_its_colour() {
        let events = [out(0, "one\n"), out(1, "two\x1b[2J\n"), exit(0, 0), exit(1, 0)];
        let plain = live(&["n1", "节点2"], Surface { terminal: true, coloured: false });
        assert_eq!(texts(plain, &events).0, "n1:    one\n节点2: two\\x1b[2J\n");
        let coloured = live(&["n1", "n2"], Surface { terminal: true, coloured: true });
        let (text, _) = texts(coloured, &[out(0, "a\n"), out(0, "b\n")]);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("\x1b[") && lines[0].ends_with(":\x1b[0m a"), "{text:?}");
        assert_eq!(lines[0].strip_suffix('a'), lines[1].strip_suffix('b'));
    }

    #[test]
    fn one_long_name_does_not_push_the_others_to_the_right() {
        let long = "n".repeat(ALIGNED_MAX + 1);
        let view = live(&["n1", "n22", &long], Surface { terminal: true, coloured: false });
        let events = [out(0, "a\n"), out(2, "b\n")];
        assert_eq!(texts(view, &events).0, format!("n1:  a\n{long}: b\n"));
    }

    #[test]
    fn a_line_longer_than_the_cap_goes_on_behind_another_mark_and_no_byte_is_lost() {
        let long = vec![b'x'; 2 * LINE_MAX + 7];
        let (out, _) = written(piped(&["n1", "n2"]), &[out(0, &long), out(1, "two\n"), exit(0, 0)]);
        let lines: Vec<&[u8]> = out.strip_suffix(b"\n").unwrap().split(|&byte| byte == b'\n').collect();
        let marks: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(&line[..4])).collect();
        assert_eq!(marks, ["n1: ", "n1+ ", "n2: ", "n1+ "]);
        let of_first = lines.iter().filter(|line| line.starts_with(b"n1")).map(|line| &line[4..]);
        assert_eq!(of_first.collect::<Vec<_>>().concat(), long);
    }

    #[test]
    fn five_megabytes_without_a_line_end_take_no_time() {
        let piece = vec![b'x'; 32 * 1024];
        let events: Vec<_> = (0..160).map(|_| out(0, &piece)).chain([exit(0, 0)]).collect();
        let begun = Instant::now();
        let (out, _) = written(piped(&["n1", "n2"]), &events);
        assert!(out.len() > 5_000_000);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
