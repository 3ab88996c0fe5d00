//! What one client may cost, whoever it is.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use remote::server::limits::{MAX_COMMAND, MAX_ENV, MAX_ENV_VALUE};

use super::support::{Host, PATIENCE, Said, run};

#[test]
fn who_says_nothing_is_left_when_the_time_to_log_in_is_over() {
    let host = Host::with(|config| config.limits.login_grace = Duration::from_millis(200));
    let mut silent = TcpStream::connect(host.address).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = Vec::new();
    silent.read_to_end(&mut said).unwrap();
    assert!(said.starts_with(b"SSH-2.0-trunkline_"));
    host.events.wait_for(&["Closed", "LoginGrace"]);
    assert!(host.server.connections().is_empty());
}

#[test]
fn who_begins_the_handshake_and_stops_is_left_too() {
    let host = Host::with(|config| config.limits.login_grace = Duration::from_millis(200));
    let mut slow = TcpStream::connect(host.address).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    slow.write_all(b"SSH-2.0-slow\r\n").unwrap();
    slow.read_to_end(&mut Vec::new()).unwrap();
    host.events.wait_for(&["Closed", "LoginGrace"]);
}

#[test]
fn a_packet_of_four_gibibytes_ends_the_connection_before_it_is_read() {
    let host = Host::start();
    let mut liar = TcpStream::connect(host.address).unwrap();
    liar.set_read_timeout(Some(PATIENCE)).unwrap();
    liar.write_all(b"SSH-2.0-liar\r\n\xff\xff\xff\xff\x04").unwrap();
    // A reset is an end, too: what was sent behind the length is not read.
    let _ = liar.read_to_end(&mut Vec::new());
    host.events.wait_for(&["Closed", "Failed"]);
}

#[test]
fn what_is_not_ssh_ends_the_connection() {
    let host = Host::start();
    let mut browser = TcpStream::connect(host.address).unwrap();
    browser.set_read_timeout(Some(PATIENCE)).unwrap();
    browser.write_all(&b"GET / HTTP/1.1\r\n".repeat(100_000)).ok();
    let _ = browser.read_to_end(&mut Vec::new());
    host.events.wait_for(&["Closed"]);
}

/// `-i` for so many keys that nobody knows.
fn wrong_keys(host: &Host, count: usize) -> Vec<String> {
    let name = |number| format!("wrong-{number}");
    (0..count)
        .flat_map(|number| {
            host.key(&name(number));
            ["-i".into(), host.path(&name(number)).display().to_string()]
        })
        .collect()
}

fn ssh_with(host: &Host, options: &[String]) -> Command {
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    host.ssh(&options)
}

#[test]
fn after_six_wrong_keys_the_connection_ends() {
    needs!("ssh");
    let host = Host::start();
    host.allow("");
    let wrong = wrong_keys(&host, 8);
    let output = ssh_with(&host, &wrong).arg("true").output().unwrap();
    assert!(output.err().contains("Too many authentication"), "{}", output.err());
    host.events.wait_for(&["Closed"]);
    assert_eq!(host.events.count("Refused"), 6);
}

#[test]
fn more_keys_than_may_be_shown_end_the_connection() {
    needs!("ssh");
    let host = Host::with(|config| config.limits.max_offers = 2);
    host.allow("");
    let wrong = wrong_keys(&host, 4);
    assert_eq!(ssh_with(&host, &wrong).arg("true").output().unwrap().status.code(), Some(255));
    host.events.wait_for(&["Refused", "Offers(2)"]);
}

#[test]
fn more_channels_than_the_limit_are_not_opened() {
    needs!("ssh");
    let host = Host::with(|config| config.limits.max_channels = 2);
    let socket = host.path("master").display().to_string();
    let share = |command: &str| {
        let mut ssh = host.ssh(&["-S", &socket]);
        ssh.arg(command).stdin(Stdio::null());
        ssh
    };
    let mut first =
        host.ssh(&["-M", "-S", &socket]).arg("echo; exec sleep 1000").stdout(Stdio::piped()).spawn().unwrap();
    first.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let mut second = share("echo; exec sleep 1000").stdout(Stdio::piped()).spawn().unwrap();
    second.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let third = share("echo here").output().unwrap();
    // ssh opens a connection of its own when the shared one has no room.
    assert!(
        third.err().contains("Session open refused by peer") || third.err().contains("open failed"),
        "{}",
        third.err()
    );
    second.kill().unwrap();
    second.wait().unwrap();
    host.events.wait_for(&["Ended"]);
    assert_eq!(run(&mut share("echo here")).out(), "here\n");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn a_client_that_answers_no_more_is_left() {
    needs!("ssh");
    let host = Host::with(|config| {
        config.limits.keepalive = Duration::from_millis(100);
        config.limits.keepalive_max = 2;
    });
    let mut ssh = host.ssh(&[]).arg("exec sleep 1000").stderr(Stdio::null()).spawn().unwrap();
    host.events.wait_for(&["Started"]);
    run(Command::new("kill").args(["-STOP", &ssh.id().to_string()]));
    host.events.wait_for(&["Ended", "HungUp"]);
    host.events.wait_for(&["Closed", "Failed"]);
    ssh.kill().unwrap();
    ssh.wait().unwrap();
}

#[test]
fn variables_past_their_limits_are_not_set() {
    needs!("ssh");
    let host = Host::start();
    let many: Vec<_> = (0..MAX_ENV + 8).map(|number| format!("LC_{number}=x")).collect();
    let set = format!("SetEnv={}", many.join(" "));
    let said = run(host.ssh(&["-o", &set]).arg("env")).out();
    assert_eq!(said.lines().filter(|line| line.starts_with("LC_") && line.ends_with("=x")).count(), MAX_ENV);
    let set = format!("SetEnv=LC_LONG={} LC_SHORT=x", "x".repeat(MAX_ENV_VALUE + 1));
    let said = run(host.ssh(&["-o", &set]).arg("env")).out();
    assert!(said.contains("LC_SHORT=x") && !said.contains("LC_LONG"));
}

#[test]
fn a_command_that_is_too_long_is_refused() {
    needs!("ssh");
    let host = Host::start();
    let half = "x".repeat(MAX_COMMAND / 2);
    let output = host.ssh(&[]).args(["true", &half, &half]).output().unwrap();
    assert!(output.err().contains("exec request failed"), "{}", output.err());
}

#[test]
fn weak_algorithms_are_not_spoken() {
    needs!("ssh");
    let host = Host::start();
    for options in [
        ["-o", "KexAlgorithms=diffie-hellman-group14-sha256", "-o", "Compression=no"],
        ["-o", "KexAlgorithms=diffie-hellman-group-exchange-sha256", "-o", "Compression=no"],
        ["-o", "Ciphers=aes128-ctr", "-o", "MACs=hmac-sha2-256"],
        ["-o", "Ciphers=aes128-ctr", "-o", "MACs=hmac-sha1-etm@openssh.com"],
        ["-o", "Ciphers=aes128-cbc", "-o", "MACs=hmac-sha2-256-etm@openssh.com"],
        ["-o", "HostKeyAlgorithms=rsa-sha2-512", "-o", "Compression=no"],
    ] {
        let output = host.ssh(&options).arg("true").output().unwrap();
        assert!(output.err().contains("Unable to negotiate"), "{options:?}: {}", output.err());
    }
}

#[test]
fn strong_algorithms_are_spoken_in_every_combination() {
    needs!("ssh");
    let host = Host::start();
    for kex in ["curve25519-sha256", "curve25519-sha256@libssh.org"] {
        for cipher in ["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"] {
            let options = [format!("KexAlgorithms={kex}"), format!("Ciphers={cipher}")];
            run(host.ssh(&["-o", &options[0], "-o", &options[1]]).arg("true"));
        }
    }
    for cipher in ["aes128-ctr", "aes192-ctr", "aes256-ctr"] {
        for mac in ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"] {
            let options = [format!("Ciphers={cipher}"), format!("MACs={mac}")];
            run(host.ssh(&["-o", &options[0], "-o", &options[1]]).arg("true"));
        }
    }
}

#[test]
fn agents_and_x11_are_not_passed_on() {
    needs!("ssh");
    let host = Host::start();
    let output = run(host.ssh(&["-A", "-X"]).arg("echo \"[$SSH_AUTH_SOCK$DISPLAY]\"").env("DISPLAY", ":0"));
    assert_eq!(output.out(), "[]\n");
}
