//! How a server ends: SIGTERM drains, a second one ends, and Ctrl-C ends at once.

use std::io::ErrorKind;
use std::net::TcpStream;

use rustix::process::Signal;

use crate::serve::Serve;

#[test]
fn sigterm_lets_those_inside_finish_and_nobody_else_in() {
    let mut server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let mut inside = server.client();
    inside.say("hello");
    inside.hears("HELLO");
    server.signal(Signal::TERM);
    let draining = server.log.wait_for("draining");
    assert!(draining.contains("waiting for 1 connection (SIGTERM again ends at once)"), "{draining}");
    let refused = TcpStream::connect(("127.0.0.1", server.port())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    inside.say("still here");
    inside.hears("STILL HERE");
    inside.finish();
    assert_eq!(inside.hear_to_end(), b"");
    assert_eq!(server.exit_code(), 0);
    assert!(server.closing_line(1).contains(": eof; "));
}

#[test]
fn a_second_sigterm_ends_with_clients_inside_and_that_is_a_failure() {
    let mut server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let mut inside = server.client();
    inside.say("hello");
    inside.hears("HELLO");
    server.signal(Signal::TERM);
    server.log.wait_for("draining");
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code(), 1);
    assert!(server.closing_line(1).contains(": error: the server was ended; received 5 bytes in 1 message"));
    server.log.wait_for("cut: 1 connection still open");
    inside.is_shown_out();
}

#[test]
fn sigterm_with_nobody_inside_ends_well_for_every_kind_of_address() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a").display().to_string();
    let addresses = [
        "tcp://127.0.0.1:0",
        ":0",
        "udp://127.0.0.1:0",
        &format!("unix:{path}"),
        &format!("unix-dgram:{path}"),
    ];
    for address in addresses {
        for service in ["upper", "room", "shell", "talk"] {
            if service == "shell" && [":0", "udp://127.0.0.1:0"].contains(&address) {
                continue;
            }
            let mut server = Serve::new(address, service).with_person().start();
            server.signal(Signal::TERM);
            assert_eq!(server.exit_code(), 0, "{address} {service}");
        }
    }
}

#[test]
fn ctrl_c_ends_at_once() {
    let mut server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let mut inside = server.client();
    inside.say("hello");
    inside.hears("HELLO");
    server.signal(Signal::INT);
    assert_eq!(server.exit_code(), 130);
    assert!(server.closing_line(1).contains(": error: the server was ended; "));
    inside.is_shown_out();
}

#[test]
fn ctrl_c_ends_a_drain() {
    let mut server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let _inside = server.client();
    server.log.wait_for("opened");
    server.signal(Signal::TERM);
    server.log.wait_for("draining");
    server.signal(Signal::INT);
    assert_eq!(server.exit_code(), 130);
}
