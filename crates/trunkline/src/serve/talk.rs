//! The person who answers at this terminal, for the service `talk`.
//!
//! As in the tutorial, each line that is typed answers the message that has waited longest. A line more than there are
//! messages goes to whoever was answered last.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::thread;

use anstyle::{AnsiColor, Color, Style};
use net::Untrusted;
use net::door::Shutdown;
use net::service::{Call, CallEvent, Desk};
use rustix::process::{Signal, getpid, kill_process};
use rustyline::error::ReadlineError;
use tokio::sync::mpsc::{self, Receiver};

use crate::stdout;
use crate::terminal::{Around, LineEditor, PROMPT, Voice};

/// What callers say stands on a coloured ground, as in the tutorial.
const GROUND: Style = Style::new().bg_color(Some(Color::Ansi(AnsiColor::Blue)));

/// Lines typed ahead of the calls that they answer.
const TYPED_AHEAD: usize = 64;

/// Messages that wait for an answer. Of more than these the oldest is answered no more: it was shown, and who sends
/// faster than a person types does not fill the memory.
const UNANSWERED: usize = 1024;

/// The person, with the desk where the calls arrive.
pub(crate) struct Person {
    desk: Arc<Desk>,
    calls: Receiver<Call>,
}

impl Person {
    pub(crate) fn new() -> (Arc<Desk>, Self) {
        let (desk, calls) = Desk::new();
        (Arc::clone(&desk), Self { desk, calls })
    }

    /// Answers until the person leaves or the lines end, then closes the desk and lets the server end.
    pub(crate) async fn answer(
        mut self,
        seat: Option<(LineEditor, Voice)>,
        shutdown: &Shutdown,
    ) -> io::Result<()> {
        match seat {
            Some((editor, voice)) => self.converse(editor, &voice).await,
            None => self.take_turns().await?,
        }
        self.desk.close();
        shutdown.drain.cancel();
        Ok(())
    }

    /// At a terminal messages are shown as they come, and lines are typed whenever the person likes.
    async fn converse(&mut self, editor: LineEditor, voice: &Voice) {
        let mut typed = type_at(editor);
        let mut waiting: VecDeque<Call> = VecDeque::new();
        let mut answered: Option<Call> = None;
        loop {
            tokio::select! {
                line = typed.recv() => {
                    let line = match line {
                        Some(Ok(line)) => line,
                        Some(Err(ReadlineError::Interrupted)) => return interrupt().await,
                        Some(Err(_)) | None => return,
                    };
                    answered = waiting.pop_front().or(answered);
                    match &answered {
                        None => voice.line("nobody has said anything yet"),
                        Some(call) if !self.desk.answer(call.id, line.into_bytes()) => {
                            voice.line(format_args!("not said: [{}] has left, or does not listen", call.from));
                        }
                        Some(_) => {}
                    }
                }
                call = self.calls.recv() => {
                    let Some(call) = call else { return };
                    voice.line(shown(&call));
                    match call.event {
                        CallEvent::Left(_) => waiting.retain(|waiting| waiting.id != call.id),
                        CallEvent::Said(_) => waiting.push_back(call),
                    }
                    if waiting.len() > UNANSWERED {
                        waiting.pop_front();
                    }
                }
            }
        }
    }

    /// In a pipe each message takes the next line for its answer.
    async fn take_turns(&mut self) -> io::Result<()> {
        let mut lines = lines_of_pipe();
        while let Some(call) = self.calls.recv().await {
            if let CallEvent::Said(_) = call.event {
                // A closed standard output hears nothing, and the server goes on.
                let _ = writeln!(io::stdout(), "{}", shown(&call));
                let Some(line) = lines.recv().await else { break };
                self.desk.answer(call.id, line?.into_bytes());
            }
        }
        Ok(())
    }
}

/// A terminal with a line editor, where the person sits. None where there is no terminal that can edit lines.
pub(crate) fn seat() -> Option<(LineEditor, Around)> {
    if io::stdin().is_terminal() { LineEditor::open(None) } else { None }
}

fn shown(call: &Call) -> String {
    let from = &call.from;
    match &call.event {
        CallEvent::Said(said) => {
            let ground = if stdout::coloured() { GROUND } else { Style::new() };
            format!("from [{from}]: {ground}{}{ground:#}", Untrusted::from(said.as_slice()))
        }
        CallEvent::Left(ending) => format!("[{from}] has left ({ending})"),
    }
}

/// The lines of a person, typed on a thread of its own; the error that ends them is how the person leaves.
fn type_at(mut editor: LineEditor) -> Receiver<Result<String, ReadlineError>> {
    let (sender, lines) = mpsc::channel(TYPED_AHEAD);
    thread::spawn(move || {
        loop {
            let line = editor.read_line(&PROMPT);
            let is_last = line.is_err();
            match &line {
                Ok(line) if line.is_empty() => continue,
                Ok(line) => editor.remember(line),
                Err(_) => {}
            }
            if sender.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    lines
}

/// Ctrl-C, which the editor takes as a key, does what it does elsewhere: the server hears the signal and ends.
async fn interrupt() {
    if kill_process(getpid(), Signal::INT).is_ok() {
        std::future::pending::<()>().await;
    }
}

/// Standard input, line by line. It is read on a thread of its own, which ends with the process.
fn lines_of_pipe() -> Receiver<io::Result<String>> {
    let (sender, lines) = mpsc::channel(TYPED_AHEAD);
    thread::spawn(move || io::stdin().lock().lines().try_for_each(|line| sender.blocking_send(line)));
    lines
}
