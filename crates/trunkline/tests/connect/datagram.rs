//! `connect` over datagrams, in a pipe and with `-m`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

use crate::program::{LIMIT, Running, free_port, noise, run, trunkline};

/// The longest payload over IPv4.
const LONGEST: usize = 65_507;

/// A server that gives each of `count` datagrams the answers that `answer` makes. Returns what came.
fn udp_server(
    count: usize,
    answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
) -> (String, JoinHandle<Vec<Vec<u8>>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let address = format!("udp://{}", socket.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        let mut received = Vec::new();
        for _ in 0..count {
            let (bytes, client) = socket.recv_from(&mut buffer).unwrap();
            for payload in answer(&buffer[..bytes]) {
                socket.send_to(&payload, client).unwrap();
            }
            received.push(buffer[..bytes].to_vec());
        }
        received
    });
    (address, server)
}

fn upper(payload: &[u8]) -> Vec<Vec<u8>> {
    vec![payload.to_ascii_uppercase()]
}

#[test]
fn each_message_is_a_datagram_and_each_answer_a_line() {
    let (address, server) = udp_server(2, upper);
    let ran = run(["connect", &address, "-m", "one", "-m", "two"], b"");
    assert_eq!((ran.code, ran.text(), ran.err.as_str()), (Some(0), "ONE\nTWO\n", ""));
    assert_eq!(server.join().unwrap(), [b"one", b"two"]);
}

#[test]
fn a_lost_answer_is_a_time_out_and_never_a_hang() {
    let answer = |payload: &[u8]| if payload == b"lost" { Vec::new() } else { upper(payload) };
    let (address, _server) = udp_server(2, answer);
    let ran = run(["connect", &address, "-m", "lost", "-m", "found", "-w", "0.2"], b"");
    assert_eq!((ran.code, ran.text()), (Some(124), "FOUND\n"));
    assert_eq!(ran.err, format!("trunkline: 1 of 2 answers came from {address} within 0.2 s\n"));

    let (address, _server) = udp_server(1, |_| Vec::new());
    let ran = run(["connect", &address, "-w", "0.1"], b"lost");
    assert_eq!((ran.code, ran.text()), (Some(124), ""));
    assert_eq!(ran.err, format!("trunkline: nothing came from {address} within 0.1 s\n"));
}

#[test]
fn a_long_datagram_is_whole_both_ways() {
    let (address, server) = udp_server(1, |payload| vec![payload.to_vec()]);
    let payload = noise(LONGEST);
    let ran = run(["connect", &address], &payload);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out == payload);
    assert!(server.join().unwrap() == [payload]);
}

#[test]
fn a_datagram_that_is_too_long_is_an_error_and_never_cut() {
    let (address, _server) = udp_server(1, upper);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long");
    std::fs::write(&file, noise(LONGEST + 1)).unwrap();
    let mut command = trunkline(["connect", &address]);
    let ran = Running::start(command.stdin(std::fs::File::open(&file).unwrap())).finish();
    assert_eq!((ran.code, ran.text()), (Some(1), ""));
    assert!(
        ran.err
            .starts_with(&format!("trunkline: sending to {address}: a datagram holds at most 65507 bytes")),
        "{}",
        ran.err
    );
}

#[test]
fn one_read_of_a_pipe_is_one_datagram() {
    let (address, server) = udp_server(2, upper);
    let mut client = Running::start(trunkline(["connect", &address]).stdin(Stdio::piped()));
    let mut input = client.0.stdin.take().unwrap();
    let mut output = client.0.stdout.take().unwrap();
    for (sent, answered) in [(b"first\n", b"FIRST\n"), (b"other\n", b"OTHER\n")] {
        input.write_all(sent).unwrap();
        // Only when this was answered more is written, so that it cannot be read together.
        let mut answer = [0; 6];
        output.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, answered);
    }
    drop(input);
    assert_eq!(client.finish().code, Some(0));
    assert_eq!(server.join().unwrap(), [b"first\n", b"other\n"]);
}

#[test]
fn several_answers_to_one_datagram_are_awaited_until_it_is_quiet() {
    let (address, _server) = udp_server(1, |_| vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()]);
    let ran = run(["connect", &address], b"list");
    assert_eq!((ran.code, ran.text()), (Some(0), "abc"));
}

#[test]
fn who_does_not_wait_sends_and_leaves() {
    let (address, server) = udp_server(2, |_| Vec::new());
    assert_eq!(run(["connect", &address, "-w", "0"], b"from a pipe").code, Some(0));
    assert_eq!(run(["connect", &address, "-w", "0", "-m", "from -m"], b"").code, Some(0));
    assert_eq!(server.join().unwrap(), [&b"from a pipe"[..], b"from -m"]);
}

#[test]
fn an_empty_message_is_an_empty_datagram_and_so_is_its_answer() {
    let (address, server) = udp_server(1, upper);
    let ran = run(["connect", &address, "-m", ""], b"");
    assert_eq!((ran.code, ran.text()), (Some(0), "\n"));
    assert_eq!(server.join().unwrap(), [b""]);
}

#[test]
fn nobody_there_is_told_at_once() {
    let address = format!("udp://127.0.0.1:{}", free_port());
    let ran = run(["connect", &address, "-m", "anybody?", "-w", "3600"], b"");
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        format!(
            "trunkline: connecting to {address}: connection refused (ECONNREFUSED, 111)\n\
             hint: nothing listens there: is the server started, and is the port right?\n"
        )
    );
}

#[test]
fn the_next_address_of_a_name_gets_all_that_the_first_refused() {
    // Without a host it is this machine, by IPv6 first: there nobody is.
    let (address, server) = udp_server(3, upper);
    let port = address.rsplit(':').next().unwrap();
    let ran = run(["connect", &format!("udp://:{port}"), "-m", "a", "-m", "b", "-m", "c"], b"");
    assert_eq!((ran.code, ran.text(), ran.err.as_str()), (Some(0), "A\nB\nC\n", ""));
    assert_eq!(server.join().unwrap(), [b"a", b"b", b"c"]);
}

#[test]
fn datagrams_over_a_socket_file_are_answered_and_leave_no_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    let server = thread::spawn(move || {
        let mut buffer = [0; 100];
        let (bytes, client) = socket.recv_from(&mut buffer).unwrap();
        socket.send_to_addr(&buffer[..bytes].to_ascii_uppercase(), &client).unwrap();
    });
    let ran = run(["connect", &format!("unix-dgram:{}", path.display()), "-m", "hello"], b"");
    assert_eq!((ran.code, ran.text(), ran.err.as_str()), (Some(0), "HELLO\n", ""));
    server.join().unwrap();
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn text_is_sent_and_shown_in_the_charset_of_the_far_side() {
    let (address, server) = udp_server(1, |payload| vec![payload.to_vec()]);
    let ran = run(["connect", &address, "--charset", "gbk", "-m", "你好"], b"");
    assert_eq!((ran.code, ran.text()), (Some(0), "你好\n"));
    assert_eq!(server.join().unwrap(), [b"\xc4\xe3\xba\xc3"]);
}

#[test]
fn json_lines_hold_a_datagram_each() {
    let (address, _server) = udp_server(2, upper);
    let ran = run(["connect", &address, "--json", "-m", "a", "-m", "b"], b"");
    assert_eq!(ran.code, Some(0));
    let lines: Vec<serde_json::Value> =
        ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().map(|line| (&line["event"], &line["text"])).collect();
    let none = &serde_json::Value::Null;
    assert_eq!(
        events,
        [
            (&"opened".into(), none),
            (&"received".into(), &"A".into()),
            (&"received".into(), &"B".into()),
            (&"closed".into(), none)
        ]
    );
}

#[test]
fn in_json_answers_that_end_with_silence_ended_well_and_only_a_limit_is_a_timeout() {
    for (answered, code, ending) in [(true, 0, "eof"), (false, 124, "timeout")] {
        let (address, _server) =
            udp_server(1, move |payload| if answered { upper(payload) } else { Vec::new() });
        let ran = run(["connect", &address, "--json", "-w", "0.1"], b"a");
        let closed: serde_json::Value = serde_json::from_str(ran.text().lines().last().unwrap()).unwrap();
        assert_eq!((ran.code, &closed["ending"]), (Some(code), &ending.into()));
    }
}

/// The tutorial's UDP server, written anew.
const TUTORIAL_SERVER: &str = "
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
while True:
    message, address = server.recvfrom(1024)
    server.sendto(message.upper(), address)
";

#[test]
fn the_tutorials_server_is_talked_with() {
    needs!("python3");
    let mut command = Command::new("python3");
    let mut peer = Running::start(command.args(["-c", TUTORIAL_SERVER]).stdout(Stdio::piped()));
    let mut port = String::new();
    BufReader::new(peer.0.stdout.as_mut().unwrap()).read_line(&mut port).unwrap();
    let ran = run(["connect", &format!("udp://127.0.0.1:{}", port.trim()), "-m", "hello", "-m", "你好"], b"");
    assert_eq!((ran.code, ran.text(), ran.err.as_str()), (Some(0), "HELLO\n你好\n", ""));
}
