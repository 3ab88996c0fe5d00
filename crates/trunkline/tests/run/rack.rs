//! Three hundred machines: loopback addresses of a network of their own, behind one OpenSSH sshd.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::ground::Ground;
use crate::host::{Host, Process};
use crate::needs::output_of;
use crate::program::{Ran, Running, eventually};

/// curve25519, since what older ones take by default costs them four times as much for each login. No limits: machines
/// have a sshd each.
const SSHD: &str = "Port 22\nListenAddress 0.0.0.0\nKexAlgorithms curve25519-sha256\nStrictModes no\nUsePAM no\n\
    UseDNS no\nPermitRootLogin yes\nMaxStartups 1000\nPidFile none\nPrintMotd no\n";

/// n1 to n300 are well. The others refuse, accept and say nothing, and stop in the handshake; the last two by
/// `stalling.py`.
const BOOK: &str = "[entry.\"n[1-240]\"]\nssh = \"127.1.1.[1-240]\"\n\
    [entry.\"n[241-300]\"]\nssh = \"127.1.2.[1-60]\"\n\
    [entry.\"refusing[1-15]\"]\nssh = \"127.1.3.[1-15]:1\"\n\
    [entry.\"silent[1-15]\"]\nssh = \"127.1.4.[1-15]:2201\"\n\
    [entry.\"stopping[1-15]\"]\nssh = \"127.1.5.[1-15]:2202\"\n";

/// Kills its own connection in mid-command on n241 and those after it.
const KILLED: &str =
    "echo begun; case $SSH_CONNECTION in *' 127.1.2.'*) kill -KILL $PPID; sleep 1;; esac; echo well";

struct Rack {
    ground: Ground,
    host: Host,
    _sshd: Process,
}

impl Rack {
    fn new() -> Self {
        let (ground, host) = (Ground::new(), Host::new());
        let folder = ground.path("");
        let folder = folder.to_str().unwrap().trim_end_matches('/');
        ground.write(
            "rack_config",
            &format!("{SSHD}HostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"),
        );
        let key = fs::read_to_string(ground.path("host_key.pub")).unwrap();
        ground.write("known_hosts", &format!("127.1.* {key}"));
        ground.write("book.toml", BOOK);
        ground.write("passwd", &with_plain_shells(&fs::read_to_string("/etc/passwd").unwrap()));
        let sshd = output_of("sh", &["-c", "command -v sshd"]);
        let script =
            r#"mount --bind "$0/passwd" /etc/passwd && exec "$1" -D -E "$0/log" -f "$0/rack_config""#;
        let sshd = host.start("unshare", &["--mount", "--", "sh", "-c", script, folder, sshd.trim()]);
        eventually("sshd to listen", || {
            fs::read_to_string(ground.path("log")).is_ok_and(|log| log.contains("Server listening"))
        });
        Self { ground, host, _sshd: sshd }
    }

    /// Machines that stall, until this is dropped; then they hang up.
    fn stalling(&self) -> Process {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/peers/stalling.py");
        let mut stalling = self.host.start("python3", &[script]);
        assert_eq!(stalling.line(), "ready");
        stalling
    }

    /// `trunkline run` with these words, in the machines' network.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.host.command(env!("CARGO_BIN_EXE_trunkline"));
        command.args(self.ground.words(words)).env_remove("SSH_AUTH_SOCK");
        command.env("TRUNKLINE_HOME", self.ground.path("")).env("HOME", self.ground.path(""));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        Running::start(&mut self.command(words)).finish()
    }
}

/// The accounts of this machine. What the shells of people read before a command may take longer than all else here.
fn with_plain_shells(passwd: &str) -> String {
    let plain = |line: &str| line.rsplit_once(':').map(|(account, _)| format!("{account}:/bin/sh\n"));
    passwd.lines().filter_map(plain).collect()
}

#[test]
fn three_hundred_machines_answer_and_fold_to_one_line() {
    needs_root!();
    needs!("sshd", "ssh-keygen", "ip", "taskset");
    let ran = Rack::new().run(&["-t", "60", "-b", "n[1-300]", "echo well"]);
    assert_eq!(ran.text(), "--- n[1-300] (300)\nwell\n", "{}", ran.err);
    assert!(ran.err.starts_with("all 300 ok in "), "{}", ran.err);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn of_three_hundred_machines_sixty_in_trouble_keep_no_other_and_are_told_apart() {
    needs_root!();
    needs!("sshd", "ssh-keygen", "ip", "python3", "taskset");
    let rack = Rack::new();
    let stalling = rack.stalling();
    // Those that stall come first, and do so until all that are well have ended.
    let machines = "silent[1-15],stopping[1-15],refusing[1-15],n[1-255]";
    let mut running = Running::start(&mut rack.command(&["-t", "60", "--json", machines, KILLED]));
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut events = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let mut seen = Seen::default();
    events.by_ref().take_while(|event| seen.take(event) < 270).for_each(drop);
    drop(stalling);
    let well: Vec<_> = (1..=240).map(|number| format!("n{number}")).collect();
    let good = |machine: &&String| seen.ends.get(*machine).is_some_and(|end| end == "exit");
    assert_eq!(well.iter().filter(good).count(), 240, "they waited for those that stall: {:?}", seen.ends);
    assert!(well.iter().all(|machine| seen.printed[machine] == "begun\nwell\n"), "{:?}", seen.printed);
    for event in events {
        seen.take(&event);
    }
    let ended = |outcome: &str| seen.ends.values().filter(|end| *end == outcome).count();
    assert_eq!((ended("exit"), ended("lost"), ended("unreachable")), (240, 15, 45));
    let ran = running.finish();
    assert_eq!(ran.code, Some(255));
    assert!(ran.err.starts_with("60 of 300 failed, 240 ok in "), "{}", ran.err);
    assert!(ran.err.contains("\n  refusing[1-15]: no connection: connection refused"), "{}", ran.err);
    assert!(ran.err.contains(": connection lost: "), "{}", ran.err);
    let _stalling = rack.stalling();
    let silent = rack.run(&["-t", "2", "silent[1-15],stopping[1-15],n1", "echo well"]);
    assert_eq!((silent.code, silent.text()), (Some(255), "n1: well\n"), "{}", silent.err);
    assert!(silent.err.starts_with("30 of 31 failed, 1 ok in "), "{}", silent.err);
    assert!(silent.err.contains("no connection: no answer within 2 s"), "{}", silent.err);
}

/// What the events of a run have told.
#[derive(Default)]
struct Seen {
    printed: BTreeMap<String, String>,
    /// `exit` and the like.
    ends: BTreeMap<String, String>,
}

impl Seen {
    /// Takes the next one, and says how many machines have ended.
    fn take(&mut self, event: &Value) -> usize {
        let text = |key: &str| event[key].as_str().unwrap().to_owned();
        match event["kind"].as_str().unwrap() {
            "out" => *self.printed.entry(text("machine")).or_default() += &text("text"),
            "end" => assert!(self.ends.insert(text("machine"), text("outcome")).is_none()),
            _ => {}
        }
        self.ends.len()
    }
}
