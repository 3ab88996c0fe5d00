//! The socket calls of the tutorial's tables that a server has, each within a user's reach; `fileno` stands with the
//! inherited listeners.

use crate::client::Client;
use crate::needs::output_of;
use crate::serve::Serve;

#[test]
fn calls_bind_listen_accept_recv_send_close() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let mut client = server.client();
    server.log.wait_for("#1 opened");
    client.say("hello");
    client.hears("HELLO");
    drop(client);
    server.closing_line(1);
}

#[test]
fn calls_recvfrom_sendto() {
    let server = Serve::new("udp://127.0.0.1:0", "upper").arg("-v").start();
    let mut client = server.client();
    client.say("hello");
    client.hears("HELLO");
    server.log.wait_for(&format!("{}: hello\n", client.name()));
}

#[test]
fn calls_getpeername_getsockname() {
    let server = Serve::new(":0", "upper").start();
    let client = Client::of(&format!("tcp://127.0.0.1:{}", server.port()));
    let opened = server.log.wait_for("opened");
    assert_eq!(opened, format!("#1 opened: {} -> tcp://127.0.0.1:{}\n", client.name(), server.port()));
}

#[test]
fn call_setsockopt_reaches_the_kernel() {
    needs!("ss");
    let options = ["--sockopt", "keepalive=77", "--sockopt", "rcvbuf=64K", "--sockopt", "nodelay=off"];
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&options).start();
    let _client = server.client();
    server.log.wait_for("opened");
    let seen = output_of("ss", &["-tnHoim", "state", "established", &format!("sport = :{}", server.port())]);
    assert!(seen.contains("timer:(keepalive,1min1"), "keep-alive after 77 s in {seen}");
    // The kernel doubles what is asked for, for its own book-keeping (socket(7)).
    assert!(seen.contains(",rb131072,"), "a receive buffer of 64 KiB in {seen}");
}

#[test]
fn call_setsockopt_says_what_does_not_fit() {
    let refusals = [
        (
            "udp://127.0.0.1:0",
            "reuseaddr=on",
            "reuseaddr=on does not fit a udp socket: another process could then take its datagrams",
        ),
        ("udp://127.0.0.1:0", "nodelay=on", "nodelay=on does not fit a udp socket: it is for tcp"),
        ("tcp://127.0.0.1:0", "broadcast=on", "broadcast=on does not fit a tcp socket: it is for udp"),
        (
            "tcp://127.0.0.1:0",
            "linger=5",
            "a server that waits at closing one connection keeps the others waiting",
        ),
    ];
    for (address, option, reason) in refusals {
        let (code, error) = Serve::new(address, "upper").args(&["--sockopt", option]).refused();
        // What the kind of socket rules out is wrong usage; what only a listener cannot have shows when it listens.
        let (expected, doing) = if option == "linger=5" { (1, "listening on ") } else { (2, "--sockopt: ") };
        assert_eq!(code, expected, "{error}");
        assert!(error.starts_with(&format!("trunkline: {doing}")) && error.contains(reason), "{error}");
        assert_eq!(error.matches(option).count(), 1, "it is said once: {error}");
    }
}

#[test]
fn calls_settimeout_gettimeout_are_the_idle_limit_which_is_shown_when_it_ends_a_connection() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--idle", "0.2"]).start();
    server.client().is_shown_out();
    assert!(server.closing_line(1).contains(": timeout; "));
}
