//! `connect`: a person gets a line editor, a pipe gets a pipe.

mod datagram;
mod editor;
mod history;
mod incoming;
mod output;
mod plan;
mod probe;
mod speech;
mod stream;
mod trouble;
mod wire;

use std::io::{self, IsTerminal};
use std::sync::Arc;

use net::frame::Framing;
use net::limits::MAX_FRAME;
use net::trace::Tracer;
use serde_json::json;

use crate::failure::{Outcome, say};
use editor::Editor;
use plan::Task;
use trouble::not_connected;
use wire::Route;

pub(crate) use plan::{Ends, Plan};

/// Connects, and does what the plan says. Everything blocks; there is no runtime.
pub(crate) fn run(plan: Plan) -> Outcome {
    let Plan { line, task } = plan;
    let editor = if let Task::Editor(_) = task { Editor::open() } else { None };
    let tracer = line.trace.then(|| tracer(&task, editor.as_ref()));
    let pipe = match task {
        Task::Probe { wait, json } => return probe::run(&line, tracer.as_ref(), wait, json),
        Task::Pipe(pipe) | Task::Editor(pipe) => pipe,
    };
    let mut route = Route::new(&line, tracer.as_ref()).map_err(not_connected)?;
    let wire = route.connect().map_err(not_connected)?;
    match editor {
        Some(editor) => editor.run(route, wire, &line.to, &pipe),
        None if line.to.is_datagram() => datagram::run(route, wire, &line.to, pipe),
        None => stream::run(wire, &line.to, pipe),
    }
}

/// Writes to standard error. Where that is the terminal on which somebody types, it must not spoil their line.
fn tracer(task: &Task, editor: Option<&Editor>) -> Tracer {
    let (framing, max_frame) = match task.speech() {
        Some(speech) => (Arc::clone(&speech.framing), speech.max_frame),
        None => (Arc::new(Framing::Raw), MAX_FRAME),
    };
    let json = task.is_json();
    match editor.filter(|_| io::stderr().is_terminal()).map(Editor::voice) {
        Some(voice) => Tracer::new(framing, max_frame, move |line| voice.line(line)),
        None if json => Tracer::new(framing, max_frame, |line| say(json!(line))),
        None => Tracer::new(framing, max_frame, |line| say(line)),
    }
}
