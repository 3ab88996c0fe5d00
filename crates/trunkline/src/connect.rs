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

use net::client::Dial;

use crate::failure::Outcome;
use editor::Editor;
use plan::Task;
use trouble::not_connected;
use wire::Wire;

pub(crate) use plan::{Ends, Plan};

/// Connects, and does what the plan says. Everything blocks; there is no runtime.
pub(crate) fn run(plan: Plan) -> Outcome {
    let Plan { line, task } = plan;
    let (pipe, editor) = match task {
        Task::Probe { wait, json } => return probe::run(&line, wait, json),
        Task::Pipe(pipe) => (pipe, None),
        Task::Editor(pipe) => (pipe, Editor::open()),
    };
    let mut dial = Dial::new(&line.to, &line.options, line.limit).map_err(not_connected)?;
    let wire = Wire::new(dial.connect().map_err(not_connected)?);
    match editor {
        Some(editor) => editor.run(dial, wire, &line.to, &pipe),
        None if line.to.is_datagram() => datagram::run(dial, wire, &line.to, pipe),
        None => stream::run(wire, &line.to, pipe),
    }
}
