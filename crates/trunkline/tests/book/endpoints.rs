//! Names where addresses stand.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use crate::home::Home;

const LIMIT: Duration = Duration::from_secs(30);

/// A far side that takes one connection, and gives back what was sent before it answered `answer`.
fn far_side(answer: &'static [u8]) -> (String, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut sent = vec![0; 64];
        let length = stream.read(&mut sent).unwrap();
        stream.write_all(answer).unwrap();
        sent.truncate(length);
        sent
    });
    (address, thread)
}

#[test]
fn a_name_connects_to_its_address() {
    let (address, far) = far_side(b"taken\n");
    let home = Home::empty();
    home.shows(&["book", "add", "Printer", "--socket", &address]);
    assert_eq!(home.shows(&["connect", "printer", "-m", "job"]), "taken\n");
    assert_eq!(far.join().unwrap(), b"job");
}

#[test]
fn the_frame_of_the_book_is_used_unless_another_is_asked_for() {
    let home = Home::empty();
    let (address, far) = far_side(b"\0\0\0\x02ok");
    home.shows(&["book", "add", "scale", "--socket", &address, "--frame", "!I"]);
    assert_eq!(home.shows(&["connect", "scale", "-m", "weigh"]), "ok\n");
    assert_eq!(far.join().unwrap(), b"\0\0\0\x05weigh");
    let (address, far) = far_side(b"ok\n");
    home.shows(&["book", "add", "scale", "--socket", &address, "--replace"]);
    assert_eq!(home.shows(&["connect", "scale", "-m", "weigh", "--frame", "line"]), "ok\n");
    assert_eq!(far.join().unwrap(), b"weigh\n");
}

#[test]
fn a_name_that_leads_nowhere_is_wrong_usage_with_the_way_out() {
    let home = Home::with_book("[entry.gate]\nssh = \"gate.lab\"\n");
    let error = home.fails(2, &["connect", "printer"]);
    assert!(error.contains("'printer' is not in the book") && error.contains("printer:8080"), "{error}");
    let error = home.fails(2, &["connect", "gate"]);
    assert!(error.contains("no socket line") && error.contains("book add gate --socket"), "{error}");
    let error = home.fails(2, &["serve", "127.0.0.1:0", "forward", "gate"]);
    assert!(error.contains("no socket line"), "{error}");
}

/// Ends the server with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn forward_joins_with_a_name_and_makes_datagrams_by_its_frame() {
    let (address, far) = far_side(b"\0\0\0\x02ok");
    let home = Home::empty();
    home.shows(&["book", "add", "scale", "--socket", &address, "--frame", "!I"]);
    let mut command = home.command(env!("CARGO_BIN_EXE_trunkline"));
    command.args(["serve", "udp://127.0.0.1:0", "forward", "scale", "--json"]).stderr(Stdio::piped());
    let mut server = Server(command.spawn().unwrap());
    let mut ready = String::new();
    let mut log = std::io::BufReader::new(server.0.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut log, &mut ready).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let address =
        ready["at"].as_str().or(ready["address"].as_str()).expect("an address").trim_start_matches("udp://");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.send_to(b"weigh", address).unwrap();
    let mut answer = [0; 16];
    let length = socket.recv(&mut answer).unwrap();
    assert_eq!(&answer[..length], b"ok");
    assert_eq!(far.join().unwrap(), b"\0\0\0\x05weigh");
}
