//! What is shown of a conversation: above the line that is typed, or line by line in a pipe.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::net::SocketAddr;

use anstyle::{AnsiColor, Color, Effects, Style};
use net::Untrusted;
use node::face::Message;

use crate::stdout;
use crate::terminal::Voice;

/// What others say stands on a coloured ground, as in the tutorial.
const GROUND: Style = Style::new().bg_color(Some(Color::Ansi(AnsiColor::Red)));

/// Receipts, and who comes and goes.
const ASIDE: Style = Style::new().effects(Effects::DIMMED);

/// Where it is shown.
pub(super) struct Screen {
    /// None in a pipe.
    voice: Option<Voice>,
    coloured: bool,
}

impl Screen {
    pub(super) fn new(voice: Option<Voice>) -> Self {
        Self { voice, coloured: stdout::coloured() }
    }

    /// Something that the person has to know.
    pub(super) fn say(&self, line: impl Display) {
        match &self.voice {
            Some(voice) => voice.line(line),
            // A closed standard output hears nothing, and what is sent goes on.
            None => drop(writeln!(io::stdout(), "{line}")),
        }
    }

    /// Something by the way.
    pub(super) fn aside(&self, line: impl Display) {
        let style = self.style(ASIDE);
        self.say(format_args!("{style}{line}{style:#}"));
    }

    /// What a bare datagram says.
    pub(super) fn datagram(&self, from: SocketAddr, text: &str) {
        self.say(format_args!("from [{from}]: {}", self.on_ground(text)));
    }

    /// A message, with its writer's name where it is not plain from whom it is.
    pub(super) fn message(&self, message: &Message, named: bool) {
        let name = Untrusted::from(message.with.name.as_str());
        let address = message.with.addresses.first().map(ToString::to_string).unwrap_or_default();
        let from = if named { format!("{name} [{address}]") } else { format!("[{address}]") };
        let note = match message {
            Message { automatic: true, .. } => " (automatic)",
            Message { broadcast: true, .. } => " (to everybody)",
            _ => "",
        };
        self.say(format_args!("from {from}{note}: {}", self.on_ground(&message.text)));
        if !message.files.is_empty() {
            let files: Vec<_> =
                message.files.iter().map(|file| Untrusted::from(file.as_str()).to_string()).collect();
            self.aside(format_args!("offered: {}", files.join(", ")));
        }
    }

    /// Each line on a ground of its own: one that reaches over a line's end colours the rest of the line, too.
    fn on_ground(&self, text: &str) -> String {
        let ground = self.style(GROUND);
        let text = Untrusted::from(text).multiline().to_string();
        let lines = text.lines().map(|line| format!("{ground}{line}{ground:#}"));
        lines.collect::<Vec<_>>().join("\n  ")
    }

    fn style(&self, style: Style) -> Style {
        if self.coloured { style } else { Style::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_text_has_a_ground_of_its_own_and_steers_nothing() {
        let mut screen = Screen { voice: None, coloured: true };
        assert_eq!(screen.on_ground("one\ntwo \x1b[2J"), "\x1b[41mone\x1b[0m\n  \x1b[41mtwo \\x1b[2J\x1b[0m");
        screen.coloured = false;
        assert_eq!(screen.on_ground("C:\\one"), "C:\\one");
    }
}
