//! Rows S1 to S6: the tutorial's own programs, written anew in Python, talk with ours in both directions.

use std::net::UdpSocket;
use std::process::{Command, Stdio};

use crate::process::Process;
use crate::serve::{Serve, TRUNKLINE};

/// One of the tutorial's programs, with a port as its argument.
fn tutorial(program: &str, port: u16) -> Process {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tutorial");
    let mut python = Command::new("python3");
    python.args(["-u", &format!("{folder}/{program}"), &port.to_string()]);
    Process::start(python.env("PYTHONUTF8", "1").stdin(Stdio::piped()))
}

/// One of the tutorial's servers, and the port that it chose.
fn tutorial_server(program: &str) -> (Process, u16) {
    let server = tutorial(program, 0);
    let ready = server.screen.wait_for("ready on port");
    let port = ready.split_whitespace().last().unwrap().parse().unwrap();
    (server, port)
}

/// Ours as the client: gives its exit code and what it printed.
fn connect(address: &str, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(TRUNKLINE);
    command.args(["connect", address]).args(arguments);
    let mut client = Process::start(command.stdin(Stdio::null()));
    (client.exit_code(), client.screen.wait_for_all())
}

#[test]
fn row_s1_tcp_message_server() {
    needs!("python3");
    let server = Serve::new("tcp://127.0.0.1:0", "upper").arg("-v").start();
    let mut ann = tutorial("tcp_client.py", server.port());
    let mut ben = tutorial("tcp_client.py", server.port());
    for word in ["hello", "once more"] {
        ann.type_line(word);
        ann.screen.wait_for(&format!("answer: {}", word.to_uppercase()));
    }
    ben.type_line("me too");
    ben.screen.wait_for("answer: ME TOO");
    drop(ann);
    server.log.wait_for("closed");
    ben.type_line("still here?");
    ben.screen.wait_for("answer: STILL HERE?");
    let line = server.log.wait_for(": still here?");
    assert!(line.contains(" tcp://127.0.0.1:"), "a message is shown with its sender: {line}");
}

#[test]
fn the_tutorials_client_strips_its_lines_and_skips_empty_ones() {
    needs!("python3");
    let server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let mut client = tutorial("tcp_client.py", server.port());
    for line in ["  hello  ", "", "   "] {
        client.type_line(line);
    }
    client.end_of_typing();
    assert_eq!(client.exit_code(), 0);
    let closed = server.closing_line(1);
    assert!(closed.contains(": eof; received 5 bytes in 1 message, sent 5 bytes; "), "{closed}");
}

#[test]
fn row_s2_tcp_message_client() {
    needs!("python3");
    let (server, port) = tutorial_server("tcp_server.py");
    assert_eq!(connect(&format!("127.0.0.1:{port}"), &["-m", "hello"]), (0, "HELLO".to_owned()));
    server.screen.wait_for("message: hello");
}

#[test]
fn row_s3_remote_commands_serve_the_tutorials_client() {
    needs!("python3");
    let server = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let mut client = tutorial("shell_client.py", server.port());
    client.type_line("echo out");
    client.screen.wait_for("printed: out");
    // The tutorial's client takes one read for the whole answer; what is left of it comes with the next.
    client.type_line("echo more");
    client.screen.wait_for("printed: ");
}

#[test]
fn row_s3_remote_commands_of_the_tutorials_server_in_gbk() {
    needs!("python3");
    let (_server, port) = tutorial_server("shell_server.py");
    let (code, printed) =
        connect(&format!("127.0.0.1:{port}"), &["--charset", "gbk", "-m", r"printf '\304\343\272\303\n'"]);
    assert_eq!((code, printed.as_str()), (0, "你好\n"));
}

#[test]
fn row_s3_remote_commands_between_ours() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let (code, printed) = connect(&server.address(), &["-m", "echo out; echo err >&2; exit 3"]);
    assert_eq!((code, printed.as_str()), (0, "out\nerr\n[exit 3]\n"));
}

#[test]
fn row_s5_udp_message_server() {
    needs!("python3");
    let server = Serve::new("udp://127.0.0.1:0", "upper").start();
    let mut client = tutorial("udp_client.py", server.port());
    for word in ["hello", "once more", "中文 abc"] {
        client.type_line(word);
        client.screen.wait_for(&format!("answer: {}", word.to_ascii_uppercase()));
    }
}

#[test]
fn row_s5_an_empty_datagram_is_a_message_and_is_answered() {
    needs!("python3");
    let server = Serve::new("udp://127.0.0.1:0", "upper").start();
    let mut client = tutorial("udp_client.py", server.port());
    client.type_line("");
    client.type_line("after it");
    client.screen.wait_for("answer: AFTER IT");
}

#[test]
fn row_s5_udp_message_client() {
    needs!("python3");
    let (server, port) = tutorial_server("udp_server.py");
    assert_eq!(connect(&format!("udp://127.0.0.1:{port}"), &["-m", "hello"]), (0, "HELLO\n".to_owned()));
    server.screen.wait_for("message: hello");
}

#[test]
fn defect_lost_datagram() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = format!("udp://{}", silent.local_addr().unwrap());
    let (code, printed) = connect(&address, &["-m", "anybody?", "-w", "0.2"]);
    assert_eq!((code, printed.as_str()), (124, ""), "a lost answer is a time-out");
    let mut arrived = [0; 64];
    assert_eq!(silent.recv(&mut arrived).unwrap(), "anybody?".len());
}

#[test]
fn row_s6_talk_answers_the_tutorials_chat_client() {
    needs!("python3");
    let mut server = Serve::new("udp://127.0.0.1:0", "talk").with_person().start();
    let mut client = tutorial("qq_client.py", server.port());
    for line in ["nobody", "李雷", "", "你好"] {
        client.type_line(line);
    }
    let shown = server.screen.wait_for("你好");
    assert!(shown.starts_with("from [udp://127.0.0.1:") && shown.ends_with("]: 你好\n"), "{shown}");
    server.type_line("I am well");
    let answer = client.screen.wait_for("I am well");
    assert!(answer.contains(&format!("from [127.0.0.1:{}]: ", server.port())), "{answer}");
    for line in ["quit", "ann", "still there?"] {
        client.type_line(line);
    }
    client.screen.wait_for("talking to ann");
    server.screen.wait_for("still there?");
    assert_eq!(server.screen.count("from ["), 2, "neither empty messages nor quit are sent");
}

#[test]
fn row_s6_the_tutorials_chat_server_is_answered() {
    needs!("python3");
    let (mut server, port) = tutorial_server("qq_server.py");
    server.type_line("hello yourself");
    let (code, heard) = connect(&format!("udp://127.0.0.1:{port}"), &["-m", "hello"]);
    assert_eq!((code, heard.as_str()), (0, "hello yourself\n"));
    server.screen.wait_for("\u{1b}[44mhello\u{1b}[0m");
}

#[test]
fn what_a_caller_says_stands_on_a_coloured_ground_at_a_terminal() {
    let server = Serve::new("udp://127.0.0.1:0", "talk").with_person().env("CLICOLOR_FORCE", "1").start();
    server.client().say("hello");
    server.screen.wait_for("]: \u{1b}[44mhello\u{1b}[0m\n");
}
