//! `connect` at a terminal, seen on the screen.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;

use crate::program::{LIMIT, tcp_server, wait_until_refused};
use crate::terminal::Terminal;

/// The column behind the prompt.
const START: u16 = 4;

/// Reads one line as it came, its end included.
fn line(reader: &mut impl BufRead) -> Vec<u8> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).unwrap();
    line
}

/// Answers every line in upper case until the client is done.
fn upper(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let line = line(&mut reader);
        if line.is_empty() {
            return;
        }
        stream.write_all(&line.to_ascii_uppercase()).unwrap();
    }
}

#[test]
fn a_line_is_sent_and_its_answer_stands_above_the_next_prompt() {
    let (at, server) = tcp_server(upper);
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    terminal.until_prompt("", START);
    assert!(terminal.lines()[0].starts_with(&format!("connected to tcp://{at} (127.0.0.1:")));
    assert!(terminal.lines()[0].ends_with(&format!(" -> {at}); Ctrl-D or ~. leaves")));
    terminal.types("hello\r");
    terminal.until_shows("HELLO");
    terminal.until_prompt("", START);
    assert_eq!(terminal.lines()[1..], [">>: hello", "HELLO", ">>:"]);
    terminal.types("\x04");
    assert_eq!(terminal.end(), Some(0));
    server.join().unwrap();
}

#[test]
fn an_answer_that_comes_while_one_types_does_not_spoil_the_line() {
    let (go, wait) = mpsc::channel();
    let (at, server) = tcp_server(move |mut stream| {
        wait.recv().unwrap();
        stream.write_all("迟到的回答\n".as_bytes()).unwrap();
        line(&mut BufReader::new(stream))
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    terminal.until_prompt("", START);
    // Two columns each.
    terminal.types("中文字");
    terminal.until_prompt("中文字", START + 6);
    terminal.types("\x1b[D");
    terminal.until_prompt("中文字", START + 4);
    go.send(()).unwrap();
    terminal.until_shows("迟到的回答");
    terminal.until_prompt("中文字", START + 4);
    terminal.types("x");
    terminal.until_prompt("中文x字", START + 5);
    terminal.types("\x7f\x7f\r");
    assert_eq!(server.join().unwrap(), "中字\n".as_bytes());
    terminal.until_shows("connection closed");
    let mut lines = terminal.lines();
    lines.remove(0);
    assert_eq!(lines[..2], ["迟到的回答", ">>: 中字"]);
}

#[test]
fn when_the_far_side_closes_the_prompt_ends_and_says_so() {
    let (go, wait) = mpsc::channel();
    let (at, server) = tcp_server(move |mut stream| {
        wait.recv().unwrap();
        stream.write_all(b"bye").unwrap();
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    terminal.until_prompt("", START);
    terminal.types("half a li");
    terminal.until_prompt("half a li", START + 9);
    assert!(!terminal.is_as_a_shell_expects());
    go.send(()).unwrap();
    assert_eq!(terminal.end(), Some(0));
    assert!(terminal.is_as_a_shell_expects());
    server.join().unwrap();
    let closed = format!("connection closed by {at} (eof)");
    assert_eq!(terminal.lines()[1..], ["bye".to_owned(), ">>: half a li".to_owned(), closed]);
}

#[test]
fn a_reset_is_an_error_with_a_hint() {
    let (at, server) = tcp_server(|stream| {
        let mut reader = BufReader::new(stream);
        line(&mut reader);
        rustix::net::sockopt::set_socket_linger(reader.get_ref(), Some(std::time::Duration::ZERO)).unwrap();
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    terminal.until_prompt("", START);
    terminal.types("provoke\r");
    assert_eq!(terminal.end(), Some(1));
    server.join().unwrap();
    terminal.until_shows(&format!("trunkline: connection reset by tcp://{at}\nhint: "));
}

#[test]
fn ctrl_d_ends_our_direction_and_shows_what_still_comes() {
    let (at, server) = tcp_server(|mut stream| {
        let mut received = String::new();
        stream.read_to_string(&mut received).unwrap();
        stream.write_all(b"after the end\n").unwrap();
        received
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    terminal.until_prompt("", START);
    terminal.types("all\r");
    terminal.until(">>: all and a new prompt", |screen| screen.cursor_position() == (2, START));
    terminal.types("\x04");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(server.join().unwrap(), "all\n");
    assert_eq!(terminal.lines()[1..], [">>: all", ">>:", "after the end"]);
    assert!(terminal.is_as_a_shell_expects());
}

#[test]
fn tilde_dot_leaves_at_once() {
    // This server waits for an end of input that only comes with the end of the program.
    let (at, server) = tcp_server(|mut stream| stream.read_to_end(&mut Vec::new()).unwrap_or(0));
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    terminal.until_prompt("", START);
    terminal.types("~.\r");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(server.join().unwrap(), 0);
}

#[test]
fn ctrl_c_leaves_with_130() {
    let (at, _server) = tcp_server(upper);
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    terminal.until_prompt("", START);
    terminal.types("half a line\x03");
    assert_eq!(terminal.end(), Some(130));
    assert!(terminal.is_as_a_shell_expects());
}

#[test]
fn lines_are_remembered_until_the_next_time_and_for_nobody_else() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    for typed in ["secret of the first\r", "\x1b[A"] {
        let (at, _server) = tcp_server(upper);
        let mut terminal = Terminal::start(&["connect", &at.to_string()], &state);
        terminal.until_prompt("", START);
        terminal.types(typed);
        if typed.ends_with('\r') {
            terminal.until_shows("SECRET OF THE FIRST");
            terminal.types("\x04");
            assert_eq!(terminal.end(), Some(0));
        } else {
            terminal.until_prompt("secret of the first", START + 19);
        }
    }
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("connect_history")), 0o600);
}

#[test]
fn empty_lines_are_skipped_unless_they_mean_something() {
    for (flags, sent) in [(&[][..], "x\n"), (&["-C"], "\r\nx\r\n"), (&["--frame", "line"], "\nx\n")] {
        let (at, server) = tcp_server(|mut stream| {
            let mut received = String::new();
            stream.read_to_string(&mut received).unwrap();
            received
        });
        let home = tempfile::tempdir().unwrap();
        let at = at.to_string();
        let arguments: Vec<_> = ["connect", &at].iter().chain(flags).copied().collect();
        let mut terminal = Terminal::start(&arguments, home.path());
        terminal.until_prompt("", START);
        terminal.types("\rx\r");
        terminal.until("the third prompt", |screen| screen.cursor_position() == (3, START));
        terminal.types("\x04");
        assert_eq!(terminal.end(), Some(0));
        assert_eq!(server.join().unwrap(), sent, "{flags:?}");
    }
}

#[test]
fn what_comes_cannot_steer_the_terminal() {
    let (at, server) =
        tcp_server(|mut stream| stream.write_all("\x1b]0;owned\x07\x1b[2J\u{202e}txt\n".as_bytes()).unwrap());
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    assert_eq!(terminal.end(), Some(0));
    server.join().unwrap();
    assert!(
        terminal.lines().contains(&r"\x1b]0;owned\x07\x1b[2J\u{202e}txt".to_owned()),
        "{:?}",
        terminal.lines()
    );
    assert!(!terminal.printed.windows(9).any(|bytes| bytes == b"\x1b]0;owned"));
}

#[test]
fn a_far_side_that_speaks_gbk_is_understood_both_ways_and_a_cut_character_stays_whole() {
    let (at, server) = tcp_server(|stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let received = line(&mut reader);
        // The first half of a character, and its rest only when that has been read.
        (&stream).write_all(b"A\xc4").unwrap();
        assert_eq!(line(&mut reader), b"go\n");
        (&stream).write_all(b"\xe3\xba\xc3\n").unwrap();
        received
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string(), "--charset", "gbk"], home.path());
    terminal.until_prompt("", START);
    terminal.types("你好\r");
    terminal.until_shows("\nA");
    terminal.types("go\r");
    terminal.until_shows("\n你好");
    assert_eq!(server.join().unwrap(), b"\xc4\xe3\xba\xc3\n");
    assert_eq!(terminal.end(), Some(0));
    assert!(!terminal.lines().concat().contains('\u{fffd}'));
}

#[test]
fn a_character_that_the_far_side_does_not_have_is_refused_and_the_next_line_is_sent() {
    let (at, server) = tcp_server(upper);
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string(), "--charset", "gbk"], home.path());
    terminal.until_prompt("", START);
    terminal.types("😀\r");
    terminal.until_shows("trunkline: not sent: '😀' (U+1F600) does not exist in GBK");
    terminal.types("ok\r");
    terminal.until_shows("\nOK");
    terminal.types("\x04");
    assert_eq!(terminal.end(), Some(0));
    server.join().unwrap();
}

#[test]
fn each_typed_line_is_a_message_of_the_frame_and_each_message_a_line() {
    let (at, server) = tcp_server(|mut stream| {
        let mut received = [0; 7];
        stream.read_exact(&mut received).unwrap();
        stream.write_all(b"\0\x05first\0\x06second").unwrap();
        received
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string(), "--frame", "!H"], home.path());
    terminal.until_prompt("", START);
    terminal.types("hello\r");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(&server.join().unwrap(), b"\0\x05hello");
    assert!(terminal.lines().join("\n").contains("first\nsecond\n"));
}

#[test]
fn a_datagram_is_the_line_without_its_end_and_goes_to_the_address_that_takes_it() {
    // Without a host it is this machine, by IPv6 first: there nobody is.
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    let address = format!("udp://:{}", server.local_addr().unwrap().port());
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &address], home.path());
    terminal.until_prompt("", START);
    assert!(terminal.lines()[0].starts_with(&format!("sending datagrams to {address} ([::1]:")));
    terminal.types("hello\r");
    let mut buffer = [0; 100];
    let (bytes, client) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..bytes], b"hello");
    server.send_to(b"answer", client).unwrap();
    terminal.until_shows("\nanswer");
    terminal.until_prompt("", START);
    let at = server.local_addr().unwrap();
    drop(server);
    wait_until_refused(at);
    terminal.types("anybody?\r");
    assert_eq!(terminal.end(), Some(1));
    terminal.until_shows("connection refused (ECONNREFUSED, 111)\nhint: nothing listens there");
}

#[test]
fn the_prompt_is_dim_unless_no_colour_is_wanted() {
    let dim = b"\x1b[2m>>: ";
    let prints_dim = |no_color: &str| {
        let (at, _server) = tcp_server(upper);
        let home = tempfile::tempdir().unwrap();
        let arguments = ["connect", &at.to_string()];
        let mut terminal =
            Terminal::start_with(&arguments, home.path(), |command| command.env("NO_COLOR", no_color));
        terminal.until_prompt("", START);
        terminal.printed.windows(dim.len()).any(|bytes| bytes == dim)
    };
    assert!(prints_dim(""));
    assert!(!prints_dim("1"));
}

#[test]
fn a_terminal_that_cannot_edit_lines_still_sends_and_shows_them() {
    let (at, server) = tcp_server(|stream| {
        upper(stream.try_clone().unwrap());
        stream.shutdown(Shutdown::Both).unwrap();
    });
    let home = tempfile::tempdir().unwrap();
    let arguments = ["connect", &at.to_string()];
    let mut terminal = Terminal::start_with(&arguments, home.path(), |command| command.env("TERM", "dumb"));
    terminal.types("hello\n");
    terminal.until_shows("HELLO");
    terminal.types("\x04");
    assert_eq!(terminal.end(), Some(0));
    server.join().unwrap();
}

#[test]
fn every_pasted_line_is_a_line_and_none_is_lost() {
    let (at, server) = tcp_server(|mut stream| {
        let mut received = String::new();
        stream.read_to_string(&mut received).unwrap();
        received
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    terminal.until_prompt("", START);
    let lines: Vec<String> = (0..50).map(|number| format!("line {number}")).collect();
    terminal.types(&(lines.join("\r") + "\r"));
    terminal.until_shows("line 49\n>>:");
    terminal.until_prompt("", START);
    terminal.types("\x04");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(server.join().unwrap().lines().collect::<Vec<_>>(), lines);
}

#[test]
fn what_comes_is_shown_while_a_line_waits_for_a_far_side_that_does_not_read() {
    let home = tempfile::tempdir().unwrap();
    // More than a small send buffer holds; it would take long to type.
    let long = "x".repeat(5000);
    std::fs::write(home.path().join("connect_history"), format!("#V2\n{long}\n")).unwrap();
    let path = home.path().join("far.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        // The line is on its way.
        stream.read_exact(&mut [0]).unwrap();
        // More than all the buffers on the way hold.
        stream.write_all("an answer to nothing\n".repeat(50_000).as_bytes()).unwrap();
        stream.write_all(b"the last answer\n").unwrap();
        line(&mut BufReader::new(stream))
    });
    let address = format!("unix:{}", path.display());
    let mut terminal = Terminal::start(&["connect", &address, "--sockopt", "sndbuf=2k"], home.path());
    terminal.until_prompt("", START);
    terminal.types("\x1b[A\r");
    terminal.until_shows("the last answer");
    assert_eq!(server.join().unwrap(), format!("{}\n", &long[1..]).as_bytes());
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn an_answer_to_m_ends_its_last_line_on_a_screen() {
    let (at, server) = tcp_server(|mut stream| {
        stream.read_exact(&mut [0; 2]).unwrap();
        stream.write_all("好".as_bytes()).unwrap();
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string(), "-m", "hi"], home.path());
    assert_eq!(terminal.end(), Some(0));
    server.join().unwrap();
    assert_eq!(terminal.lines(), ["好"]);
}

#[test]
fn after_ctrl_d_all_of_a_long_answer_is_shown() {
    const LINES: usize = 20_000;
    let (at, server) = tcp_server(|mut stream| {
        let all: String = (1..=LINES).map(|number| format!("{number}\n")).collect();
        stream.write_all(all.as_bytes()).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        stream.write_all(b"the end").unwrap();
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string()], home.path());
    terminal.until("some of it", |screen| screen.contents().lines().count() > 5);
    terminal.types("\x04");
    assert_eq!(terminal.end(), Some(0));
    server.join().unwrap();
    let printed = String::from_utf8_lossy(&terminal.printed).into_owned();
    // The first stands behind the sequences that make room for it.
    let number = |line: &str| line.rsplit(|char: char| !char.is_ascii_digit()).next()?.parse::<usize>().ok();
    let mut lines = printed.lines().filter_map(number);
    for expected in 1..=LINES {
        assert_eq!(lines.next(), Some(expected), "{:?}", printed.matches("\x1b[?2026").count());
    }
    assert!(printed.contains("the end"));
}
