//! `--frame`: messages keep their boundaries, however the stream sticks them together or cuts them. Python's own
//! `struct` is the other side of the struct formats.

use std::process::{Command, Stdio};

use crate::process::Process;
use crate::serve::{Serve, Serving};

fn serve(frame: &[&str]) -> Serving {
    Serve::new("tcp://127.0.0.1:0", "upper").arg("-v").arg("--frame").args(frame).start()
}

/// Messages as bytes on the wire, and how their answers must look there.
fn check_boundaries(frame: &[&str], asked: &[&[u8]], answered: &[u8], messages: &[&str]) {
    let stuck = asked.concat();
    // Stuck together in one segment; then each byte in one of its own.
    for piece in [stuck.len(), 1] {
        let server = serve(frame);
        let mut client = server.client();
        for bytes in stuck.chunks(piece) {
            client.say(bytes);
        }
        client.hears(answered);
        client.finish();
        assert_eq!(client.hear_to_end(), b"");
        let closed = server.closing_line(1);
        assert!(closed.contains(&format!("in {} message", messages.len())), "{frame:?}: {closed}");
        for message in messages {
            server.log.wait_for(&format!("{}: {message}\n", client.name()));
        }
    }
}

#[test]
fn lines_keep_their_boundaries_and_their_ends() {
    check_boundaries(
        &["line"],
        &[b"one\n", b"two\r\n", b"\n", b"four\n"],
        b"ONE\nTWO\r\n\nFOUR\n",
        &["one", "two", "", "four"],
    );
}

#[test]
fn messages_ended_by_nul_keep_their_boundaries() {
    check_boundaries(&["nul"], &[b"one\0", b"two\nlines\0"], b"ONE\0TWO\nLINES\0", &["one", r"two\nlines"]);
}

#[test]
fn messages_after_a_varint_keep_their_boundaries() {
    let long = "y".repeat(300);
    let asked: &[&[u8]] = &[b"\x03one", b"\x00", b"\xac\x02", long.as_bytes()];
    let answered = [b"\x03ONE\x00\xac\x02", long.to_uppercase().as_bytes()].concat();
    check_boundaries(&["varint"], asked, &answered, &["one", "", &long]);
}

#[test]
fn netstrings_keep_their_boundaries() {
    check_boundaries(
        &["netstring"],
        &[b"3:one,", b"0:,", b"5:a,b:c,"],
        b"3:ONE,0:,5:A,B:C,",
        &["one", "", "a,b:c"],
    );
}

/// Packs messages, sends them stuck together and then byte by byte, and unpacks what comes back.
const STRUCT_CLIENT: &str = "\
import socket, struct, sys
port, header, field = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
texts = [b'hello', b'', b'stuck together', b'x' * 200]
def pack(text):
    fields = [7] * len(struct.unpack(header, bytes(struct.calcsize(header))))
    fields[field] = len(text)
    return struct.pack(header, *fields) + text
conn = socket.create_connection(('127.0.0.1', port))
conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
reader = conn.makefile('rb')
stuck = b''.join(map(pack, texts))
for pieces in [stuck], [stuck[at:at + 1] for at in range(len(stuck))]:
    for piece in pieces:
        conn.sendall(piece)
    for text in texts:
        fields = struct.unpack(header, reader.read(struct.calcsize(header)))
        answer = reader.read(fields[field])
        assert answer == text.upper(), (header, text, answer)
        assert all(other == 7 for at, other in enumerate(fields) if at != field), fields
print('good')
";

#[test]
fn row_s7_struct_headers_keep_boundaries_as_python_packs_them() {
    needs!("python3");
    let headers: [(&str, usize); 9] =
        [("!I", 0), ("i", 0), ("<H", 0), (">Q", 0), ("B", 0), ("=l", 0), ("n", 0), ("!BIH", 1), ("BHi", 2)];
    for (header, field) in headers {
        let field = field.to_string();
        let server = serve(&[header, "--length-field", &field]);
        let arguments = ["-c", STRUCT_CLIENT, &server.port().to_string(), header, &field];
        let mut python = Process::start(Command::new("python3").args(arguments).stdin(Stdio::null()));
        assert_eq!(python.exit_code(), 0, "{header}: {}", python.log.wait_for_all());
        let closed = server.closing_line(1);
        assert!(closed.contains(": eof; ") && closed.contains(" in 8 messages"), "{header}: {closed}");
    }
}

#[test]
fn a_datagram_needs_no_frame() {
    let (code, error) = Serve::new("udp://127.0.0.1:0", "upper").args(&["--frame", "line"]).refused();
    assert_eq!(
        (code, error.as_str()),
        (2, "trunkline: a datagram is a message already: --frame is for streams\n")
    );
}

#[test]
fn a_message_of_the_largest_size_passes() {
    let server =
        Serve::new("tcp://127.0.0.1:0", "upper").args(&["--frame", "!I", "--max-frame", "1M"]).start();
    let mut client = server.client();
    client.say((1_u32 << 20).to_be_bytes());
    client.say("x".repeat(1 << 20));
    assert_eq!(client.hear(4), (1_u32 << 20).to_be_bytes());
    client.hears("X".repeat(1 << 20));
}
