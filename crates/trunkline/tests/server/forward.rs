//! `forward` joins lines of any two kinds.

use std::net::TcpListener;
use std::path::Path;

use tempfile::TempDir;

use crate::client::Client;
use crate::serve::{Serve, Serving};

/// An address of each kind, with socket files in `folder`.
fn address(kind: &str, folder: &Path, name: &str) -> String {
    match kind {
        "tcp" | "udp" => format!("{kind}://127.0.0.1:0"),
        _ => format!("{kind}:{}", folder.join(name).display()),
    }
}

/// A server of `service` at `far`, and one in front of it at `near` that forwards to it.
fn joined(near: &str, far: &str, service: &str, frame: &[&str]) -> (TempDir, Serving, Serving) {
    let folder = tempfile::tempdir().unwrap();
    let behind = Serve::new(&address(far, folder.path(), "far"), service).arg("-v").start();
    let front =
        Serve::new(&address(near, folder.path(), "near"), "forward").arg(behind.address()).args(frame);
    (folder, front.start(), behind)
}

#[test]
fn any_kind_is_joined_with_any_other() {
    let kinds = ["tcp", "udp", "unix", "unix-dgram"];
    for near in kinds {
        for far in kinds {
            let (_folder, front, _behind) = joined(near, far, "upper", &[]);
            let mut client = front.client();
            for word in ["hello", "once more"] {
                client.say(word);
                client.hears(word.to_uppercase());
            }
        }
    }
}

#[test]
fn each_direction_of_a_joined_stream_ends_alone() {
    for (near, far) in [("tcp", "tcp"), ("unix", "tcp"), ("tcp", "unix")] {
        let folder = tempfile::tempdir().unwrap();
        let behind = Serve::new(&address(far, folder.path(), "far"), "exec");
        drop(behind);
        // It answers only once its input has ended.
        let behind = Serve::exec(&address(far, folder.path(), "far"), &["sort"]).start();
        let front =
            Serve::new(&address(near, folder.path(), "near"), "forward").arg(behind.address()).start();
        let mut client = front.client();
        client.say("b\na\n");
        client.finish();
        assert_eq!(client.hear_to_end(), b"a\nb\n", "{near} to {far}");
        let closed = front.closing_line(1);
        assert!(
            closed.contains(": eof; received 4 bytes") && closed.contains(", sent 4 bytes; "),
            "{closed}"
        );
    }
}

#[test]
fn a_far_side_that_has_said_its_last_still_listens() {
    let far = TcpListener::bind("127.0.0.1:0").unwrap();
    let front = Serve::new("tcp://127.0.0.1:0", "forward")
        .arg(format!("tcp://{}", far.local_addr().unwrap()))
        .start();
    let mut client = front.client();
    let mut far = Client::accepted(&far);
    far.say("goodbye");
    far.finish();
    assert_eq!(client.hear_to_end(), b"goodbye");
    client.say("so long");
    client.finish();
    assert_eq!(far.hear_to_end(), b"so long");
    assert!(front.closing_line(1).contains(": eof; received 7 bytes"));
}

#[test]
fn a_million_bytes_pass_both_ways() {
    let (_folder, front, _behind) = joined("tcp", "unix", "echo", &[]);
    let sent: Vec<u8> = (0..1_000_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mut client = front.client();
    let mut listener = client.listener();
    let heard = std::thread::spawn(move || listener.hear_to_end());
    client.say(&sent);
    client.finish();
    assert!(heard.join().unwrap() == sent, "what comes back is what went");
}

#[test]
fn the_messages_of_a_framed_stream_become_datagrams_and_come_back_as_messages() {
    let (_folder, front, behind) = joined("tcp", "udp", "upper", &["--frame", "!I"]);
    let mut client = front.client();
    client.say(b"\0\0\0\x03one\0\0\0\x09stuck two");
    client.hears(b"\0\0\0\x03ONE\0\0\0\x09STUCK TWO");
    behind.log.wait_for(": one\n");
    behind.log.wait_for(": stuck two\n");
}

#[test]
fn datagrams_become_messages_of_a_framed_stream() {
    let folder = tempfile::tempdir().unwrap();
    let frame = ["--frame", "line"];
    let behind = Serve::new(&address("tcp", folder.path(), "far"), "upper").args(&frame).arg("-v").start();
    let front = Serve::new("udp://127.0.0.1:0", "forward").arg(behind.address()).args(&frame).start();
    let (mut ann, mut ben) = (front.client(), front.client());
    ann.say("from ann");
    ben.say("from ben");
    assert_eq!(ann.hear_once(), b"FROM ANN");
    assert_eq!(ben.hear_once(), b"FROM BEN");
    behind.log.wait_for("#2 opened");
    behind.log.wait_for(": from ann\n");
}

#[test]
fn a_sender_of_datagrams_who_falls_silent_gives_its_line_back() {
    let folder = tempfile::tempdir().unwrap();
    let behind = Serve::new(&address("tcp", folder.path(), "far"), "upper").start();
    let front =
        Serve::new("udp://127.0.0.1:0", "forward").arg(behind.address()).args(&["--idle", "0.3"]).start();
    let mut client = front.client();
    client.say("hello");
    assert_eq!(client.hear_once(), b"HELLO");
    let closed = front.closing_line(1);
    assert!(
        closed.contains(&format!("#1 closed: {} -> {}: timeout; ", client.name(), front.address())),
        "{closed}"
    );
    assert!(behind.closing_line(1).contains(": eof; "));
    client.say("again");
    assert_eq!(client.hear_once(), b"AGAIN");
}

#[test]
fn the_limits_hold_for_senders_of_datagrams_too() {
    let folder = tempfile::tempdir().unwrap();
    let behind = Serve::new(&address("tcp", folder.path(), "far"), "upper").start();
    let front = Serve::new("udp://127.0.0.1:0", "forward")
        .arg(behind.address())
        .args(&["--max-connections", "1"])
        .start();
    let (mut ann, mut ben) = (front.client(), front.client());
    ann.say("hello");
    assert_eq!(ann.hear_once(), b"HELLO");
    ben.say("me too");
    let refused = front.log.wait_for("refused");
    assert!(
        refused.contains(&format!("{} -> {}: 1 connections are open already", ben.name(), front.address())),
        "{refused}"
    );
}

#[test]
fn a_far_side_that_nobody_serves_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let front = Serve::new("tcp://127.0.0.1:0", "forward").arg(format!("tcp://{free}")).start();
    front.client().is_shown_out();
    let closed = front.closing_line(1);
    assert!(closed.contains(&format!(": error: connecting to tcp://{free}: connection refused")), "{closed}");
}

#[test]
fn a_message_too_long_for_a_datagram_ends_with_limit() {
    let (_folder, front, _behind) = joined("tcp", "udp", "upper", &["--frame", "!I"]);
    let mut client = front.client();
    client.try_say(65_508_u32.to_be_bytes());
    client.try_say(vec![b'x'; 65_508]);
    client.is_shown_out();
    let closed = front.closing_line(1);
    assert!(
        closed.contains(": limit: a message of 65508 bytes does not fit into a datagram of 65507"),
        "{closed}"
    );
}

#[test]
fn a_client_that_breaks_off_breaks_off_the_far_side() {
    let (_folder, front, behind) = joined("tcp", "tcp", "upper", &[]);
    let mut client = front.client();
    client.say("hello");
    client.hears("HELLO");
    client.reset();
    assert!(front.closing_line(1).contains(": reset; "));
    behind.closing_line(1);
}
