//! `up --ssh` against the clients that people have.

use std::fs;
use std::net::TcpStream;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::home::Home;
use crate::up::Up;
use crate::{Lines, wait_until};

#[test]
fn stock_ssh_comes_in_and_what_it_does_is_told_and_kept() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&[]);
    up.allow(&[]);
    let output = up.ssh("echo out; echo err >&2; exit 7");
    assert_eq!(
        (output.status.code(), output.stdout, output.stderr),
        (Some(7), b"out\n".into(), b"err\n".into())
    );
    let who = format!("ssh: ann {}", up.fingerprint);
    assert!(up.shows(" is in, from tcp://127.0.0.1:").contains(&who));
    let ended = up.shows(": status 7 after ");
    assert!(ended.contains(&who) && ended.ends_with(" s, 0 bytes in, 8 out\n"), "{ended}");
    up.shows(" is out: the client left");
    let row = up.kept("service", "ssh: ");
    let service = format!("ssh: echo out; echo err >&2; exit 7 (key ann {})", up.fingerprint);
    assert_eq!(row["service"].as_str(), Some(service.as_str()));
    assert_eq!((row["reason"].as_str(), row["sent"].as_u64()), (Some("status 7"), Some(8)), "{row}");
}

#[test]
fn stock_sftp_brings_files_there_and_back() {
    needs!("ssh", "sftp", "ssh-keygen");
    let up = Up::start(&[]);
    up.allow(&[]);
    let file = |name: &str| up.home.path().join(name).display().to_string();
    fs::write(file("a"), vec![7; 100_000]).unwrap();
    let batch = format!("put {} {}\nget {} {}\n", file("a"), file("b"), file("b"), file("c"));
    fs::write(file("batch"), batch).unwrap();
    let output = up.client("sftp", &["-b", &file("batch")]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(file("c")).unwrap(), vec![7; 100_000]);
    up.shows(" ran sftp: ");
}

#[test]
fn a_node_that_runs_knows_at_once_who_is_allowed_and_who_no_more() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&[]);
    assert!(!up.lets_in());
    let refused = up.shows(" was refused as ");
    assert!(
        refused.contains(&up.fingerprint) && refused.contains(": the key is not known here"),
        "{refused}"
    );
    let row = up.kept("service", "ssh: refused as ");
    assert!(row["service"].as_str().unwrap().contains(&up.fingerprint), "{row}");
    assert_eq!(row["reason"].as_str(), Some("the key is not known here"), "{row}");
    up.allow(&["--until", "1h"]);
    assert!(up.lets_in());
    up.home.shows(&["allow", "remove", "ann"]);
    assert!(!up.lets_in());
    let public = fs::read_to_string(up.key_file().with_extension("pub")).unwrap();
    let over = format!("expiry-time=\"20200101\" {public}");
    fs::write(up.home.path().join("allow"), over).unwrap();
    assert!(!up.lets_in());
    up.shows("/allow:1: the key's time is over");
}

#[test]
fn a_key_for_one_command_runs_that_one() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&[]);
    up.allow(&["--only", "echo \"only this\""]);
    assert_eq!(up.ssh("id").stdout, b"only this\n");
    up.shows(" runs echo \"only this\" (for: id)");
}

#[test]
fn where_only_new_clients_come_in_an_old_one_is_told_and_run_is_let_in() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&["--ssh-kex", "mlkem768x25519-sha256"]);
    up.allow(&[]);
    let old = up.client("ssh", &["-o", "KexAlgorithms=curve25519-sha256"]).arg("true").output().unwrap();
    let said = String::from_utf8(old.stderr).unwrap();
    assert!(
        said.contains("no matching key exchange method found. Their offer: mlkem768x25519-sha256"),
        "{said}"
    );
    assert!(!said.contains("curve25519-sha256"), "{said}");
    assert_eq!(old.status.code(), Some(255));
    let told = up.shows(" is gone: ");
    assert!(told.contains("No common Kex algorithm"), "{told}");
    // The options that keep ssh from this machine's own configuration are run's, too.
    let (port, key) = (up.place.port.to_string(), up.key_file().display().to_string());
    let known = format!("UserKnownHostsFile={}", up.place.path("known_hosts").display());
    let target = up.place.target();
    let way = ["run", "-F", "none", "-o", &known, "-p", &port, "-i", &key, &target];
    assert_eq!(up.home.shows(&[&way, ["--", "echo in"].as_slice()].concat()), "in\n");
}

#[test]
fn a_key_exchange_that_is_not_known_is_named_beside_those_that_are() {
    let up = ["up", "--no-chat", "--allow-root", "--ssh", "127.0.0.1:0", "--ssh-kex"];
    for wrong in ["sntrup761x25519-sha512@openssh.com", "-curve25519"] {
        let said = Home::empty().fails(2, &[&up, [wrong].as_slice()].concat());
        let name = wrong.trim_start_matches('-');
        let told =
            format!("{name} is not known here; the server knows mlkem768x25519-sha256, curve25519-sha256");
        assert!(said.contains(&told), "{said}");
    }
}

#[test]
fn root_does_not_let_others_be_root_by_mistake() {
    needs_root!();
    let refused = Home::empty().fails(2, &["up", "--chat", "0", "--ssh", "127.0.0.1:0"]);
    assert!(refused.contains("opening the SSH line: whoever logs in would be root"), "{refused}");
    assert!(refused.contains("hint: --allow-root"), "{refused}");
}

#[test]
fn a_port_that_is_taken_ends_the_start_with_a_word() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let refused = Home::empty().fails(1, &["up", "--chat", "0", "--allow-root", "--ssh", &at]);
    assert!(refused.contains("opening the SSH line: ") && refused.contains(&at), "{refused}");
}

#[test]
fn ending_the_node_hangs_up_what_runs() {
    needs!("ssh", "ssh-keygen");
    let mut up = Up::start(&[]);
    up.allow(&[]);
    let mark = up.home.path().join("hung-up");
    // Without standard error: the shell would say there that sleep is gone, and nobody reads it any more.
    let waits = "exec 2>/dev/null; echo ready; while :; do sleep 0.1; done";
    let waits = format!("trap 'echo HUP > {}; exit' HUP; {waits}", mark.display());
    let mut client =
        up.client("ssh", &[]).arg(waits).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    Lines::of(client.stdout.take().unwrap()).wait_for("ready");
    up.process.signal(Signal::TERM);
    assert_eq!(up.process.exit_code(), 0);
    assert_eq!(fs::read_to_string(mark).unwrap(), "HUP\n");
    assert_eq!(client.wait().unwrap().code(), Some(255), "ssh says that the connection was lost");
    assert!(up.shows(": ended here after ").contains("ann "), "what became of it is shown");
}

#[test]
fn strangers_of_one_address_do_not_keep_others_out() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&[]);
    up.allow(&[]);
    let connect = |_| TcpStream::connect(format!("127.0.0.1:{}", up.place.port)).unwrap();
    // As many as may be, and one more.
    let strangers: Vec<_> = (0..101).map(connect).collect();
    let told = up.shows(" was turned away: ");
    assert!(told.contains("too many from this address have not logged in yet"), "{told}");
    let other = up.client("ssh", &["-b", "127.0.0.2"]).arg("echo in").output().unwrap();
    assert_eq!(other.stdout, b"in\n", "{other:?}");
    drop(strangers);
    wait_until("their places are free again", || up.ssh("echo in").status.success().then_some(()));
}

#[test]
fn a_program_reads_what_happens_as_json() {
    needs!("ssh", "ssh-keygen");
    let up = Up::start(&["--json"]);
    up.allow(&[]);
    assert!(up.ssh("exit 3").status.code() == Some(3));
    let line = up.process.screen.wait_for("\"ssh\":\"ended\"");
    let ended: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (ended["command"].as_str(), ended["exit"].as_str()),
        (Some("exit 3"), Some("status 3")),
        "{ended}"
    );
    assert_eq!(ended["key"].as_str(), Some(format!("ann {}", up.fingerprint).as_str()));
    assert!(ended["from"].as_str().unwrap().starts_with("tcp://127.0.0.1:") && ended["time"].is_string());
    assert!(ended["seconds"].is_f64(), "{ended}");
}
