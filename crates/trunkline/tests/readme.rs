//! The README's sessions, run: each `console` box is a terminal, and what it shows must be what comes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "readme/machines.rs"]
mod machines;
#[macro_use]
#[path = "../../../tests/needs.rs"]
mod needs;

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use machines::{Machines, NETWORKS};
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a line of a session may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn the_sessions_of_the_readme_show_what_the_readme_says() {
    let sections: Vec<_> =
        sections().filter(|section| !needs_machines(section) && !needs_ssh(section)).collect();
    assert!(sections.len() >= 5, "the README's sessions were not found");
    for section in sections {
        let folder = tempfile::tempdir().unwrap();
        run_session(&with_free_places(section, folder.path()), folder.path());
    }
}

#[test]
fn the_session_with_forty_machines_shows_what_the_readme_says() {
    needs!("sshd", "ssh-keygen");
    let [section] = sections().filter(|section| needs_machines(section)).collect::<Vec<_>>()[..] else {
        panic!("the README has one such session")
    };
    let home = tempfile::tempdir().unwrap();
    let _machines = Machines::of(home.path());
    let there = home.path().join("tmp");
    std::fs::create_dir(&there).unwrap();
    let there = format!(":{}/", there.display());
    run_session(&section.replace(NETWORKS[0], NETWORKS[1]).replace(":/tmp/", &there), home.path());
}

#[test]
fn the_session_with_a_colleague_shows_what_the_readme_says() {
    needs!("ssh", "ssh-keygen");
    let [section] = sections().filter(|section| needs_ssh(section)).collect::<Vec<_>>()[..] else {
        panic!("the README has one such session")
    };
    let home = tempfile::tempdir().unwrap();
    // A colleague has answered yes when ssh asked about the new host.
    let ssh = "#!/bin/sh\nexec /usr/bin/ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o \
               LogLevel=ERROR -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes \"$@\"\n";
    fs::create_dir(home.path().join("bin")).unwrap();
    fs::write(home.path().join("bin/ssh"), ssh).unwrap();
    fs::set_permissions(home.path().join("bin/ssh"), Permissions::from_mode(0o755)).unwrap();
    // The tests may run as root, and beside another node.
    let section = section.replace(" --ssh ", " --chat 0 --allow-root --ssh ");
    run_session(&with_free_places(&section, home.path()), home.path());
}

/// The sessions, each with its title as its first line.
fn sections() -> impl Iterator<Item = &'static str> {
    include_str!("../../../README.md").split("\n### ").skip(1)
}

fn needs_ssh(section: &str) -> bool {
    section.contains("$ ssh ")
}

fn needs_machines(section: &str) -> bool {
    section.contains("$ trunkline run ")
}

#[test]
fn the_two_commands_of_the_readme_are_the_ones_that_exist() {
    let readme = include_str!("../../../README.md");
    assert!(readme.contains("cargo run --release -- up "));
    assert!(readme.contains("cargo xtask test"));
}

fn run_session(section: &str, home: &Path) {
    let title = section.lines().next().unwrap();
    let boxes: Vec<&str> =
        section.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(boxes.len() >= 2, "{title}: a session needs two terminals");
    let (servers, clients): (Vec<_>, Vec<_>) = boxes
        .into_iter()
        .partition(|shown| ["trunkline serve ", "trunkline up "].iter().any(|verb| shown.contains(verb)));
    let mut running: Vec<_> = servers.iter().map(|shown| Server::start(shown, home)).collect();
    for shown in clients {
        let mut lines = shown.lines().peekable();
        while let Some(command) = lines.next() {
            let command =
                command.strip_prefix("$ ").unwrap_or_else(|| panic!("{title}: not a command: {command}"));
            let mut expected = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
                expected.push(masked(line));
            }
            let output = shell(command, home).output().unwrap();
            let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert_eq!(shown.lines().map(masked).collect::<Vec<_>>(), expected, "{title}: $ {command}");
        }
    }
    for server in &mut running {
        server.check(title);
    }
}

/// A terminal in which a server runs.
struct Server {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    expected: Vec<String>,
}

impl Server {
    fn start(shown: &str, home: &Path) -> Self {
        let mut lines = shown.lines();
        let command = lines.next().unwrap().strip_prefix("$ ").unwrap();
        let expected = lines.map(masked).collect();
        // Both streams into one pipe, as a terminal shows them.
        let (reader, writer) = std::io::pipe().unwrap();
        let mut child = shell(command, home);
        child.stdout(writer.try_clone().unwrap()).stderr(writer).stdin(Stdio::null()).process_group(0);
        let child = child.spawn().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Self { child, lines, seen: Vec::new(), expected };
        server.wait_for_lines(1);
        assert!(
            server.seen.first().is_some_and(|line| line.starts_with("listening on ")),
            "{:?}",
            server.seen
        );
        server
    }

    fn wait_for_lines(&mut self, count: usize) {
        while self.seen.len() < count {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else { break };
            // What is wrong with the machine that runs the tests is not the README's.
            if !line.ends_with("see trunkline doctor") {
                self.seen.push(masked(&line));
            }
        }
    }

    fn check(&mut self, title: &str) {
        self.wait_for_lines(self.expected.len());
        assert_eq!(self.seen, self.expected, "{title}: the server's terminal");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(i32::try_from(self.child.id()).unwrap()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// A line of a terminal, whose book and history lie in `home`.
fn shell(command: &str, home: &Path) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_trunkline"));
    let own = home.join("bin");
    let path = [&own.display().to_string(), program.parent().unwrap().to_str().unwrap()].join(":");
    let path = format!("{path}:{}", std::env::var("PATH").unwrap());
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env("PATH", path).env("LC_ALL", "C.UTF-8").env("NO_COLOR", "1");
    shell.env("TRUNKLINE_HOME", home).env("HOME", home).current_dir(home);
    shell
}

/// The README's ports and socket files may be in use; free ones take their place.
fn with_free_places(section: &str, folder: &Path) -> String {
    let mut ports = HashMap::new();
    let mut held = Vec::new();
    // As in `127.0.0.1:8080`, and in `--chat 8080`.
    let marked = section.replace(" 80", " \0:80");
    let mut pieces = marked.split(":80");
    let mut placed = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        let port = ports.entry(digits).or_insert_with(|| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            held.push(listener);
            port
        });
        placed += &format!(":{port}{rest}");
    }
    placed.replace("\0:", "").replace("/tmp/", &format!("{}/", folder.display()))
}

/// Ports, process and user ids, accounts, hosts and times differ from run to run.
fn masked(line: &str) -> String {
    let before = [
        "127.0.0.1:",
        "udp port ",
        "pid ",
        "uid ",
        "bytes; ",
        "byte; ",
        "is open (",
        "delivered in ",
        " ok in ",
        " after ",
    ];
    let line = before.iter().fold(line.to_owned(), |line, before| {
        let mut parts = line.split(before);
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |text, part| {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            let mark = if rest.len() < part.len() { "N" } else { "" };
            format!("{text}{before}{mark}{rest}")
        })
    });
    let words = line.split(' ').map(|word| match word {
        account if account.starts_with('(') && account.contains('@') => "(ACCOUNT".to_owned(),
        account if account.contains('@') && account.ends_with([',', ':']) => "ACCOUNT".to_owned(),
        key if key.contains("SHA256:") || key.starts_with("AAAA") => "KEY".to_owned(),
        file if file.starts_with("unix:") && file.ends_with("/node.sock") => "unix:NODE".to_owned(),
        clock if clock.len() == 8 && clock.split(':').count() == 3 => "TIME".to_owned(),
        word => word.to_owned(),
    });
    let line = words.collect::<Vec<_>>().join(" ");
    let line = match (line.split_once(" was refused as "), line.split_once(" with ")) {
        (Some((from, _)), Some((_, key))) => format!("{from} was refused as USER with {key}"),
        _ => line,
    };
    match line.rsplit_once(" at ") {
        Some((who, _)) if who.starts_with("you are ") => format!("{who} at ADDRESS"),
        _ => line,
    }
}
