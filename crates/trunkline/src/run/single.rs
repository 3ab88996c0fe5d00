//! One machine: its bytes as they are, both streams apart, at once.

use std::io::{self, Write};

use node::ssh::fan::{Event, What};

use super::lines::{Line, Lines};
use super::text::Text;
use super::view::{Paper, Shown, Surface, Surfaces, View};

/// Our own way to begin a line of a terminal anew: to its left end, and what stood there is gone.
const AGAIN: &str = "\r\x1b[K";

pub(super) struct Single {
    out: Passage,
    err: Passage,
}

/// What a stream passes through.
pub(super) struct Passage {
    text: Text,
    lines: Lines,
    surface: Surface,
    /// At a terminal: the last line has no end yet.
    is_open: bool,
}

impl Single {
    pub(super) fn new(machine: &Shown, surfaces: Surfaces) -> Self {
        let passage = |surface| Passage::new(machine, surface);
        Self { out: passage(surfaces.out), err: passage(surfaces.err) }
    }
}

impl View for Single {
    fn event(&mut self, event: &Event, paper: &mut Paper<'_>) -> io::Result<()> {
        match &event.what {
            What::Out(bytes) => self.out.pass(bytes, paper.out),
            What::Err(bytes) => self.err.pass(bytes, paper.err),
            What::Started | What::Ended(_) => Ok(()),
        }
    }

    fn finish(&mut self, paper: &mut Paper<'_>) -> io::Result<()> {
        self.out.finish(paper.out)?;
        self.err.finish(paper.err)
    }
}

impl Passage {
    pub(super) fn new(machine: &Shown, surface: Surface) -> Self {
        let text = Text::new(machine.charset, surface.terminal);
        Self { text, lines: Lines::default(), surface, is_open: false }
    }

    pub(super) fn pass(&mut self, bytes: &[u8], to: &mut dyn Write) -> io::Result<()> {
        if self.text.is_exact() {
            return to.write_all(bytes);
        }
        let Self { text, lines, surface, is_open } = self;
        let mut write = |text: &mut Text, line: Line<'_>| {
            to.write_all(&text.line(&line, Some(AGAIN)))?;
            *is_open = surface.terminal && !line.ends;
            if line.ends { to.write_all(b"\n") } else { Ok(()) }
        };
        lines.push(bytes, |line| write(text, line))?;
        // Whoever prints a question waits for an answer, not for the end of its line.
        let ready = text.ready(lines.held());
        lines.give_part(ready, |line| write(text, line))
    }

    pub(super) fn finish(&mut self, to: &mut dyn Write) -> io::Result<()> {
        let Self { text, lines, is_open, surface } = self;
        lines.finish(|line| {
            *is_open = surface.terminal;
            to.write_all(&text.line(&line, Some(AGAIN)))
        })?;
        to.write_all(text.finish().as_bytes())?;
        // The shell's prompt does not stand behind it.
        if *is_open { to.write_all(b"\n") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::view::testing::{err, exit, machines, out, texts, written};

    const TERMINAL: Surface = Surface { terminal: true, coloured: true };

    fn single(charset: &str, surface: Surface) -> Single {
        Single::new(&machines(&["n1"], charset)[0], Surfaces { out: surface, err: surface })
    }

    #[test]
    fn a_pipe_gets_every_byte_and_the_streams_stay_apart() {
        let events = [out(0, b"\xff\x1b[2Jno end\r"), err(0, b"\0\n"), out(0, b"\n\n"), exit(0, 3)];
        let written = written(single("", Surface::default()), &events);
        assert_eq!(written, (b"\xff\x1b[2Jno end\r\n\n".to_vec(), b"\0\n".to_vec()));
    }

    #[test]
    fn a_machine_that_prints_gbk_is_read_as_utf_8_whatever_its_packets() {
        let gbk = b"\xd5\xc5\xc8\xfd \xe5\xbc\xa0\n\xd5\xc5";
        for size in 1..gbk.len() {
            let events: Vec<Event> = gbk.chunks(size).map(|piece| out(0, piece)).collect();
            let (text, _) = texts(single("gbk", Surface::default()), &events);
            assert_eq!(text.lines().last(), Some("张"));
            assert!(text.starts_with("张三 "), "{text}");
        }
        let cut = texts(single("gbk", Surface::default()), &[out(0, b"\xd5\xc5\xc8")]);
        assert_eq!(cut.0, "张\u{fffd}");
    }

    #[test]
    fn a_question_is_seen_at_once_though_its_line_has_no_end() {
        let mut single = single("", TERMINAL);
        let (mut to, mut err) = (Vec::new(), Vec::new());
        single.event(&out(0, "name? "), &mut Paper { out: &mut to, err: &mut err }).unwrap();
        assert_eq!(to, b"name? ");
    }

    #[test]
    fn a_terminal_is_not_steered_but_a_bar_of_progress_runs() {
        let events = [out(0, "10%\r"), out(0, "20%\x1b]0;root\x07\r"), out(0, "\nend")];
        let (text, _) = texts(single("", TERMINAL), &events);
        assert_eq!(text, "10%\r\x1b[K20%\\x1b]0;root\\x07\nend\n");
    }
}
