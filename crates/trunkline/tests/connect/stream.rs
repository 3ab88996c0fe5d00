//! `connect` over streams, in a pipe and with `-m`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{LIMIT, Ran, Running, free_port, noise, run, tcp_server, trunkline, wait_for_listener};

/// Much more than all the buffers on the way hold.
const MUCH: usize = 64 * 1024 * 1024;

/// Reads to the end of the client's direction.
fn all(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Answers what comes with itself, and ends with the client.
fn echo(mut stream: TcpStream) {
    io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
}

fn assert_good(ran: &Ran) {
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn a_pipe_is_byte_exact_both_ways() {
    let (at, server) = tcp_server(echo);
    let bytes = noise(MUCH);
    let ran = run(["connect", &at.to_string()], &bytes);
    assert_good(&ran);
    assert!(ran.out == bytes);
    server.join().unwrap();
}

#[test]
fn files_on_both_sides_are_byte_exact() {
    let folder = tempfile::tempdir().unwrap();
    let (job, answer) = (folder.path().join("job"), folder.path().join("answer"));
    std::fs::write(&job, noise(MUCH)).unwrap();
    let (at, server) = tcp_server(echo);
    let mut command = trunkline(["connect", &at.to_string()]);
    command.stdin(File::open(&job).unwrap()).stdout(File::create(&answer).unwrap());
    assert_good(&Running::start(&mut command).finish());
    server.join().unwrap();
    assert!(std::fs::read(&job).unwrap() == std::fs::read(&answer).unwrap());
}

#[test]
fn the_end_of_input_ends_one_direction_and_late_answers_are_printed() {
    let (at, server) = tcp_server(|mut stream| {
        let received = all(&stream);
        stream.write_all(b"late").unwrap();
        received
    });
    let ran = run(["connect", &at.to_string()], b"question");
    assert_good(&ran);
    assert_eq!(ran.text(), "late");
    assert_eq!(server.join().unwrap(), b"question");
}

#[test]
fn a_far_side_that_sends_no_more_still_gets_all_the_input() {
    let (at, server) = tcp_server(|mut stream| {
        stream.write_all(b"early").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        all(&stream)
    });
    let bytes = noise(MUCH);
    let ran = run(["connect", &at.to_string()], &bytes);
    assert_good(&ran);
    assert_eq!(ran.text(), "early");
    assert!(server.join().unwrap() == bytes);
}

#[test]
fn kept_open_our_direction_has_no_end() {
    let (at, server) = tcp_server(|mut stream| {
        let mut received = [0; 5];
        stream.read_exact(&mut received).unwrap();
        // Nothing more can be read, and no end either.
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let error = stream.read(&mut [0]).unwrap_err();
        stream.write_all(b"still here").unwrap();
        (received, error.kind())
    });
    let ran = run(["connect", &at.to_string(), "--keep-open"], b"hello");
    assert_good(&ran);
    assert_eq!(ran.text(), "still here");
    assert_eq!(server.join().unwrap(), (*b"hello", io::ErrorKind::WouldBlock));
}

#[test]
fn a_slow_reader_of_the_answers_does_not_hold_up_the_input() {
    let bytes = noise(MUCH);
    let sent = bytes.clone();
    let (at, server) = tcp_server(move |stream| {
        let mut answers = stream.try_clone().unwrap();
        let writer = thread::spawn(move || {
            answers.write_all(&noise(MUCH)).unwrap();
            answers.shutdown(Shutdown::Write).unwrap();
        });
        (all(&stream), writer)
    });
    let mut client = Running::start(trunkline(["connect", &at.to_string()]).stdin(Stdio::piped()));
    let mut input = client.0.stdin.take().unwrap();
    input.write_all(&bytes).unwrap();
    drop(input);
    // Nobody has read an answer yet, and there are more of them than any buffer holds.
    let (received, writer) = server.join().unwrap();
    assert!(received == sent);
    let ran = client.finish();
    writer.join().unwrap();
    assert_good(&ran);
    assert!(ran.out == bytes);
}

#[test]
fn each_answer_can_be_read_while_the_next_is_awaited() {
    let (seen, wait) = mpsc::channel();
    let (at, server) = tcp_server(move |mut stream| {
        for answer in 0..100 {
            stream.write_all(&[answer]).unwrap();
            wait.recv_timeout(LIMIT).unwrap();
        }
    });
    let mut client = Running::start(&mut trunkline(["connect", &at.to_string()]));
    let mut output = client.0.stdout.take().unwrap();
    for answer in 0..100 {
        let mut byte = [0];
        output.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [answer]);
        seen.send(()).unwrap();
    }
    assert_good(&client.finish());
    server.join().unwrap();
}

#[test]
fn who_closes_standard_output_has_read_enough() {
    let (at, server) = tcp_server(|mut stream| while stream.write_all(&[7; 4096]).is_ok() {});
    let mut client = Running::start(trunkline(["connect", &at.to_string()]).stdin(Stdio::piped()));
    let mut output = client.0.stdout.take().unwrap();
    output.read_exact(&mut [0; 10]).unwrap();
    drop(output);
    assert_good(&client.finish());
    server.join().unwrap();
}

#[test]
fn a_far_side_that_is_gone_is_noticed_while_the_input_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gone.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut command = trunkline(["connect", &format!("unix:{}", path.display())]);
    let mut client = Running::start(command.stdin(Stdio::piped()));
    let input = client.0.stdin.take();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"bye").unwrap();
    drop(stream);
    let ran = client.finish();
    assert_good(&ran);
    assert_eq!(ran.text(), "bye");
    drop(input);
}

#[test]
fn a_reset_is_told_from_an_end() {
    let (at, server) = tcp_server(|mut stream| {
        stream.read_exact(&mut [0; 5]).unwrap();
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    });
    let ran = run(["connect", &at.to_string(), "--keep-open"], b"hello");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.starts_with(&format!("trunkline: connection reset by tcp://{at}\nhint: ")),
        "{}",
        ran.err
    );
    server.join().unwrap();
}

#[test]
fn input_that_nobody_took_is_an_error() {
    let (at, server) = tcp_server(|stream| {
        (&stream).read_exact(&mut [0; 5]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        // Closing with bytes unread resets the connection.
    });
    let ran = run(["connect", &at.to_string()], &noise(MUCH));
    assert_eq!(ran.code, Some(1));
    server.join().unwrap();
}

#[test]
fn silence_ends_a_pipe_only_when_asked_to_and_says_whether_anything_came() {
    let (at, _server) = tcp_server(|stream| all(&stream));
    let ran = run(["connect", &at.to_string(), "-w", "0.05", "--keep-open"], b"hello");
    assert_eq!(ran.code, Some(124));
    assert_eq!(ran.err, format!("trunkline: nothing came from tcp://{at} within 0.05 s\n"));

    let (at, _server) = tcp_server(|mut stream| {
        stream.write_all(b"something").unwrap();
        all(&stream)
    });
    let ran = run(["connect", &at.to_string(), "-w", "0.05", "--keep-open"], b"hello");
    assert_eq!((ran.code, ran.text()), (Some(0), "something"));
    assert_eq!(ran.err, format!("trunkline: nothing moved for 0.05 s, leaving tcp://{at}\n"));
}

#[test]
fn nobody_there_is_an_error_that_says_where_and_what_to_look_at() {
    let port = free_port();
    let ran = run(["connect", "127.0.0.1", &port.to_string()], b"");
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        format!(
            "trunkline: connecting to tcp://127.0.0.1:{port}: connection refused (ECONNREFUSED, 111)\n\
             hint: nothing listens there: is the server started, and is the port right?\n"
        )
    );
}

#[test]
fn wrong_usage_ends_with_2_and_says_how_to_write_it() {
    for (arguments, hint) in [
        (&["connect"][..], "ADDRESS"),
        (&["connect", "localhost"], "localhost:8080"),
        (&["connect", "http://x:1"], "tcp://"),
        (&["connect", "x:1", "--frame", "lin"], "line"),
        (&["connect", "udp://x:1", "--frame", "line"], "leave the option out"),
    ] {
        let ran = run(arguments, b"");
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        assert!(ran.err.contains(hint), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn messages_are_sent_as_they_are_and_what_is_answered_is_printed_until_it_is_quiet() {
    // This server never ends the connection by itself.
    let (at, server) = tcp_server(|stream| {
        let mut buffer = [0; 100];
        let mut received = Vec::new();
        while let Ok(bytes @ 1..) = (&stream).read(&mut buffer) {
            received.extend_from_slice(&buffer[..bytes]);
            (&stream).write_all(&buffer[..bytes].to_ascii_uppercase()).unwrap();
        }
        received
    });
    let ran = run(["connect", &at.to_string(), "-m", "one", "-m", "two"], b"");
    assert_good(&ran);
    assert_eq!(ran.text(), "ONETWO");
    assert_eq!(server.join().unwrap(), b"onetwo");
}

#[test]
fn a_message_without_an_answer_ends_with_124() {
    let (at, _server) = tcp_server(|stream| all(&stream));
    let ran = run(["connect", &at.to_string(), "-m", "anybody?", "-w", "0.05"], b"");
    assert_eq!(ran.code, Some(124));
    assert_eq!(ran.err, format!("trunkline: nothing came from tcp://{at} within 0.05 s\n"));
}

#[test]
fn sending_the_message_does_not_start_the_wait_a_second_time() {
    let (at, _server) = tcp_server(|stream| all(&stream));
    let started = Instant::now();
    let ran = run(["connect", &at.to_string(), "-m", "anybody?", "-w", "1"], b"");
    let took = started.elapsed();
    assert_eq!(ran.code, Some(124));
    assert!((Duration::from_secs(1)..Duration::from_millis(1900)).contains(&took), "{took:?}");
}

#[test]
fn who_does_not_wait_sends_and_leaves() {
    let (at, server) = tcp_server(|stream| all(&stream));
    assert_good(&run(["connect", &at.to_string(), "-m", "farewell", "-w", "0"], b""));
    assert_eq!(server.join().unwrap(), b"farewell");
}

#[test]
fn a_message_larger_than_every_buffer_is_answered_while_it_is_sent() {
    let (at, server) = tcp_server(echo);
    let text = "0123456789abcde\n".repeat(7000);
    let arguments: Vec<&str> = ["connect", "", "--frame", "!I"].into_iter().collect();
    let at = at.to_string();
    let mut arguments: Vec<&str> =
        arguments.iter().map(|&word| if word.is_empty() { &at } else { word }).collect();
    for _ in 0..10 {
        arguments.extend(["-m", &text]);
    }
    let ran = run(arguments, b"");
    assert_good(&ran);
    assert_eq!(ran.text(), text.repeat(10));
    server.join().unwrap();
}

#[test]
fn framed_messages_wait_for_as_many_answers_and_each_is_a_line() {
    let (at, server) = tcp_server(|stream| {
        let mut received = [0; 14];
        (&stream).read_exact(&mut received).unwrap();
        // Stuck together, then apart.
        (&stream).write_all(b"\0\0\0\x03ONE\0\0").unwrap();
        (&stream).write_all(b"\0\x04TWO\n").unwrap();
        let rest = all(&stream);
        (received, rest)
    });
    let ran = run(["connect", &at.to_string(), "--frame", "!I", "-m", "one", "-m", "two"], b"");
    assert_good(&ran);
    assert_eq!(ran.text(), "ONE\nTWO\n");
    assert_eq!(server.join().unwrap(), (*b"\0\0\0\x03one\0\0\0\x03two", Vec::new()));
}

#[test]
fn fewer_answers_than_messages_are_counted() {
    for ends in [true, false] {
        let (at, _server) = tcp_server(move |stream| {
            (&stream).write_all(b"one\n").unwrap();
            if ends {
                stream.shutdown(Shutdown::Write).unwrap();
            }
            all(&stream)
        });
        let ran =
            run(["connect", &at.to_string(), "--frame", "line", "-m", "a", "-m", "b", "-w", "0.2"], b"");
        assert_eq!((ran.code, ran.text()), (Some(124), "one\n"));
        let why = if ends { "before it closed the connection" } else { "within 0.2 s" };
        assert_eq!(ran.err, format!("trunkline: 1 of 2 answers came from tcp://{at} {why}\n"));
    }
}

#[test]
fn with_a_header_every_line_of_a_pipe_is_a_message_and_every_message_a_line() {
    let (at, server) = tcp_server(|stream| {
        let received = all(&stream);
        (&stream).write_all(&received).unwrap();
        received
    });
    let ran = run(["connect", &at.to_string(), "--frame", "netstring"], "one\n\n二".as_bytes());
    assert_good(&ran);
    assert_eq!(ran.text(), "one\n\n二\n");
    assert_eq!(server.join().unwrap(), "3:one,0:,3:二,".as_bytes());
}

#[test]
fn lines_and_nuls_pass_as_they_are() {
    for frame in ["line", "nul"] {
        let (at, server) = tcp_server(echo);
        let bytes = b"a\r\nb\0\n\0c";
        let ran = run(["connect", &at.to_string(), "--frame", frame], bytes);
        assert_good(&ran);
        assert_eq!(ran.out, bytes);
        server.join().unwrap();
    }
}

#[test]
fn carriage_returns_are_added_where_they_are_missing() {
    let (at, server) = tcp_server(|stream| all(&stream));
    assert_good(&run(["connect", &at.to_string(), "-C"], b"GET / HTTP/1.0\nHost: x\r\n\nbody"));
    assert_eq!(server.join().unwrap(), b"GET / HTTP/1.0\r\nHost: x\r\n\r\nbody");
}

#[test]
fn a_character_cut_at_the_edge_of_a_read_is_whole_in_the_output() {
    let (seen, wait) = mpsc::channel();
    let (at, server) = tcp_server(move |stream| {
        (&stream).write_all(b"A\xc4").unwrap();
        wait.recv().unwrap();
        (&stream).write_all(b"\xe3").unwrap();
        all(&stream)
    });
    let mut command = trunkline(["connect", &at.to_string(), "--charset", "gbk"]);
    let mut client = Running::start(command.stdin(Stdio::piped()));
    client.0.stdin.take().unwrap().write_all("你\n".as_bytes()).unwrap();
    let mut output = client.0.stdout.take().unwrap();
    output.read_exact(&mut [0]).unwrap();
    seen.send(()).unwrap();
    assert_eq!(all(output), "你".as_bytes());
    assert_eq!(server.join().unwrap(), b"\xc4\xe3\n");
    assert_good(&client.finish());
}

#[test]
fn input_that_cannot_be_sent_as_asked_ends_the_connection_with_the_reason() {
    let (at, server) = tcp_server(|stream| all(&stream));
    let ran = run(["connect", &at.to_string(), "--charset", "gbk"], b"ok\n\xff\n");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains(&format!("sending to tcp://{at}")) && ran.err.contains("must be UTF-8"),
        "{}",
        ran.err
    );
    assert_eq!(server.join().unwrap(), b"ok\n");
}

#[test]
fn a_line_longer_than_the_longest_message_is_refused() {
    let (at, server) = tcp_server(|stream| all(&stream));
    let ran = run(["connect", &at.to_string(), "--frame", "varint", "--max-frame", "1k"], &[b'x'; 5000]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("longer than --max-frame 1024"), "{}", ran.err);
    server.join().unwrap();
}

#[test]
fn an_attacker_who_announces_a_huge_message_is_told_from_a_slow_one() {
    let (at, server) = tcp_server(|mut stream| {
        stream.write_all(b"\xff\xff\xff\xff").unwrap();
        all(&stream)
    });
    let ran = run(["connect", &at.to_string(), "--frame", "!I", "-m", "x"], b"");
    assert_eq!(ran.code, Some(1));
    let start = format!("trunkline: reading from tcp://{at}: the header '!I' announces 4294967295 bytes");
    assert!(ran.err.starts_with(&start), "{}", ran.err);
    server.join().unwrap();
}

#[test]
fn a_message_that_ends_too_early_is_an_error() {
    let (at, server) = tcp_server(|mut stream| {
        stream.write_all(b"\0\x05hel").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        all(&stream)
    });
    let ran = run(["connect", &at.to_string(), "--frame", "!H", "-m", "x"], b"");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("the stream ended within a message: 5 of its 7 bytes came"), "{}", ran.err);
    server.join().unwrap();
}

#[test]
fn json_lines_tell_the_life_of_the_connection() {
    let (at, server) = tcp_server(|mut stream| {
        let received = all(&stream);
        stream.write_all(b"\0\x02hi\0\x01\xff").unwrap();
        received
    });
    let ran = run(["connect", &at.to_string(), "--frame", "!H", "--json"], b"a\n");
    assert_good(&ran);
    server.join().unwrap();
    let mut lines: Vec<serde_json::Value> =
        ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let at = format!("tcp://{at}");
    assert_eq!(
        (&lines[0]["event"], &lines[0]["address"], &lines[0]["remote"]),
        (&"opened".into(), &at[..].into(), &at[..].into())
    );
    assert!(lines[0]["local"].as_str().unwrap().starts_with("tcp://127.0.0.1:"));
    assert_eq!(lines[1], serde_json::json!({"event": "received", "text": "hi"}));
    assert_eq!(lines[2], serde_json::json!({"event": "received", "hex": "ff"}));
    assert!(lines[3]["seconds"].take().as_f64().unwrap() > 0.0);
    assert_eq!(
        lines[3],
        serde_json::json!({
            "event": "closed", "ending": "eof", "sent": 3, "received": 7, "messages": 2, "seconds": null,
        })
    );
}

#[test]
fn in_json_an_answer_that_ends_with_silence_ended_well_and_only_a_limit_is_a_timeout() {
    let ending = |ran: &Ran| {
        let closed: serde_json::Value = serde_json::from_str(ran.text().lines().last().unwrap()).unwrap();
        closed["ending"].as_str().unwrap().to_owned()
    };
    let answers = |mut stream: TcpStream| {
        stream.write_all(b"hi").unwrap();
        all(&stream)
    };
    let (at, _server) = tcp_server(answers);
    let ran = run(["connect", &at.to_string(), "--json", "-m", "x"], b"");
    assert_eq!((ran.code, &ending(&ran)[..]), (Some(0), "eof"));
    let (at, _server) = tcp_server(|stream| all(&stream));
    let ran = run(["connect", &at.to_string(), "--json", "-m", "x", "-w", "0.1"], b"");
    assert_eq!((ran.code, &ending(&ran)[..]), (Some(124), "timeout"));
    let (at, _server) = tcp_server(answers);
    let ran = run(["connect", &at.to_string(), "--json", "--keep-open", "-w", "0.1"], b"x");
    assert_eq!((ran.code, &ending(&ran)[..]), (Some(0), "timeout"), "nobody knows whether more was to come");
}

#[test]
fn a_socket_option_reaches_the_socket() {
    // Without lingering, closing throws the connection away.
    let (at, server) = tcp_server(|mut stream| {
        stream.read_exact(&mut [0; 5]).unwrap();
        stream.read(&mut [0]).unwrap_err().kind()
    });
    assert_good(&run(["connect", &at.to_string(), "--sockopt", "linger=0", "-m", "hello", "-w", "0"], b""));
    assert_eq!(server.join().unwrap(), io::ErrorKind::ConnectionReset);
}

#[test]
fn socat_is_talked_with() {
    needs!("socat");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socat.sock");
    let mut command = Command::new("socat");
    let _peer = Running::start(command.arg(format!("UNIX-LISTEN:{}", path.display())).arg("EXEC:cat"));
    wait_for_listener(&path);
    let bytes = noise(1 << 20);
    let ran = run(["connect", &format!("unix:{}", path.display())], &bytes);
    assert_good(&ran);
    assert!(ran.out == bytes, "{} bytes of {} came back", ran.out.len(), bytes.len());
}

#[test]
fn netcat_gets_what_was_sent_and_sends_what_it_has() {
    needs!("nc.openbsd");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nc.sock");
    let mut command = Command::new("nc.openbsd");
    command.args(["-l", "-N", "-U"]).arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut peer = Running::start(&mut command);
    wait_for_listener(&path);
    peer.0.stdin.take().unwrap().write_all(b"from nc").unwrap();
    let ran = run(["connect", &format!("unix:{}", path.display())], b"to nc");
    assert_good(&ran);
    assert_eq!(ran.text(), "from nc");
    assert_eq!(peer.finish().text(), "to nc");
}

#[test]
fn ncat_gets_what_was_sent_and_sends_what_it_has() {
    needs!("ncat");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ncat.sock");
    let mut command = Command::new("ncat");
    command.args(["-l", "-U"]).arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut peer = Running::start(&mut command);
    wait_for_listener(&path);
    peer.0.stdin.take().unwrap().write_all(b"from ncat").unwrap();
    let ran = run(["connect", &format!("unix:{}", path.display())], b"to ncat");
    assert_good(&ran);
    assert_eq!(ran.text(), "from ncat");
    assert_eq!(peer.finish().text(), "to ncat");
}

/// The tutorial's first program, written anew: a loop over messages, each answered in upper case.
const TUTORIAL_SERVER: &str = "
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(('127.0.0.1', 0))
server.listen(5)
print(server.getsockname()[1], flush=True)
connection, address = server.accept()
while True:
    data = connection.recv(1024)
    if not data:
        break
    connection.send(data.upper())
connection.close()
";

#[test]
fn the_tutorials_server_is_talked_with() {
    needs!("python3");
    let mut command = Command::new("python3");
    let mut peer = Running::start(command.args(["-c", TUTORIAL_SERVER]).stdout(Stdio::piped()));
    let mut port = String::new();
    BufReader::new(peer.0.stdout.as_mut().unwrap()).read_line(&mut port).unwrap();
    let ran = run(["connect", "127.0.0.1", port.trim()], "hello 你好\n".as_bytes());
    assert_good(&ran);
    assert_eq!(ran.text(), "HELLO 你好\n");
}
