//! The server under test, described in a sentence, started, looked at, and ended.

use std::ffi::OsStr;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{Client, Lines, wait_until};

/// What is under test.
pub(crate) const TRUNKLINE: &str = env!("CARGO_BIN_EXE_trunkline");

/// A server that is to be started: `Serve::new("tcp://127.0.0.1:0", "upper").arg("-v").start()`.
pub(crate) struct Serve {
    command: Command,
    program: Vec<String>,
}

impl Serve {
    pub(crate) fn new(address: &str, service: &str) -> Self {
        Self::under(&[], address, service)
    }

    /// Started by a program that starts what its last arguments say.
    pub(crate) fn under(wrapper: &[&str], address: &str, service: &str) -> Self {
        let mut words = wrapper.iter().copied().chain([TRUNKLINE, "serve", address, service]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).stdin(Stdio::null());
        Self { command, program: Vec::new() }
    }

    /// One that keeps its process for each connection of its own.
    pub(crate) fn exec(address: &str, program: &[&str]) -> Self {
        let program = program.iter().map(ToString::to_string).collect();
        Self { program, ..Self::new(address, "exec") }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// With a person at its terminal: see [`Serving::type_line`].
    pub(crate) fn with_person(mut self) -> Self {
        self.command.stdin(Stdio::piped());
        self
    }

    /// Starts it and waits until clients can connect.
    pub(crate) fn start(self) -> Serving {
        let serving = self.spawn();
        serving.log.wait_for("listening");
        serving
    }

    /// Starts what must end by itself: gives its exit code and what it printed.
    pub(crate) fn refused(self) -> (i32, String) {
        let mut serving = self.spawn();
        (serving.exit_code(), serving.log.wait_for_all())
    }

    fn spawn(mut self) -> Serving {
        if !self.program.is_empty() {
            self.command.arg("--").args(&self.program);
        }
        let mut child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Lines::of(child.stderr.take().unwrap());
        let screen = Lines::of(child.stdout.take().unwrap());
        Serving { person: child.stdin.take(), child, log, screen }
    }
}

/// A server that runs. It is ended when this is dropped.
pub(crate) struct Serving {
    child: Child,
    person: Option<ChildStdin>,
    /// Its standard error.
    pub(crate) log: Lines,
    /// Its standard output.
    pub(crate) screen: Lines,
}

impl Serving {
    /// Where it listens, as its ready line has it.
    pub(crate) fn address(&self) -> String {
        let line = self.log.wait_for("listening");
        match serde_json::from_str::<Value>(&line) {
            Ok(line) => line["address"].as_str().unwrap().to_owned(),
            Err(_) => line.split_whitespace().nth(2).unwrap().to_owned(),
        }
    }

    /// Where it listens, when that is a port.
    pub(crate) fn socket_addr(&self) -> SocketAddr {
        self.address().split_once("://").unwrap().1.parse().unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.socket_addr().port()
    }

    /// A new client of it.
    pub(crate) fn client(&self) -> Client {
        Client::of(&self.address())
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The person at its terminal writes a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.person.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The person at its terminal leaves.
    pub(crate) fn end_of_typing(&mut self) {
        self.person = None;
    }

    /// Waits until it has ended.
    pub(crate) fn exit_code(&mut self) -> i32 {
        wait_until("the server's end", || self.child.try_wait().unwrap()).code().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
