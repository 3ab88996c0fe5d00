//! Messages in the reads and writes of a stream.

use super::*;

/// A server reads what two writes of its client brought; its trace after the connection was made.
fn two_writes_one_read(frame: &str, first: &[u8], second: &[u8]) -> Vec<String> {
    let (recorder, mut pair) = (Recorder::new(frame), Pair::new());
    let trace = recorder.tracer.accepted(7, &pair.server_end, &pair.client_end, &pair.server);
    recorder.told();
    pair.client.write_all(first).unwrap();
    pair.client.write_all(second).unwrap();
    pair.read(first.len() + second.len(), &trace);
    recorder.told()
}

#[test]
fn two_messages_without_a_frame_are_read_as_one_though_two_segments_came() {
    assert_eq!(
        two_writes_one_read("raw", b"hello", b"world"),
        [
            "#7  transport    read 1: 10 bytes, 2 new segments",
            "#7  message      read 1 counts as message 1: raw keeps no boundaries, whatever was sent as one",
            "#7  application  message 1 in, 10 bytes: helloworld",
        ]
    );
}

#[test]
fn two_messages_with_a_length_in_front_are_taken_apart() {
    assert_eq!(
        two_writes_one_read("!I", b"\0\0\0\x05hello", b"\0\0\0\x05world"),
        [
            "#7  transport    read 1: 18 bytes, 2 new segments",
            "#7  message      read 1 held messages 1 and 2, stuck together: the frame takes them apart",
            "#7  message      message 1 in: header 00 00 00 05, '!I' is 5",
            "#7  application  message 1 in, 5 bytes: hello",
            "#7  message      message 2 in: header 00 00 00 05, '!I' is 5",
            "#7  application  message 2 in, 5 bytes: world",
        ]
    );
}

#[test]
fn a_message_that_comes_in_pieces_is_followed_until_it_is_whole() {
    let (recorder, mut pair) = (Recorder::new("!I"), Pair::new());
    let trace = recorder.tracer.accepted(7, &pair.server_end, &pair.client_end, &pair.server);
    recorder.told();
    for piece in [b"\0\0\0\x05he".as_slice(), b"l", b"lo"] {
        pair.client.write_all(piece).unwrap();
        pair.read(piece.len(), &trace);
    }
    assert_eq!(
        recorder.told(),
        [
            "#7  transport    read 1: 6 bytes, 1 new segment",
            "#7  message      message 1 in: split, 6 of 9 bytes so far",
            "#7  transport    read 2: 1 byte, 1 new segment",
            "#7  message      message 1 in: split, 7 of 9 bytes so far",
            "#7  transport    read 3: 2 bytes, 1 new segment",
            "#7  message      message 1 in: header 00 00 00 05, '!I' is 5; whole after 3 reads",
            "#7  application  message 1 in, 5 bytes: hello",
        ]
    );
}

#[test]
fn what_goes_comes_down_through_the_layers() {
    let (recorder, mut pair) = (Recorder::new("netstring"), Pair::new());
    let took = Duration::from_micros(1500);
    let trace = recorder.tracer.connected(&pair.client_end, &pair.server_end, took, &pair.client);
    let (from, to) = (pair.client_end.socket_addr().unwrap(), pair.server_end.socket_addr().unwrap());
    pair.client.write_all(b"5:hello,").unwrap();
    trace.wrote(b"5:hello,");
    pair.client.write_all(b"1:a,1:b,").unwrap();
    trace.wrote(b"1:a,1:b,");
    assert_eq!(
        recorder.told(),
        [
            format!("transport    connected after 1.500 ms, by SYN, SYN+ACK and ACK: {from} to {to}")
                .as_str(),
            "transport    here ESTABLISHED, there ESTABLISHED",
            "application  message 1 out, 5 bytes: hello",
            "message      message 1 out: length 5: in front, a comma behind",
            "transport    write 1: 8 bytes, 1 new segment",
            "application  message 2 out, 1 byte: a",
            "message      message 2 out: length 1: in front, a comma behind",
            "application  message 3 out, 1 byte: b",
            "message      message 3 out: length 1: in front, a comma behind",
            "message      write 2 carries messages 2 and 3 together",
            "transport    write 2: 8 bytes, 1 new segment",
        ]
    );
}

#[test]
fn a_wrong_frame_is_told_once_and_the_bytes_go_on() {
    let (recorder, pair) = (Recorder::new("!I"), Pair::new());
    let trace = recorder.tracer.accepted(7, &pair.server_end, &pair.client_end, &pair.server);
    recorder.told();
    trace.read(b"GET / HTTP/1.1\r\n");
    trace.read(b"Host: x\r\n");
    trace.end_of_input();
    let told = recorder.told();
    assert!(told[1].starts_with("#7  message      the header '!I' announces 1195725856 bytes"), "{told:?}");
    assert_eq!(told[2], "#7  transport    read 2: 9 bytes, 0 new segments");
    assert!(told[3].contains("FIN came"), "{told:?}");
}

#[test]
fn thousands_of_small_messages_in_one_read_make_a_few_lines() {
    let (recorder, pair) = (Recorder::new("line"), Pair::new());
    let trace = recorder.tracer.accepted(7, &pair.server_end, &pair.client_end, &pair.server);
    recorder.told();
    trace.read(&[b'\n'; 10_000]);
    let told = recorder.told();
    assert_eq!(told.len(), 3 + 2 * 16);
    assert!(told[1].contains("held messages 1 to 10000"), "{}", told[1]);
    assert!(told.last().unwrap().contains("and 9984 more messages not shown"), "{told:?}");
}
