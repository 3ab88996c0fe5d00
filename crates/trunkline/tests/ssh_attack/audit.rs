//! What `ssh-audit` says, and its own attacks.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::process::{Signal, kill_process_group};
use serde_json::Value;

use crate::host::Host;
use crate::process::Process;

/// ssh-audit as `cargo xtask test` has installed it, or from `PATH`.
#[track_caller]
fn ssh_audit(host: &Host, options: &[&str]) -> Option<Command> {
    let peers = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers").join("ssh-audit");
    let script = peers.join("bin/ssh-audit");
    let mut command = if script.is_file() {
        let mut python = Command::new("python3");
        python.arg(script).env("PYTHONPATH", peers);
        python
    } else if crate::needs::is_there("ssh-audit") {
        Command::new("ssh-audit")
    } else {
        return None;
    };
    command.args(options).args(["-p", &host.place.port.to_string(), "127.0.0.1"]);
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    Some(command)
}

/// What is said of each algorithm in an array of these severities.
fn said(report: &Value, severities: &[&str]) -> Vec<String> {
    let mut said = Vec::new();
    for kind in ["kex", "key", "enc", "mac"] {
        let algorithms = report[kind].as_array().unwrap();
        assert!(!algorithms.is_empty(), "{kind}: {report:#}");
        for algorithm in algorithms {
            for severity in severities {
                for note in algorithm["notes"][severity].as_array().into_iter().flatten() {
                    let name = algorithm["algorithm"].as_str().unwrap();
                    said.push(format!("{name}: {severity}: {}", note.as_str().unwrap()));
                }
            }
        }
    }
    said
}

/// The faults that are found, but for one note that is about clients.
#[track_caller]
fn faults(host: &Host) -> Option<Vec<String>> {
    let output = ssh_audit(host, &["-j"])?.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert!(said(&report, &["info"]).len() > 8, "it has looked: {report:#}");
    // One note is about clients, and none about the rate at which connections are taken (CVE-2002-20001).
    let notes: Vec<_> =
        report["additional_notes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(
        matches!(notes.as_slice(), [note] if note.contains("all peers must also support this feature")),
        "{notes:?}"
    );
    assert_eq!(report["cves"].as_array().map(Vec::len), Some(0), "{report:#}");
    Some(said(&report, &["fail", "warn"]))
}

#[test]
fn ssh_audit_finds_no_fault_but_that_old_clients_may_come_in() {
    needs!("ssh-keygen", "python3");
    let Some(faults) = faults(&Host::start()) else { return };
    // Without these two no OpenSSH before 9.9 comes in: russh has no other exchange that is sound and that they know.
    let for_old_clients = ["curve25519-sha256", "curve25519-sha256@libssh.org"]
        .map(|kex| format!("{kex}: warn: does not provide protection against post-quantum attacks"));
    assert_eq!(faults, for_old_clients);
}

#[test]
fn ssh_audit_finds_no_fault_where_only_new_clients_may_come_in() {
    needs!("ssh-keygen", "python3");
    let Some(faults) = faults(&Host::with(&["--ssh-kex", "-curve25519*"])) else { return };
    assert_eq!(faults, [""; 0]);
}

/// ssh-audit in the midst of its attack, with the sixteen processes that it has started.
struct Attacker(Process);

impl Drop for Attacker {
    fn drop(&mut self) {
        // They go on for ever without it.
        let _ = kill_process_group(self.0.pid(), Signal::KILL);
    }
}

/// How many connections one address gets by an attack of ssh-audit's while a good client is served.
#[track_caller]
fn attacked(way: &str) {
    let host = Host::start();
    let Some(mut audit) = ssh_audit(&host, &[way]) else { return };
    let begun = Instant::now();
    host.stands(&format!("ssh-audit {way}"), 32, || {
        let attacker = Attacker(Process::start(audit.process_group(0)));
        host.process.log.wait_for("too many connections from this address have ended without a login");
        attacker
    });
    // One line for each that was let in and is over; the good client is told of by his key. Who was kept outside has other words.
    let inside = host.process.log.count(" is gone: ");
    let seconds = begun.elapsed().as_secs_f64();
    println!("{way}: {inside} connections in {seconds:.1} s");
    // Ten at once and five a second, beside those that were under way at once.
    assert!(inside > 10 && (inside as f64) < 10.0 + 32.0 + 5.0 * seconds, "{inside} in {seconds} s");
}

#[test]
fn the_rate_test_of_ssh_audit() {
    needs!("ssh", "ssh-keygen", "python3");
    attacked("--conn-rate-test=16");
}

#[test]
fn the_key_exchanges_of_ssh_audit() {
    needs!("ssh", "ssh-keygen", "python3");
    attacked("--dheat=16:curve25519-sha256");
}
