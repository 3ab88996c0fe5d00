//! Rows S8, S10 and S11. S1 to S6 stand with the tutorial's programs, S7 with the frames.

use std::process::{Command, Stdio};

use crate::process::Process;
use crate::serve::{Serve, TRUNKLINE};
use crate::wait_until;

#[test]
fn row_s8_sockets_through_the_file_system() {
    let folder = tempfile::tempdir().unwrap();
    for scheme in ["unix", "unix-dgram"] {
        let address = format!("{scheme}:{}", folder.path().join(scheme).display());
        let server = Serve::new(&address, "upper").start();
        assert_eq!(server.log.wait_for(""), format!("listening on {address} (upper)\n"));
        let mut client = server.client();
        client.say("hello");
        client.hears("HELLO");
    }
    let server = Serve::new(&format!("unix:{}", folder.path().join("again").display()), "echo").start();
    drop(server.client());
    let (pid, uid) = (std::process::id(), rustix::process::geteuid().as_raw());
    let closed = server.closing_line(1);
    assert!(
        closed.starts_with(&format!("#1 closed: pid {pid} of uid {uid} -> {}: eof; ", server.address())),
        "{closed}"
    );
}

#[test]
fn row_s8_peers_of_others_over_a_socket_file() {
    needs!("socat", "nc.openbsd", "ncat");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a").display().to_string();
    let _server = Serve::new(&format!("unix:{path}"), "upper").start();
    for words in [
        vec!["socat", "-", &format!("UNIX-CONNECT:{path}")],
        vec!["nc.openbsd", "-N", "-U", &path],
        vec!["ncat", "-U", &path],
    ] {
        assert_eq!(answer_to(&words, "hello"), "HELLO\n", "{words:?}");
    }
}

#[test]
fn peers_of_others_over_tcp_and_udp() {
    needs!("socat", "nc.openbsd", "ncat");
    let server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let port = server.port().to_string();
    for words in [
        vec!["socat", "-", &format!("TCP:127.0.0.1:{port}")],
        vec!["nc.openbsd", "-N", "127.0.0.1", &port],
        vec!["ncat", "127.0.0.1", &port],
    ] {
        assert_eq!(answer_to(&words, "hello"), "HELLO\n", "{words:?}");
    }
    let server = Serve::new("udp://127.0.0.1:0", "upper").start();
    let mut socat = Command::new("socat");
    socat.args(["-", &format!("UDP:127.0.0.1:{}", server.port())]).stdin(Stdio::piped());
    let mut socat = Process::start(&mut socat);
    socat.type_line("hello");
    socat.screen.wait_for("HELLO");
}

/// Types one line to a program, leaves, and gives everything it shows.
fn answer_to(words: &[&str], line: &str) -> String {
    let mut program = Process::start(Command::new(words[0]).args(&words[1..]).stdin(Stdio::piped()));
    program.type_line(line);
    program.end_of_typing();
    program.screen.wait_for_all()
}

#[test]
fn row_s10_a_printer_serves_the_machines_of_an_office() {
    let folder = tempfile::tempdir().unwrap();
    let tray = folder.path().join("tray");
    // The printer takes what comes until the end of the job, and says nothing.
    let take = format!("cat >> {}", tray.display());
    let printer = Serve::exec("tcp://127.0.0.1:0", &["sh", "-c", &take]).start();
    let job: Vec<u8> = (0..200_000_u32).map(|at| u8::try_from(at % 256).unwrap()).collect();
    let file = folder.path().join("job");
    std::fs::write(&file, &job).unwrap();
    let mut connect = Command::new(TRUNKLINE);
    connect.args(["connect", "127.0.0.1", &printer.port().to_string()]);
    let mut connect = Process::start(connect.stdin(std::fs::File::open(&file).unwrap()));
    assert_eq!(connect.exit_code(), 0, "{}", connect.log.wait_for_all());
    let closed = printer.closing_line(1);
    assert!(closed.contains(": eof; received 200000 bytes"), "{closed}");
    let printed = wait_until("the job in the tray", || {
        std::fs::read(&tray).ok().filter(|tray| tray.len() >= job.len())
    });
    assert!(printed == job, "byte for byte");
}

#[test]
fn row_s11_trace_labels_what_it_shows_by_layer() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--trace", "--frame", "!I"]).start();
    let mut client = server.client();
    client.say(b"\0\0\0\x03one\0\0\0\x03two");
    client.hears(b"\0\0\0\x03ONE\0\0\0\x03TWO");
    client.finish();
    assert_eq!(client.hear_to_end(), b"");
    server.closing_line(1);
    for (layer, event) in [
        ("transport", "accepted, by SYN, SYN+ACK and ACK"),
        ("network", "IPv4 from 127.0.0.1 to 127.0.0.1"),
        ("transport", "read 1: 14 bytes"),
        ("message", "read 1 held messages 1 and 2, stuck together: the frame takes them apart"),
        ("message", "message 1 in: header 00 00 00 03, '!I' is 3"),
        ("application", "message 2 in, 3 bytes: two"),
        ("application", "message 1 out, 3 bytes: ONE"),
        ("transport", "FIN came: the other side will send nothing more"),
        ("transport", "FIN sent"),
        ("transport", "TIME_WAIT"),
    ] {
        let line = server.log.wait_for(event);
        assert!(line.contains(&format!(" #1  {layer} ")), "{line}");
    }
}

#[test]
fn row_s11_trace_shows_a_message_in_pieces_and_a_reset() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--trace", "--frame", "line"]).start();
    let mut client = server.client();
    client.say("hel");
    server.log.wait_for("read 1: 3 bytes");
    client.say("lo\n");
    client.hears("HELLO\n");
    client.reset();
    server.log.wait_for("message 1 in");
    server.log.wait_for("RST came");
    assert!(server.closing_line(1).contains(": reset; "));
}

#[test]
fn row_s11_trace_of_datagrams_as_json() {
    let server = Serve::new("udp://127.0.0.1:0", "upper").args(&["--trace", "--json"]).start();
    let mut client = server.client();
    client.say("hello");
    client.hears("HELLO");
    server.log.wait_for("HELLO");
    for line in server.log.so_far().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["event"].is_string() || line["layer"].is_string(), "{line}");
    }
}
