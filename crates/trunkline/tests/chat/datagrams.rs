//! Over a plain `udp://` line, as in the tutorial: no node is needed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::node::{Node, silent_peer};
use crate::program::{LIMIT, Ran, Running, trunkline};
use crate::terminal::Terminal;

/// A book in which two are at one address.
fn book(port: u16) -> String {
    format!("[entry.'李雷']\nchat = 'udp://127.0.0.1:{port}'\n[entry.ann]\nchat = 'udp://127.0.0.1:{port}'\n")
}

fn home(port: u16) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("book.toml"), book(port)).unwrap();
    home
}

/// Lines into a pipe, to their end.
fn talks(home: &TempDir, target: &str, lines: &str) -> Ran {
    let mut chat = trunkline(["chat", "--plain", target]);
    let mut chat = Running::start(chat.env("TRUNKLINE_HOME", home.path()).stdin(Stdio::piped()));
    chat.0.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    chat.finish()
}

fn hears(peer: &UdpSocket) -> (String, std::net::SocketAddr) {
    let mut buffer = [0; 65_536];
    let (length, from) = peer.recv_from(&mut buffer).unwrap();
    (String::from_utf8(buffer[..length].to_vec()).unwrap(), from)
}

#[test]
fn row_s6_chat_talks_with_the_tutorials_server() {
    needs!("python3");
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tutorial/qq_server.py");
    let mut server = Command::new("python3");
    server.args(["-u", program, "0"]).env("PYTHONUTF8", "1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = Running::start(&mut server);
    let mut typing = server.0.stdin.take().unwrap();
    let mut screen = BufReader::new(server.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let ready = screen.next().unwrap();
    let port: u16 = ready.rsplit(' ').next().unwrap().parse().unwrap();

    let node = Node::start("me", &book(port));
    let mut chat = Terminal::start(&["chat", "--plain"], node.home.path());
    chat.until_shows("to whom>>:");
    chat.types("李磊\r");
    chat.until_shows("'李磊' is neither in sight nor in the book; did you mean 李雷?");
    chat.types("李雷\r\r你好\r");
    let shown = screen.next().unwrap();
    assert!(
        shown.starts_with("from [127.0.0.1:") && shown.ends_with("]: \u{1b}[44m你好\u{1b}[0m"),
        "{shown}"
    );
    writeln!(typing, "I am well").unwrap();
    chat.until_shows(&format!("from [127.0.0.1:{port}]: I am well"));
    // Another name at the same address.
    chat.types("quit\rann\r");
    chat.until_shows("ann>>:");
    chat.types("  and you?  \r");
    assert!(screen.next().unwrap().ends_with("\u{1b}[44mand you?\u{1b}[0m"));
    chat.types("quit\rquit\r");
    assert_eq!(chat.end(), Some(0));
    assert!(chat.is_as_a_shell_expects());
    let printed = String::from_utf8_lossy(&chat.printed).into_owned();
    assert!(printed.contains("\u{1b}[41mI am well\u{1b}[0m"), "as in the tutorial: {printed:?}");
}

#[test]
fn in_a_pipe_what_comes_is_printed_and_answers_are_awaited_at_the_end() {
    let (peer, port) = silent_peer();
    let answering = std::thread::spawn(move || {
        let (text, from) = hears(&peer);
        peer.send_to(format!("{text}?\x1b[2J").as_bytes(), from).unwrap();
    });
    let ran = talks(&home(port), "ann", "\nhello\n");
    answering.join().unwrap();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(ran.text(), format!("from [127.0.0.1:{port}]: hello?\\x1b[2J\n"));
}

#[test]
fn defect_lost_datagram() {
    let (peer, port) = silent_peer();
    let ran = talks(&home(port), "ann", "anybody?\nstill typing\n");
    assert_eq!((ran.code, ran.text()), (Some(0), ""), "who gets no answer goes on, and leaves in the end");
    assert_eq!((hears(&peer).0, hears(&peer).0), ("anybody?".to_owned(), "still typing".to_owned()));
}

#[test]
fn defect_long_datagram() {
    let (peer, port) = silent_peer();
    let longest = "x".repeat(65_507);
    let answer = longest.clone();
    let answering = std::thread::spawn(move || {
        let (text, from) = hears(&peer);
        peer.send_to(answer.as_bytes(), from).unwrap();
        text
    });
    let ran = talks(&home(port), "ann", &format!("{longest}x\n{}\n", &longest[..5000]));
    assert_eq!(answering.join().unwrap(), longest[..5000]);
    let (error, answer) = ran.text().split_once('\n').unwrap();
    assert_eq!(error, "trunkline: not sent: 65508 bytes are too long: a datagram holds at most 65507");
    assert_eq!(answer, format!("from [127.0.0.1:{port}]: {longest}\n"));
}

#[test]
fn who_does_not_listen_is_told_of_and_one_may_try_again() {
    let (peer, port) = silent_peer();
    drop(peer);
    let home = home(port);
    let mut chat = Terminal::start(&["chat", "--plain", "ann"], home.path());
    chat.types("hello\r");
    chat.until_shows(&format!("nobody listens at udp://127.0.0.1:{port}"));
    let peer = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    chat.types("and now?\r");
    assert_eq!(hears(&peer).0, "and now?");
}

#[test]
fn the_charset_of_the_book_is_spoken() {
    let (peer, port) = silent_peer();
    let home = tempfile::tempdir().unwrap();
    let book = format!("[entry.ann]\nchat = {{ at = 'udp://127.0.0.1:{port}', charset = 'gbk' }}\n");
    fs::write(home.path().join("book.toml"), book).unwrap();
    let answering = std::thread::spawn(move || {
        let mut buffer = [0; 16];
        let (length, from) = peer.recv_from(&mut buffer).unwrap();
        peer.send_to(b"\xba\xc3", from).unwrap();
        buffer[..length].to_vec()
    });
    let ran = talks(&home, "ann", "你\n");
    assert_eq!(answering.join().unwrap(), b"\xc4\xe3");
    assert!(ran.text().ends_with("]: 好\n"), "{}", ran.text());
}
