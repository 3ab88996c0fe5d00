//! The lines that a person types, each asked for with a prompt. In a pipe they are the lines of standard input.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc as blocking;
use std::thread;

use anyhow::{Context as _, anyhow};
use rustyline::error::ReadlineError;
use tokio::sync::mpsc;

use crate::terminal::{Around, LineEditor};

/// What came of a prompt.
#[derive(Debug)]
pub(super) enum Typed {
    Line(String),
    /// Ctrl-D, or the end of the input.
    End,
    /// Ctrl-C.
    Interrupted,
    Failed(anyhow::Error),
}

/// Somebody who types, on a thread that ends with the process.
pub(super) struct Typing {
    prompts: blocking::Sender<String>,
    lines: mpsc::Receiver<Typed>,
    /// A prompt is shown that nobody has answered yet.
    is_asked: bool,
}

impl Typing {
    /// At a terminal that can edit lines there is an editor, and a voice above it.
    pub(super) fn start() -> (Self, Option<Around>) {
        let editor = if io::stdin().is_terminal() { LineEditor::open(None) } else { None };
        let (editor, around) = editor.unzip();
        let (prompts, asked) = blocking::channel();
        let (typed, lines) = mpsc::channel(1);
        thread::spawn(move || match editor {
            Some(editor) => answer(&asked, &typed, from_editor(editor)),
            None => answer(&asked, &typed, from_pipe()),
        });
        (Self { prompts, lines, is_asked: false }, around)
    }

    /// The next line. When this is dropped while it waits, the prompt stays, and nothing is lost.
    pub(super) async fn next(&mut self, prompt: &str) -> Typed {
        if !self.is_asked {
            self.is_asked = true;
            // A thread that has ended has said why.
            let _ = self.prompts.send(prompt.to_owned());
        }
        let typed = self.lines.recv().await.unwrap_or(Typed::End);
        self.is_asked = false;
        typed
    }
}

fn answer(
    asked: &blocking::Receiver<String>,
    typed: &mpsc::Sender<Typed>,
    mut read: impl FnMut(&str) -> Typed,
) {
    for prompt in asked {
        if typed.blocking_send(read(&prompt)).is_err() {
            return;
        }
    }
}

fn from_editor(mut editor: LineEditor) -> impl FnMut(&str) -> Typed {
    move |prompt| {
        let dim = format!("\x1b[2m{prompt}\x1b[0m");
        match editor.read_line(&(prompt, &dim)) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    editor.remember(&line);
                }
                Typed::Line(line)
            }
            Err(ReadlineError::Eof) => Typed::End,
            Err(ReadlineError::Interrupted) => Typed::Interrupted,
            Err(error) => Typed::Failed(anyhow!(error).context("reading from the terminal")),
        }
    }
}

fn from_pipe() -> impl FnMut(&str) -> Typed {
    let mut lines = io::stdin().lines();
    move |_| match lines.next().transpose().context("reading standard input") {
        Ok(line) => line.map_or(Typed::End, Typed::Line),
        Err(error) => Typed::Failed(error),
    }
}
