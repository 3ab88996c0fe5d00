//! A person at a terminal: keys go in, and the screen is what a terminal makes of what comes out.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use pty_process::Size;
use pty_process::blocking::{Command, Pts, Pty};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{InputModes, LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::program::{LIMIT, eventually};

/// Written to the line after the end.
const MARK: &str = "[the end]";

const ROWS: NonZeroU16 = NonZeroU16::new(24).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).unwrap();

/// The binary on a terminal of its own.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    /// The end that the program has.
    line: Pts,
    /// Its modes before the program.
    before: Termios,
    printing: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Everything that was printed.
    pub(crate) printed: Vec<u8>,
    child: Child,
}

impl Terminal {
    /// Starts `trunkline` with its state in `home`.
    pub(crate) fn start(arguments: &[&str], home: &Path) -> Self {
        Self::start_with(arguments, home, |command| command)
    }

    /// As [`Self::start`], with more environment.
    pub(crate) fn start_with(
        arguments: &[&str],
        home: &Path,
        change: impl FnOnce(Command) -> Command,
    ) -> Self {
        let (pty, line) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(ROWS.get(), COLUMNS.get())).unwrap();
        let mut before = tcgetattr(&line).unwrap();
        // As every terminal of today has it.
        before.input_modes |= InputModes::IUTF8;
        tcsetattr(&line, OptionalActions::Now, &before).unwrap();
        let command = Command::new(env!("CARGO_BIN_EXE_trunkline")).args(arguments);
        let command =
            command.env("TRUNKLINE_HOME", home).env("TERM", "xterm-256color").env_remove("NO_COLOR");
        let child = change(command).spawn_borrowed(&line).unwrap();
        let pty = Arc::new(pty);
        let (printed, printing) = mpsc::channel();
        let reader = Arc::clone(&pty);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(bytes) = (&*reader).read(&mut buffer) {
                if printed.send(buffer[..bytes].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        Self { pty, line, before, printing, screen, printed: Vec::new(), child }
    }

    /// Presses keys.
    pub(crate) fn types(&mut self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// The window has another size now.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        self.pty.resize(Size::new(rows, columns)).unwrap();
        let [rows, columns] = [rows, columns].map(|number| NonZeroU16::new(number).unwrap());
        self.screen.screen_mut().set_size(rows, columns);
    }

    /// Sends a signal to the program.
    pub(crate) fn signals(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether its modes are those from before the program.
    pub(crate) fn is_as_it_was(&self) -> bool {
        format!("{:?}", tcgetattr(&*self.pty).unwrap()) == format!("{:?}", self.before)
    }

    /// Waits until the screen is as expected.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let begun = Instant::now();
        while !is_so(self.screen.screen()) {
            match self.printing.recv_timeout(LIMIT.saturating_sub(begun.elapsed())) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.printed.extend(bytes);
                }
                Err(_) => panic!(
                    "waited for {what}; the screen has:\n{}\nand this was printed: {}",
                    self.screen.screen().contents(),
                    self.printed.escape_ascii()
                ),
            }
        }
    }

    /// Waits until the screen shows this text.
    pub(crate) fn until_shows(&mut self, text: &str) {
        self.until(&format!("{text:?}"), |screen| screen.contents().contains(text));
    }

    /// Waits for a prompt with this text typed behind it, and the cursor at column `cursor`.
    pub(crate) fn until_prompt(&mut self, typed: &str, cursor: u16) {
        let expected = format!(">>: {typed}");
        self.until(&format!("{expected:?} with the cursor at {cursor}"), |screen| {
            let (row, column) = screen.cursor_position();
            let line = screen.rows(0, COLUMNS.get()).nth(row.into()).unwrap_or_default();
            line.trim_end() == expected.trim_end() && column == cursor
        });
    }

    /// The lines on the screen, without the empty ones at its end.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.screen.screen().contents();
        lines.lines().map(|line| line.trim_end().to_owned()).filter(|line| line != MARK).collect()
    }

    /// Whether the terminal edits lines itself and echoes them, as a shell expects to find it.
    pub(crate) fn is_as_a_shell_expects(&self) -> bool {
        tcgetattr(&*self.pty)
            .unwrap()
            .local_modes
            .contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Waits for the end. Returns the exit code; the screen has everything then.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let mut ended = None;
        eventually("the program to leave the terminal", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        // A mark on the line comes behind all that was printed before.
        rustix::io::write(&self.line, MARK.as_bytes()).unwrap();
        self.until_shows(MARK);
        ended.and_then(|status| status.code())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
