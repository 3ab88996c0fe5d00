//! The front door: whom it lets in, how many, and what happens when there is no room left.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::client::Client;
use crate::serve::{Serve, Serving};
use crate::wait_until;

#[track_caller]
fn is_served(client: &mut Client) {
    client.say("hello");
    client.hears("HELLO");
}

#[test]
fn a_connection_too_many_is_closed_and_a_place_given_back_is_free_again() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--max-connections", "1"]).start();
    let mut first = server.client();
    is_served(&mut first);
    let mut second = server.client();
    second.is_shown_out();
    let refused = server.log.wait_for("refused");
    let expected = format!(
        "refused: {} -> {}: 1 connections are open already (--max-connections)\n",
        second.name(),
        server.address()
    );
    assert_eq!(refused, expected);
    drop(first);
    server.closing_line(1);
    is_served(&mut server.client());
}

#[test]
fn one_address_cannot_take_all_places() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--per-ip", "1"]).start();
    let mut first = server.client();
    is_served(&mut first);
    server.client().is_shown_out();
    server.log.wait_for("1 connections from this address are open already (--per-ip)");
    is_served(&mut Client::from("127.0.0.2:0", &server.address()));
}

#[test]
fn deny_keeps_a_network_out_and_wins_over_allow() {
    let lists = ["--allow", "127.0.0.0/8", "--deny", "127.0.0.2,127.0.1.0/24"];
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&lists).start();
    for outside in ["127.0.0.2:0", "127.0.1.9:0"] {
        Client::from(outside, &server.address()).is_shown_out();
    }
    server.log.wait_for_nth("the address is not allowed in (--allow, --deny)", 2);
    is_served(&mut Client::from("127.0.0.3:0", &server.address()));
}

#[test]
fn allow_lets_only_its_networks_in() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--allow", "127.0.0.9"]).start();
    server.client().is_shown_out();
    is_served(&mut Client::from("127.0.0.9:0", &server.address()));
}

#[test]
fn an_ipv4_client_of_a_socket_for_both_families_is_judged_by_its_ipv4_address() {
    let server = Serve::new(":0", "upper").args(&["--deny", "127.0.0.2", "--per-ip", "1"]).start();
    let address = format!("tcp://127.0.0.1:{}", server.port());
    Client::from("127.0.0.2:0", &address).is_shown_out();
    is_served(&mut Client::of(&address));
    is_served(&mut Client::of(&format!("tcp://[::1]:{}", server.port())));
}

#[test]
fn the_lists_hold_for_datagrams_too() {
    let server = Serve::new("udp://127.0.0.1:0", "upper").args(&["--deny", "127.0.0.2"]).start();
    let mut outside = Client::from("127.0.0.2:0", &server.address());
    outside.say("hello");
    is_served(&mut server.client());
    outside.has_heard_nothing();
}

#[test]
fn who_speaks_is_not_idle() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--idle", "0.3"]).start();
    let (mut busy, mut silent) = (server.client(), server.client());
    wait_until("the silent one's end", || {
        is_served(&mut busy);
        (server.log.count("closed") > 0).then_some(())
    });
    silent.is_shown_out();
    assert!(server.closing_line(2).contains(": timeout; "), "the busy one stays");
}

#[test]
fn a_client_that_does_not_take_its_answers_is_idle() {
    for service in ["upper", "chargen", "shell"] {
        let server = Serve::new("tcp://127.0.0.1:0", service).args(&["--idle", "0.3"]).start();
        let mut deaf = server.client();
        if service == "shell" {
            deaf.say("yes")
        } else {
            drop(deaf.say_until_full(&[b'x'; 65_536]))
        }
        let closed = server.closing_line(1);
        assert!(closed.contains(": timeout; "), "{service}: {closed}");
    }
}

#[test]
fn a_thousand_clients_are_served_at_once() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let mut clients: Vec<Client> = (0..1000).map(|_| server.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.say(format!("hello from {number:04}"));
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.hears(format!("HELLO FROM {number:04}"));
    }
    assert_eq!(server.log.count("closed"), 0, "all are inside at once");
    drop(clients);
    server.log.wait_for_nth(": eof; received 15 bytes in 1 message, sent 15 bytes; ", 1000);
}

#[test]
fn a_full_table_of_descriptors_is_survived_and_does_not_spin() {
    let few = ["sh", "-c", "ulimit -n 32 && exec \"$@\"", "sh"];
    let server = Serve::under(&few, "tcp://127.0.0.1:0", "upper").start();
    let mut clients: Vec<Client> = (0..40).map(|_| server.client()).collect();
    let trouble = server.log.wait_for("trouble");
    assert_eq!(trouble, "trouble: accepting a connection: Too many open files (os error 24)\n");
    is_served(&mut clients[0]);
    // A server that spins does not sleep: one that tries again now and then goes to sleep in between.
    let (ticks, rests) = (cpu_ticks(&server), times_slept(&server));
    wait_until("the server to rest", || (times_slept(&server) >= rests + 5).then_some(()));
    assert!(cpu_ticks(&server) - ticks <= 5, "five rests cost at most 50 ms of its time");
    assert_eq!(server.log.count("trouble"), 1, "it is said once");
    clients.drain(..20);
    for client in &mut clients {
        is_served(client);
    }
}

/// The processor time used, in clock ticks of 10 ms (proc_pid_stat(5)).
fn cpu_ticks(server: &Serving) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

/// How often it went to sleep of its own accord (proc_pid_status(5)).
fn times_slept(server: &Serving) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}
