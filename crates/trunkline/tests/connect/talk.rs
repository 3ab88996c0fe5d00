//! `serve ... talk` at a terminal, seen on the screen.

use std::net::UdpSocket;

use crate::program::LIMIT;
use crate::terminal::Terminal;

/// The column behind the prompt.
const START: u16 = 4;

/// A person who answers at a terminal, and where they listen.
fn person() -> (Terminal, String) {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["serve", "udp://127.0.0.1:0", "talk"], home.path());
    terminal.until_shows(" (talk)");
    terminal.until_prompt("", START);
    let ready = terminal.lines()[0].clone();
    let address = ready.strip_prefix("listening on udp://").and_then(|rest| rest.strip_suffix(" (talk)"));
    (terminal, address.expect(&ready).to_owned())
}

fn caller(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.connect(address).unwrap();
    socket
}

fn answer(caller: &UdpSocket) -> String {
    let mut buffer = [0; 1024];
    let length = caller.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn a_message_that_comes_while_one_types_does_not_spoil_the_answer() {
    let (mut terminal, address) = person();
    let caller = caller(&address);
    caller.send("在吗?".as_bytes()).unwrap();
    let from = format!("from [udp://{}]: ", caller.local_addr().unwrap());
    terminal.until_shows(&format!("{from}在吗?"));
    terminal.types("我在");
    terminal.until_prompt("我在", START + 4);
    caller.send(b"hurry up").unwrap();
    terminal.until_shows(&format!("{from}hurry up"));
    terminal.until_prompt("我在", START + 4);
    terminal.types("\r");
    assert_eq!(answer(&caller), "我在");
}

#[test]
fn each_line_answers_the_message_that_has_waited_longest() {
    let (mut terminal, address) = person();
    let (first, second) = (caller(&address), caller(&address));
    first.send(b"one").unwrap();
    terminal.until_shows("]: one");
    second.send(b"two").unwrap();
    terminal.until_shows("]: two");
    terminal.types("to the first\rto the second\rand one more\r");
    assert_eq!(answer(&first), "to the first");
    assert_eq!(answer(&second), "to the second");
    assert_eq!(answer(&second), "and one more");
}

#[test]
fn what_callers_say_stands_on_a_coloured_ground_and_steers_nothing() {
    let (mut terminal, address) = person();
    caller(&address).send(b"\x1b]0;title\x07hi").unwrap();
    terminal.until_shows("\\x1b]0;title\\x07hi");
    let printed = String::from_utf8_lossy(&terminal.printed).into_owned();
    assert!(printed.contains("\x1b[44m\\x1b]0;title\\x07hi\x1b[0m"), "{printed:?}");
}

#[test]
fn before_anybody_has_called_a_line_goes_nowhere_and_says_so() {
    let (mut terminal, _) = person();
    terminal.types("hello?\r");
    terminal.until_shows("nobody has said anything yet");
}

#[test]
fn the_person_leaves_with_ctrl_d_and_interrupts_with_ctrl_c() {
    for (key, code) in [("\x04", 0), ("\x03", 130)] {
        let (mut terminal, _) = person();
        terminal.types(key);
        assert_eq!(terminal.end(), Some(code));
        assert!(terminal.is_as_a_shell_expects());
    }
}
