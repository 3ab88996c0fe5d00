//! A program that runs beside the test: ours, or a peer.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Lines, wait_until};

/// A running program, what it prints and what is typed to it. It is ended when this is dropped.
pub(crate) struct Process {
    child: Child,
    typing: Option<ChildStdin>,
    /// Its standard output.
    pub(crate) screen: Lines,
    /// Its standard error.
    pub(crate) log: Lines,
}

impl Process {
    /// Starts it. Its standard input is what the command says.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let started = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
        let log = Lines::of(child.stderr.take().unwrap());
        let screen = Lines::of(child.stdout.take().unwrap());
        Self { typing: child.stdin.take(), child, screen, log }
    }

    /// The person at its terminal writes a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.typing.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The person at its terminal leaves.
    pub(crate) fn end_of_typing(&mut self) {
        self.typing = None;
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn exit_code(&mut self) -> i32 {
        wait_until("the program's end", || self.child.try_wait().unwrap()).code().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
