//! The server under test, described in a sentence, started and looked at.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::client::Client;
use crate::process::Process;

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

    /// One that starts this program for each connection.
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

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With a person at its terminal, who types when [`Process::type_line`] says so.
    pub(crate) fn with_person(mut self) -> Self {
        self.command.stdin(Stdio::piped());
        self
    }

    /// Starts it and waits until clients can connect.
    #[track_caller]
    pub(crate) fn start(self) -> Serving {
        let serving = self.spawn();
        serving.log.wait_for("listening");
        serving
    }

    /// Starts what must end by itself: gives its exit code and what it printed.
    #[track_caller]
    pub(crate) fn refused(self) -> (i32, String) {
        let mut serving = self.spawn();
        (serving.exit_code(), serving.log.wait_for_all())
    }

    fn spawn(mut self) -> Serving {
        if !self.program.is_empty() {
            self.command.arg("--").args(&self.program);
        }
        Serving(Process::start(&mut self.command))
    }
}

/// A server that runs. It is ended when this is dropped.
pub(crate) struct Serving(Process);

impl Serving {
    /// Where it listens, as its ready line has it.
    pub(crate) fn address(&self) -> String {
        let line = self.log.wait_for("listening");
        match serde_json::from_str::<Value>(&line) {
            Ok(line) => line["address"].as_str().unwrap().to_owned(),
            Err(_) => line.split_whitespace().nth(2).unwrap().to_owned(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address().split_once("://").unwrap().1.parse::<SocketAddr>().unwrap().port()
    }

    /// A new client of it.
    #[track_caller]
    pub(crate) fn client(&self) -> Client {
        Client::of(&self.address())
    }

    /// The line that closes the connection of this number.
    #[track_caller]
    pub(crate) fn closing_line(&self, number: usize) -> String {
        self.log.wait_for(&format!("#{number} closed"))
    }
}

impl Deref for Serving {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

impl DerefMut for Serving {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.0
    }
}
