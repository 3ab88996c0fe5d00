//! Sessions of the library's server, which has settings that `trunkline up` has not.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use super::client::{Said, lives};
use super::support::{Host, run, write_noise};

#[test]
fn a_command_has_a_clean_environment() {
    needs!("ssh");
    let host = Host::start();
    let mut ssh = host.ssh(&["-o", "SendEnv=LC_TEST", "-o", "SendEnv=SECRET"]);
    ssh.env("LC_TEST", "here").env("SECRET", "hidden");
    let environment = run(ssh.arg("env")).out();
    let names: Vec<_> =
        environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    for name in ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "SSH_CLIENT", "SSH_CONNECTION", "LC_TEST"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    let more: Vec<_> = names
        .iter()
        .filter(|name| {
            !["PWD", "OLDPWD", "SHLVL", "_"].contains(name) && !name.starts_with("LC_") && **name != "LANG"
        })
        .collect();
    assert_eq!(more.len(), 7, "nothing else: {more:?}");
    assert!(environment.contains("SSH_CLIENT=127.0.0.1 "));
}

#[test]
fn a_shell_is_a_login_shell() {
    needs!("ssh");
    let host = Host::start();
    let mut ssh = host.ssh(&["-T"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    ssh.stdin.take().unwrap().write_all(b"echo $0; pwd\n").unwrap();
    let said = ssh.wait_with_output().unwrap().out();
    assert_eq!(said, format!("-sh\n{}\n", host.path("home").display()));
    host.events.wait_for(&["Started", "Shell"]);
}

#[test]
fn the_server_agrees_on_new_keys_under_load_both_ways() {
    needs!("ssh", "sha256sum");
    let host = Host::with(|config| config.limits.rekey_bytes = 1024 * 1024);
    host.moves_there_and_back(8 * 1024 * 1024, &[]);
}

#[test]
fn input_past_memory_and_disk_ends_its_channel_and_says_why() {
    needs!("ssh");
    let host = Host::with(|config| {
        config.limits.input_in_memory = 64 * 1024;
        config.limits.input_on_disk = 128 * 1024;
        config.limits.input_stalled = std::time::Duration::from_secs(1);
    });
    let noise = host.path("noise");
    write_noise(&noise, 1024 * 1024);
    // Slow as it is, it takes its input, and nobody else waits for that.
    let slow = "for piece in $(seq 36); do head -c 30000; sleep 0.01; done | wc -c";
    assert_eq!(
        run(host.ssh(&[]).arg(slow).stdin(std::fs::File::open(&noise).unwrap())).out().trim(),
        "1048576"
    );
    let zeros = std::fs::File::open("/dev/zero").unwrap();
    let output = host.ssh(&[]).arg("exec sleep 1000").stdin(zeros).output().unwrap();
    assert!(output.err().contains("the command does not read its input"), "{}", output.err());
    host.events.wait_for(&["Ended", "Failed", "does not read its input"]);
}

#[test]
fn who_ignores_the_hangup_is_killed_after_the_grace() {
    needs!("ssh");
    let host = Host::start();
    let command = "trap '' HUP; echo $$; while :; do sleep 1; done";
    let mut ssh = host.ssh(&[]).arg(command).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(ssh.stdout.take().unwrap()).lines();
    let stubborn = lines.next().unwrap().unwrap();
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    host.events.wait_for(&["Ended", "HungUp"]);
    assert!(!lives(&stubborn));
}

#[test]
fn an_owner_sees_who_is_there_and_ends_it() {
    needs!("ssh");
    let host = Host::start();
    let mut ssh = host.ssh(&[]).arg("exec sleep 1000").stderr(Stdio::null()).spawn().unwrap();
    host.events.wait_for(&["Started"]);
    let here = host.server.connections();
    assert_eq!(here.len(), 1);
    assert_eq!(here[0].key.as_ref().unwrap().label, "key");
    assert!(format!("{:?}", here[0].sessions).contains("Exec"));
    assert!(host.server.end(here[0].id));
    assert_eq!(ssh.wait().unwrap().code(), Some(255));
    host.events.wait_for(&["Ended", "PutOut(ByOwner)"]);
    host.events.wait_for(&["Closed", "ByOwner"]);
    assert!(host.server.connections().is_empty());
    assert!(!host.server.end(here[0].id));
}

#[test]
fn root_is_refused_unless_allowed() {
    needs!("ssh");
    let host = Host::with(|config| {
        config.account.uid = 0;
        config.allow_root = false;
    });
    assert_eq!(host.ssh(&[]).arg("true").output().unwrap().status.code(), Some(255));
    host.events.wait_for(&["Refused", "Root"]);
}
