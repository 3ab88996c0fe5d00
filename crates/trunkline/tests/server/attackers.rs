//! Headers, lengths and clients that mean harm: each ends its own connection, says why, and costs others nothing.

use crate::client::Client;
use crate::serve::{Serve, Serving};

/// Sends `bytes` to a server of this frame: the connection ends with an error that holds `reason`, and another
/// client is served after it.
fn check_ended(frame: &[&str], bytes: &[u8], reason: &str) {
    let server = Serve::new("tcp://127.0.0.1:0", "echo").arg("--frame").args(frame).start();
    let mut attacker = server.client();
    attacker.say(bytes);
    attacker.finish();
    attacker.is_shown_out();
    let closed = server.closing_line(1);
    assert!(closed.contains(&format!(": error: {reason}")), "{frame:?}: {closed}");
    let _good = server.client();
    server.log.wait_for("#2 opened");
}

#[test]
fn a_negative_length_ends_that_connection() {
    check_ended(
        &["!i"],
        &(-1_i32).to_be_bytes(),
        "the header '!i' announces -1 bytes: a length is not negative",
    );
    check_ended(&["b"], b"\x80", "the header 'b' announces -128 bytes");
    check_ended(&["<q"], &i64::MIN.to_le_bytes(), "the header '<q' announces -9223372036854775808 bytes");
}

#[test]
fn a_huge_length_ends_that_connection_before_anything_is_waited_for() {
    check_ended(
        &["!I"],
        &u32::MAX.to_be_bytes(),
        "the header '!I' announces 4294967295 bytes, more than --max-frame 16777216",
    );
    check_ended(&["!Q"], &u64::MAX.to_be_bytes(), "the header '!Q' announces 18446744073709551615 bytes");
    check_ended(&["!I"], &16_777_217_u32.to_be_bytes(), "the header '!I' announces 16777217 bytes");
    check_ended(&["varint"], b"\xff\xff\xff\xff\x0f", "the varint announces 4294967295 bytes");
    check_ended(&["netstring"], b"99999999999", "the netstring announces ");
    check_ended(
        &["!I", "--max-frame", "1k"],
        &1025_u32.to_be_bytes(),
        "the header '!I' announces 1025 bytes, more than --max-frame 1024",
    );
}

#[test]
fn a_header_or_a_message_that_is_cut_ends_that_connection() {
    check_ended(&["!I"], b"\0\0", "the stream ended within the header '!I': 2 of its 4 bytes came");
    check_ended(&["!I"], b"\0\0\0\x05hel", "the stream ended within a message: 7 of its 9 bytes came");
    check_ended(&["varint"], b"\x80", "the stream ended within the length of a message: 1 bytes of it came");
    check_ended(&["netstring"], b"5:hel", "the stream ended within a message: 5 of its 8 bytes came");
}

#[test]
fn a_length_that_is_no_number_ends_that_connection() {
    check_ended(&["varint"], &[0xff; 11], "the varint in front of a message ");
    check_ended(&["netstring"], b"x:hello,", "a netstring is a length without leading zeros");
    check_ended(&["netstring"], b"05:hello,", "a netstring is a length without leading zeros");
    check_ended(&["netstring"], b"5:hello;", "a netstring is a length without leading zeros");
}

#[test]
fn a_line_without_an_end_ends_that_connection_at_the_limit() {
    let endless = vec![b'x'; 5000];
    check_ended(&["line", "--max-frame", "4k"], &endless, "a line is longer than --max-frame 4096");
    check_ended(
        &["nul", "--max-frame", "4k"],
        &endless,
        "a message that a zero byte should end is longer than --max-frame 4096",
    );
}

#[test]
fn many_unfinished_messages_together_meet_one_limit() {
    let server =
        Serve::new("tcp://127.0.0.1:0", "echo").args(&["--frame", "!I", "--max-frame", "4M"]).start();
    let mut attackers: Vec<Client> = (0..20).map(|_| server.client()).collect();
    for attacker in &mut attackers {
        attacker.try_say(4_000_000_u32.to_be_bytes());
        attacker.try_say(vec![0; 3_999_999]);
    }
    let refused = server.log.wait_for("limit: ");
    assert!(refused.contains("the server's memory for bytes that wait is used up"), "{refused}");
    drop(attackers);
    server.log.wait_for_nth("closed", 20);
    let mut good = server.client();
    good.say(b"\0\0\0\x02hi");
    good.hears(b"\0\0\0\x02hi");
}

/// A good client gets every answer while something else goes on.
fn is_served(server: &Serving) {
    let mut good = server.client();
    for _ in 0..100 {
        good.say("hello\n");
        good.hears("HELLO\n");
    }
}

#[test]
fn a_slow_drip_costs_others_nothing() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--frame", "line"]).start();
    let mut slow = server.client();
    for byte in b"a message that comes byte by byte\n" {
        slow.say([*byte]);
        is_served(&server);
    }
    slow.hears("A MESSAGE THAT COMES BYTE BY BYTE\n");
}

#[test]
fn a_client_that_sends_and_never_reads_costs_others_nothing() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--frame", "line"]).start();
    let mut deaf = server.client();
    let sent = deaf.say_until_full("x\n".repeat(32_768).as_bytes());
    assert!(sent > 1 << 16, "it said {sent} bytes");
    is_served(&server);
    drop(deaf);
    server.closing_line(1);
}

#[test]
fn silent_clients_cost_others_nothing() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--frame", "line"]).start();
    let _silent: Vec<Client> = (0..100).map(|_| server.client()).collect();
    is_served(&server);
}

#[test]
fn a_client_of_chargen_that_never_reads_costs_others_nothing() {
    let server = Serve::new("tcp://127.0.0.1:0", "chargen").start();
    let _deaf = server.client();
    let mut good = server.client();
    let text = String::from_utf8(good.hear(74 * 1000)).unwrap();
    assert!(text.lines().all(|line| line.len() == 72), "lines of 72 characters");
}
