//! `connect -z`: is anybody there? The tutorial's connect_ex.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};

use crate::program::{free_port, run};
use serde_json::Value;

fn probe(arguments: &[&str]) -> (Option<i32>, String) {
    let ran = run(["connect", "-z"].iter().chain(arguments), b"");
    assert_eq!(ran.err, "");
    (ran.code, ran.text().to_owned())
}

#[test]
fn an_open_port_is_good_and_says_how_long_it_took() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let (code, text) = probe(&[&address]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with(&format!("{address} is open (")) && text.ends_with(" ms)\n"), "{text}");
}

#[test]
fn a_closed_port_is_bad_and_says_why() {
    let port = free_port();
    let (code, text) = probe(&["127.0.0.1", &port.to_string()]);
    assert_eq!(code, Some(1));
    assert_eq!(text, format!("tcp://127.0.0.1:{port} is closed: connection refused (ECONNREFUSED, 111)\n"));
}

#[test]
fn json_has_the_number_its_name_and_its_meaning() {
    let port = free_port();
    let (code, text) = probe(&["127.0.0.1", &port.to_string(), "--json"]);
    assert_eq!(code, Some(1));
    let mut finding: Value = serde_json::from_str(&text).unwrap();
    assert!(finding["ms"].take().as_f64().unwrap() > 0.0);
    let address = format!("tcp://127.0.0.1:{port}");
    assert_eq!(
        finding,
        serde_json::json!({
            "address": address, "open": false, "errno": 111, "name": "ECONNREFUSED",
            "meaning": "connection refused", "ms": null,
        })
    );

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, text) = probe(&[&listener.local_addr().unwrap().to_string(), "--json"]);
    assert_eq!(code, Some(0));
    let finding: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&finding["open"], &finding["errno"], &finding["name"]),
        (&true.into(), &0.into(), &Value::Null)
    );
}

#[test]
fn a_name_that_is_not_known_has_no_number() {
    // RFC 6761 keeps `.invalid` free of hosts for ever.
    let (code, text) = probe(&["printer.invalid:9100", "--json"]);
    assert_eq!(code, Some(1));
    let finding: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&finding["open"], &finding["errno"]), (&false.into(), &Value::Null));
    assert!(finding["meaning"].as_str().unwrap().contains("looking up the name printer.invalid"));
}

#[test]
fn socket_files_are_probed_too() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, datagram) = (folder.path().join("stream"), folder.path().join("datagram"));
    let _listener = UnixListener::bind(&stream).unwrap();
    let _socket = UnixDatagram::bind(&datagram).unwrap();
    assert_eq!(probe(&[&format!("unix:{}", stream.display())]).0, Some(0));
    assert_eq!(probe(&[&format!("unix-dgram:{}", datagram.display())]).0, Some(0));
    let (code, text) = probe(&[&format!("unix:{}/none", folder.path().display())]);
    assert_eq!(code, Some(1));
    assert!(text.ends_with("/none is closed: no such socket file (ENOENT, 2)\n"), "{text}");
}

#[test]
fn over_udp_only_a_refusal_and_an_answer_are_certain() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = format!("udp://{}", silent.local_addr().unwrap());
    let (code, text) = probe(&[&address, "-w", "0.05"]);
    assert_eq!(code, Some(0));
    assert_eq!(text, format!("{address} may be open: it neither refused nor answered within 0.05 s\n"));
    let (_, text) = probe(&[&address, "-w", "0.05", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["open"], Value::Null);

    let address = format!("udp://127.0.0.1:{}", free_port());
    let (code, text) = probe(&[&address]);
    assert_eq!(code, Some(1));
    assert_eq!(text, format!("{address} is closed: connection refused (ECONNREFUSED, 111)\n"));
}
