//! Running nodes, each in a home of its own, that find each other by their books: broadcasts do not go over loopback.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{LIMIT, Ran, Running, eventually, trunkline};

/// A home, and a node that runs in it.
pub(crate) struct Node {
    pub(crate) home: TempDir,
    /// Where its chat line is.
    pub(crate) port: u16,
    running: Running,
    /// What it shows.
    shown: Receiver<String>,
}

impl Node {
    /// A node whose person is called so, with this book.
    pub(crate) fn start(name: &str, book: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), name, book)
    }

    /// As [`Self::start`], where one ran before, perhaps.
    pub(crate) fn start_in(home: TempDir, name: &str, book: &str) -> Self {
        fs::write(home.path().join("book.toml"), book).unwrap();
        let mut up = trunkline(["up", "--chat", "0", "--name", name]);
        let mut running = Running::start(up.env("TRUNKLINE_HOME", home.path()).stdout(Stdio::null()));
        let (sender, shown) = mpsc::channel();
        let lines = BufReader::new(running.0.stderr.take().unwrap()).lines();
        // Whoever does not listen any more has seen enough.
        thread::spawn(move || lines.map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let mut node = Self { home, port: 0, running, shown };
        let chat = node.shows("listening on udp port ");
        let port = chat.strip_prefix("listening on udp port ").unwrap();
        node.port = port.split(' ').next().unwrap().parse().unwrap();
        node.shows("node.sock");
        node
    }

    /// A node with somebody else in its book, who is in sight.
    pub(crate) fn beside(other: &Self, name: &str, called: &str) -> Self {
        let node = Self::start(name, &person(called, other.port));
        eventually("the other to be in sight", || {
            node.person(called).is_some_and(|one| one["presence"] == "here")
        });
        node
    }

    /// The next line that it shows with this text in it.
    pub(crate) fn shows(&self, text: &str) -> String {
        loop {
            let line = self.shown.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("waited for {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// A verb of the person whose node it is.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = trunkline(arguments);
        command.env("TRUNKLINE_HOME", self.home.path());
        command
    }

    /// Runs a verb to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Running::start(&mut self.command(arguments)).finish()
    }

    /// What a verb prints that goes well.
    pub(crate) fn prints(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
        ran.text().to_owned()
    }

    /// Whom it knows by this name.
    pub(crate) fn person(&self, name: &str) -> Option<Value> {
        let people = self.prints(&["who", "--json"]);
        let mut people = people.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        people.find(|person| person["name"] == name)
    }

    /// Ends it in good order. What it has kept stays.
    pub(crate) fn end(mut self) -> TempDir {
        let pid = Pid::from_child(&self.running.0);
        kill_process(pid, Signal::TERM).unwrap();
        eventually("the node to end", || self.running.0.try_wait().unwrap().is_some());
        self.home
    }
}

/// Somebody in a book.
pub(crate) fn person(name: &str, port: u16) -> String {
    format!("[entry.'{name}']\nchat = '127.0.0.1:{port}'\n")
}

/// A socket that says nothing by itself, and where it is.
pub(crate) fn silent_peer() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}
