//! Datagrams: sizes, senders that get no answer, and loops that die out.

use std::net::UdpSocket;

use rustix::process::Signal;

use crate::client::Client;
use crate::serve::{Serve, Serving};

#[test]
fn each_datagram_is_answered_to_its_sender() {
    let server = Serve::new("udp://127.0.0.1:0", "upper").arg("-v").start();
    let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.say(format!("hello {number}"));
    }
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.hear_once(), format!("HELLO {number}").as_bytes());
        server.log.wait_for(&format!("{}: hello {number}\n", client.name()));
    }
}

#[test]
fn a_sender_on_a_port_of_the_well_known_services_gets_no_answer() {
    needs_root!();
    for service in ["upper", "echo", "chargen", "room"] {
        let server = Serve::new("udp://127.0.0.1:0", service).start();
        // A test that runs beside this one may hold the port for a moment.
        let mut forged = privileged_port(&server);
        forged.say("hello");
        let mut good = [server.client(), server.client()];
        if service == "room" {
            good[1].say("I am here");
        }
        good[0].say("hi");
        let heard = &mut good[usize::from(service == "room")];
        assert!(!heard.hear_once().is_empty());
        forged.has_heard_nothing();
    }
}

/// A client on a port below 1024.
fn privileged_port(server: &Serving) -> Client {
    let free = (600..1024).rev().find(|port| UdpSocket::bind(("127.0.0.1", *port)).is_ok()).unwrap();
    Client::from(&format!("127.0.0.1:{free}"), &server.address())
}

/// Plays an echo service that the server is made to talk with: every answer goes back as it came. Gives the
/// number of answers before the server falls silent.
fn rounds_with_an_echo_service(service: &str) -> usize {
    let server = Serve::new("udp://127.0.0.1:0", service).start();
    let mut echo = server.client();
    echo.say("HELLO");
    let mut rounds = 0;
    loop {
        assert_eq!(echo.hear_once(), b"HELLO");
        rounds += 1;
        assert!(rounds < 10_000, "it goes on for ever");
        // Two go back each time: the second would have its own answer, if the first had none.
        echo.say("HELLO");
        if rounds < 64 {
            continue;
        }
        echo.say("ping?");
        let next = echo.hear_once();
        if next != b"HELLO" {
            return rounds;
        }
        echo.hear_once();
    }
}

#[test]
fn an_answer_that_comes_back_again_and_again_is_left_unanswered() {
    for service in ["upper", "echo"] {
        let rounds = rounds_with_an_echo_service(service);
        assert!(rounds <= 128, "{service} was stopped after {rounds} rounds");
    }
}

#[test]
fn two_services_joined_by_a_forged_datagram_die_out() {
    let one = Serve::new("udp://127.0.0.1:0", "echo").arg("-v").start();
    // Nothing forges an address as well as having had it: a datagram from the second service's port waits at the
    // first one, which stands still meanwhile.
    let second = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = format!("udp://{}", second.local_addr().unwrap());
    one.signal(Signal::STOP);
    second.send_to(b"FORGED", ("127.0.0.1", one.port())).unwrap();
    drop(second);
    let other = Serve::new(&address, "echo").arg("-v").start();
    one.signal(Signal::CONT);
    other.log.wait_for_nth(": FORGED", 32);
    // Each of these takes longer than a round of a loop that lives. Each differs, for it is its own answer, too.
    let (mut to_one, mut to_other) = (one.client(), other.client());
    let mut ping = |number: usize| {
        for client in [&mut to_one, &mut to_other] {
            client.say(format!("ping {number}"));
            client.hears(format!("ping {number}"));
        }
    };
    (0..100).for_each(&mut ping);
    let rounds = other.log.count(": FORGED");
    assert!((32..=200).contains(&rounds), "{rounds} rounds");
    (100..200).for_each(&mut ping);
    assert_eq!(other.log.count(": FORGED"), rounds, "it is dead");
}

#[test]
fn chargen_over_udp_stays_on_this_machine() {
    for address in ["udp://0.0.0.0:0", "udp://:0"] {
        let (code, error) = Serve::new(address, "chargen").refused();
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("chargen over UDP stays on this machine"), "{error}");
    }
    let server = Serve::new("udp://127.0.0.1:0", "chargen").start();
    let mut client = server.client();
    client.say("x");
    assert_eq!(client.hear_once().len(), 74, "a line and its CR LF");
}

#[test]
fn in_a_room_over_udp_all_hear_what_one_says() {
    let server = Serve::new("udp://127.0.0.1:0", "room").arg("-v").start();
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.say("anybody?");
    server.log.wait_for("anybody?");
    ben.say("me");
    assert_eq!(ann.hear_once(), b"me");
    ann.say("good");
    assert_eq!(ben.hear_once(), b"good");
    ann.has_heard_nothing();
}

#[test]
fn datagrams_over_a_socket_file() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix-dgram:{}", folder.path().join("a").display());
    let server = Serve::new(&address, "upper").start();
    assert_eq!(server.log.wait_for(""), format!("listening on {address} (upper)\n"));
    let mut clients = [server.client(), server.client()];
    for client in &mut clients {
        client.say("hello");
        client.say("x".repeat(65_507));
        assert_eq!(client.hear_once(), b"HELLO");
        assert_eq!(client.hear_once(), "X".repeat(65_507).as_bytes());
    }
}

#[test]
fn exec_needs_a_stream() {
    let (code, error) = Serve::exec("udp://127.0.0.1:0", &["date"]).refused();
    assert_eq!(code, 2, "{error}");
    assert!(
        error.contains("exec gives a connection to a process, and datagrams have no connection"),
        "{error}"
    );
}
