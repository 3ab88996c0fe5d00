//! Wrong usage: exit code 2, and a text that says how to write it.

use std::process::{Command, Stdio};

use crate::process::Process;
use crate::serve::TRUNKLINE;

/// Runs `trunkline serve` with words that are wrong, and checks what it says of them.
fn check_refused(words: &[&str], reason: &str) {
    let mut command = Command::new(TRUNKLINE);
    command.arg("serve").args(words).stdin(Stdio::null());
    let mut process = Process::start(&mut command);
    let error = process.log.wait_for_all();
    assert_eq!(process.exit_code(), 2, "{words:?}: {error}");
    assert!(error.contains(reason), "{words:?}: {error}");
}

#[test]
fn a_wrong_address_says_how_to_write_one() {
    for (address, reason) in [
        ("", "the address is empty: write tcp://HOST:PORT"),
        ("localhost", "localhost has no port: write it as localhost:8080"),
        (":http", "http is not a port: a port is a number from 0 to 65535"),
        (":65536", "65536 is not a port"),
        ("http://127.0.0.1:80", "http:// is not known here: write tcp://, udp://, unix: or unix-dgram:"),
        ("::1:8080", "write an IPv6 address in brackets, as in [::1]:8080"),
        ("[::1", "is not an IPv6 address in brackets"),
        ("a b:80", "a b is not a host"),
        ("unix:", "unix: needs the path of a socket file"),
        ("unix-dgram:", "unix-dgram: needs the path of a socket file"),
    ] {
        check_refused(&[address, "upper"], reason);
    }
    let long = format!("unix:/{}", "x".repeat(107));
    check_refused(&[&long, "upper"], "at most 107 bytes, this one has 108");
}

#[test]
fn a_service_that_does_not_exist_is_answered_with_those_that_do() {
    check_refused(
        &[":0", "uper"],
        "[possible values: upper, echo, discard, chargen, talk, room, forward, shell, exec]",
    );
    check_refused(&[":0"], "<SERVICE>");
}

#[test]
fn a_service_without_what_it_needs_says_what() {
    check_refused(&[":0", "forward"], "write it behind: serve :9100 forward tcp://printer.lan:9100");
    check_refused(&[":0", "exec"], "write it behind --, as in: serve :7000 exec -- date");
    check_refused(&[":0", "exec", "--"], "`exec` needs a program");
    check_refused(&[":0", "upper", "127.0.0.1:1"], "only `forward` takes a second address");
    check_refused(&[":0", "upper", "--", "date"], "only `exec` takes a program");
    check_refused(&["127.0.0.1:9", "forward", "127.0.0.1:9"], "would be joined with itself");
}

#[test]
fn a_frame_that_does_not_exist_says_which_do() {
    for (frame, reason) in [
        (
            "linez",
            "'linez' is no frame: write raw, line, nul, varint, netstring or a struct format such as '!I'",
        ),
        ("", "'' has no integer to hold the length"),
        ("!", "'!' has no integer to hold the length"),
        ("4s", "'4s' has no integer to hold the length"),
        ("!BIH", "'!BIH' has 3 fields: say which one is the length with --length-field, counting from 0"),
    ] {
        check_refused(&[":0", "upper", "--frame", frame], reason);
    }
    let of = |frame, field, reason| {
        check_refused(&[":0", "upper", "--frame", frame, "--length-field", field], reason);
    };
    of("!BIH", "3", "--length-field 3: '!BIH' has 3 fields, and they are counted from 0");
    of("!f", "0", "'!f' has no integer to hold the length");
    of("!fI", "0", "--length-field 0: 'f' is no integer");
    of("line", "0", "--length-field chooses a field of a struct format such as '!BIH'");
    check_refused(&[":0", "upper", "--length-field", "0"], "--frame <FRAME>");
}

#[test]
fn a_frame_where_none_makes_sense_says_why() {
    check_refused(&["udp://:0", "upper", "--frame", "!I"], "a datagram is a message already");
    check_refused(&["127.0.0.1:0", "exec", "--frame", "line", "--", "cat"], "so --frame has no use here");
    check_refused(&[":0", "chargen", "--frame", "line"], "chargen has no messages");
    check_refused(
        &[":0", "forward", "--frame", "line", "127.0.0.1:1"],
        "forward needs --frame only between a stream and datagrams",
    );
    check_refused(
        &["udp://:0", "forward", "--frame", "line", "udp://127.0.0.1:1"],
        "forward needs --frame only between",
    );
}

#[test]
fn numbers_that_are_none_say_how_to_write_them() {
    for (option, value, reason) in [
        ("--max-frame", "16MB", "write a number of bytes, as in 512, 64k, 16M or 1G"),
        ("--max-frame", "0", "is not a size"),
        ("--idle", "5s", "write seconds, as in 5 or 0.2"),
        ("--mode", "rw", "write octal digits as chmod takes them, such as 0600 or 660"),
        ("--mode", "0888", "write octal digits"),
        ("--max-connections", "many", "invalid value 'many' for '--max-connections <N>'"),
        ("--backlog", "x", "invalid value 'x' for '--backlog <N>'"),
        ("--allow", "10.0.0.0/33", "write an IP address or a CIDR such as 192.168.1.0/24 or fd00::/8"),
        ("--deny", "localhost", "localhost is not a network"),
    ] {
        check_refused(&["127.0.0.1:0", "upper", option, value], reason);
    }
}

#[test]
fn a_time_and_a_number_are_never_negative() {
    check_refused(&[":0", "upper", "--idle=-1"], "-1 is not a time: write seconds, as in 5 or 0.2");
    check_refused(&[":0", "upper", "--per-ip=-1"], "invalid value '-1' for '--per-ip <N>'");
}

#[test]
fn a_socket_option_that_does_not_exist_is_answered_with_those_that_do() {
    let of = |option, reason| check_refused(&["127.0.0.1:0", "upper", "--sockopt", option], reason);
    of("nodeley=on", "nodeley is not a socket option");
    of("nodelay", "nodelay needs a value: nodelay=on|off");
    of("rcvbuf=lots", "rcvbuf cannot be \"lots\"");
    of("ttl=0", "ttl cannot be \"0\"");
}

#[test]
fn an_option_that_would_change_nothing_is_refused_with_the_reason() {
    for (words, reason) in [
        (
            &["unix:/tmp/a", "upper", "--allow", "10.0.0.0/8"][..],
            "--allow has no effect on unix:/tmp/a: a socket file has",
        ),
        (&["unix-dgram:/tmp/a", "upper", "--deny", "10.0.0.0/8"], "--deny has no effect"),
        (&["unix:/tmp/a", "upper", "--per-ip", "3"], "--per-ip has no effect"),
        (
            &[":0", "upper", "--mode", "0660"],
            "--mode has no effect on tcp://:0: only a socket file has permissions",
        ),
        (&["udp://:0", "upper", "--backlog", "5"], "--backlog has no effect"),
        (&["udp://:0", "upper", "--idle", "5"], "--idle has no effect"),
        (&["udp://:0", "room", "--max-connections", "5"], "--max-connections has no effect"),
        (&[":0", "upper", "--max-connections", "0"], "invalid value '0'"),
        (&[":0", "upper", "--per-ip", "0"], "invalid value '0'"),
        (&[":0", "upper", "--idle", "0"], "leave the option out for no limit"),
    ] {
        check_refused(words, reason);
    }
}
