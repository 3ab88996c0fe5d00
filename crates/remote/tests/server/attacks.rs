//! What one client may cost, whoever it is.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use remote::server::limits::{MAX_COMMAND, MAX_ENV, MAX_ENV_VALUE, MAX_REASON, MAX_USER};

use super::strict::Client;
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

/// A client that keeps to no rules: paramiko, whose messages are written by hand. It has `transport` and `key`, is
/// not logged in, and can send any message by `send(number, parts...)`, where text is a string and a number has four bytes.
fn lawless(host: &Host, text: &str) -> Command {
    const BEFORE: &str = r#"
import paramiko, sys, threading
transport = paramiko.Transport(("127.0.0.1", int(sys.argv[1])))
transport.start_client(timeout=60)
key, user = paramiko.Ed25519Key(filename="key"), sys.argv[2]
def send(number, *parts):
    message = paramiko.Message()
    message.add_byte(bytes([number]))
    for part in parts:
        if isinstance(part, bool):
            message.add_boolean(part)
        elif isinstance(part, int):
            message.add_int(part)
        else:
            message.add_string(part)
    transport._send_user_message(message)
def opened():
    channel = transport.open_session(timeout=60)
    return channel, channel.remote_chanid
"#;
    let mut python = Command::new("/usr/bin/python3");
    python.args([
        "-W",
        "ignore",
        "-c",
        &format!("{BEFORE}{text}"),
        &host.address.port().to_string(),
        &host.user,
    ]);
    python.current_dir(host.path("")).stdin(Stdio::null());
    python
}

/// What such a client prints.
#[track_caller]
fn said_by(host: &Host, text: &str) -> String {
    run(&mut lawless(host, text)).out()
}

#[test]
fn a_client_that_takes_nothing_of_what_it_is_sent_is_left() {
    needs!("paramiko", "ssh");
    let host = Host::with(|config| {
        config.limits.keepalive = Duration::from_millis(100);
        config.limits.keepalive_max = 2;
    });
    // With such a window the way itself is full, so that nothing can be asked of this client any more.
    let text = r#"
transport.auth_publickey(user, key)
channel = transport.open_session(window_size=0xffffffff, timeout=60)
transport.packetizer.read_message = lambda: threading.Event().wait()
send(98, channel.remote_chanid, b"exec", False, b"yes")
sys.stdin.read()
"#;
    let mut deaf = lawless(&host, text).stdin(Stdio::piped()).spawn().unwrap();
    host.events.wait_for(&["Started"]);
    host.events.wait_for(&["Ended", "HungUp"]);
    host.events.wait_for(&["Closed", "Failed"]);
    serves(&host);
    deaf.kill().unwrap();
    deaf.wait().unwrap();
}

/// Whether stock ssh is served, as if nothing were.
#[track_caller]
fn serves(host: &Host) {
    assert_eq!(run(host.ssh(&[]).arg("echo here")).out(), "here\n");
}

#[test]
fn a_name_of_a_user_that_nobody_has_is_told_in_part() {
    needs!("paramiko", "ssh");
    let host = Host::start();
    let said = said_by(
        &host,
        r#"
try:
    transport.auth_publickey("é" * 50000, key)
except paramiko.AuthenticationException as error:
    print(type(error).__name__)
"#,
    );
    assert_eq!(said, "AuthenticationException\n");
    let told = host.events.wait_for(&["Refused", "éé"]);
    assert!(
        told.contains(&"é".repeat(MAX_USER / 2)) && !told.contains(&"é".repeat(MAX_USER / 2 + 1)),
        "{told}"
    );
}

#[test]
fn what_a_client_offers_in_vain_is_told_in_part() {
    let host = Host::start();
    let (mut client, _) = Client::connect(&host);
    client.offer(&vec!["new-kex"; 1000].join(","));
    while client.receive().is_some() {}
    let told = host.events.wait_for(&["Closed", "No common Kex algorithm"]);
    // The test's event has it twice: as it is, and in words.
    let repeated = told.matches("new-kex").count() / 2;
    assert!((10..MAX_REASON / "new-kex".len()).contains(&repeated), "{told}");
}

#[test]
fn who_sends_more_than_the_window_ends_its_channel_and_no_other() {
    needs!("paramiko", "ssh");
    let host = Host::with(|config| {
        config.limits.input_in_memory = 1024 * 1024;
        config.limits.input_on_disk = 1024 * 1024;
    });
    let said = said_by(
        &host,
        r#"
transport.auth_publickey(user, key)
other, _ = opened()
other.exec_command("cat")
channel, number = opened()
channel.exec_command("exec sleep 1000")
# Twice the window, and nobody has read a byte.
for _ in range(512):
    send(94, number, b"x" * 32768)
said = channel.makefile_stderr().read().decode()
print(said.strip(), channel.exit_status_ready())
other.sendall(b"still here")
other.shutdown_write()
print(other.makefile().read().decode())
"#,
    );
    assert!(said.starts_with("trunkline: the command does not read its input"), "{said}");
    assert!(said.ends_with("still here\n"), "{said}");
    serves(&host);
}

#[test]
fn a_packet_longer_than_any_may_be_ends_the_connection_and_no_other() {
    needs!("paramiko", "ssh");
    let host = Host::start();
    let said = said_by(
        &host,
        r#"
transport.auth_publickey(user, key)
channel, number = opened()
channel.exec_command("cat >/dev/null")
try:
    send(94, number, b"x" * 1000000)
    transport.join(60)
except Exception:
    pass
print(transport.is_active())
"#,
    );
    assert_eq!(said, "False\n");
    host.events.wait_for(&["Closed", "Failed"]);
    serves(&host);
}

#[test]
fn floods_of_channels_windows_signals_and_requests_are_answered_and_leave_nothing_behind() {
    needs!("paramiko", "ssh");
    let host = Host::start();
    let said = said_by(
        &host,
        r#"
transport.auth_publickey(user, key)
channel, number = opened()
channel.exec_command("trap '' USR1; echo ready; exec cat")
print(channel.recv(6).decode(), end="")
for _ in range(1000):
    send(93, number, 0xffffffff)                            # room in the window
    send(93, 4711, 1)                                       # of no channel
    send(90, b"session", 1000, 0xffffffff, 0xffffffff)      # a channel
    send(90, b"x11", 1000, 1, 1, b"", 1)
    send(98, number, b"nonsense", False)                    # a request that nobody knows
    send(98, number, b"signal", False, b"USR1")             # more signals than may wait
    send(2, b"x" * 1000)                                    # SSH_MSG_IGNORE
channel.sendall(b"through it all")
channel.shutdown_write()
print(channel.makefile().read().decode())
"#,
    );
    // 1,000 channels are asked for, and no more than the limit are there: this one has nine of them beside it.
    assert_eq!(said, "ready\nthrough it all\n");
    host.events.wait_for(&["Closed"]);
    assert!(host.server.connections().is_empty());
    serves(&host);
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
fn agents_and_x11_are_not_passed_on() {
    needs!("ssh");
    let host = Host::start();
    let output = run(host.ssh(&["-A", "-X"]).arg("echo \"[$SSH_AUTH_SOCK$DISPLAY]\"").env("DISPLAY", ":0"));
    assert_eq!(output.out(), "[]\n");
}
