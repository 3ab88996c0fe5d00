//! Attackers who have a key, and keep to none of the protocol's rules.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, prlimit};

use crate::host::Host;
use crate::process::Process;
use crate::wait_until;

/// A client that attacks in this way until it is dropped.
#[track_caller]
fn lawless(host: &Host, way: &str) -> Process {
    let mut python = Command::new("/usr/bin/python3");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ssh_attack/lawless.py");
    python.args([
        "-W",
        "ignore",
        script,
        &host.place.port.to_string(),
        &host.place.user,
        &host.file("key"),
        way,
    ]);
    let attacker = Process::start(&mut python);
    attacker.screen.wait_for("attacking");
    attacker
}

#[test]
fn a_flood_of_window_adjustments() {
    needs!("ssh", "ssh-keygen", "paramiko");
    let host = Host::start();
    host.stands("window adjustments, 2 clients as fast as they can", 32, || {
        [lawless(&host, "windows"), lawless(&host, "windows")]
    });
}

#[test]
fn a_flood_of_channels() {
    needs!("ssh", "ssh-keygen", "paramiko");
    let host = Host::start();
    host.stands("channels opened, 2 clients as fast as they can", 32, || {
        [lawless(&host, "channels"), lawless(&host, "channels")]
    });
}

#[test]
fn a_flood_of_requests_from_one_who_reads_no_answer() {
    needs!("ssh", "ssh-keygen", "paramiko");
    let host = Host::start();
    host.stands("requests of a client that reads no answer", 32, || lawless(&host, "deaf"));
}

#[test]
fn ten_commands_that_say_much_to_one_who_reads_nothing() {
    needs!("ssh", "ssh-keygen", "paramiko");
    let host = Host::start();
    host.stands("10 times `yes`, windows of 4 GiB, nothing read", 64, || lawless(&host, "output"));
}

#[test]
fn ten_commands_that_read_nothing_of_much() {
    needs!("ssh", "ssh-keygen", "paramiko");
    let host = Host::start();
    host.stands("3 MiB for each of 10 commands that do not read", 20, || lawless(&host, "input"));
}

#[test]
fn a_full_table_of_descriptors() {
    needs!("ssh", "ssh-keygen", "paramiko");
    let host = Host::start();
    let mut inside = host.good_client();
    let mut inside = inside.arg("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut to, mut from) = (inside.stdin.take().unwrap(), BufReader::new(inside.stdout.take().unwrap()));
    let mut there_and_back = |word: &str| {
        writeln!(to, "{word}").unwrap();
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), word);
    };
    there_and_back("before");
    let open = std::fs::read_dir(format!("/proc/{}/fd", host.pid())).unwrap().count();
    let few = Some(u64::try_from(open).unwrap() + 20);
    prlimit(Some(host.process.pid()), Resource::Nofile, Rlimit { current: few, maximum: few }).unwrap();
    // The places for strangers are not what they want: they log in, and each of their commands takes four descriptors.
    let attacker = lawless(&host, "descriptors");
    host.process.log.wait_for(" could run nothing: ");
    there_and_back("while the table is full");
    drop(attacker);
    wait_until("others come in again", || {
        host.good_client().args(["echo", "in"]).output().unwrap().status.success().then_some(())
    });
    there_and_back("after it");
    drop(to);
    assert!(inside.wait().unwrap().success());
}
