//! Connections passed on.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;

use crate::client::Said;
use crate::support::Host;

/// Answers one connection with what it was sent, backwards, once that has ended.
fn backwards() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut said = Vec::new();
            stream.read_to_end(&mut said).unwrap();
            said.reverse();
            stream.write_all(&said).unwrap();
        }
    });
    port
}

#[test]
fn a_connection_is_passed_on_and_each_direction_ends_alone() {
    needs!("ssh");
    let host = Host::that_forwards();
    let to = format!("127.0.0.1:{}", backwards());
    let mut ssh = host.ssh(&["-W", &to]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    ssh.stdin.take().unwrap().write_all(b"abc").unwrap();
    assert_eq!(ssh.wait_with_output().unwrap().out(), "cba");
    host.hears(&["runs a connection to 127.0.0.1:"]);
    host.hears(&["done", "3 bytes in, 3 out"]);
}

#[test]
fn nothing_is_passed_on_unless_the_server_and_the_key_allow_it() {
    needs!("ssh");
    let refused = |host: &Host, to: &str| {
        let output = host.ssh(&["-W", to]).stdin(Stdio::null()).output().unwrap();
        assert!(output.err().contains("administratively prohibited"), "{}", output.err());
    };
    refused(&Host::start(), "127.0.0.1:1");

    let host = Host::that_forwards();
    let key = std::fs::read_to_string(host.path("key.pub")).unwrap();
    host.allow(&format!("restrict {key}"));
    refused(&host, "127.0.0.1:1");
    host.allow(&format!("permitopen=\"127.0.0.1:1\" {key}"));
    refused(&host, "127.0.0.1:2");
}

#[test]
fn a_place_where_nobody_listens_is_told() {
    needs!("ssh");
    let host = Host::that_forwards();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let output = host.ssh(&["-W", &free.to_string()]).stdin(Stdio::null()).output().unwrap();
    assert!(output.err().contains("Connect failed"), "{}", output.err());
    host.hears(&["ran ", "refused"]);
}

#[test]
fn the_server_listens_for_nobody() {
    needs!("ssh");
    let host = Host::that_forwards();
    let output = host.ssh(&["-R", "0:127.0.0.1:1"]).arg("true").output().unwrap();
    assert!(output.err().contains("remote port forwarding failed"), "{}", output.err());
}
