//! Whole traces, as a student reads them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Mutex;

use serde_json::Value;
use socket2::SockRef;

use super::*;
use crate::census::TcpState;
use crate::testing::eventually;

/// A trace that is kept, and what is read from it.
struct Recorder {
    tracer: Tracer,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Recorder {
    fn new(frame: &str) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let framing = Framing::parse(frame, None).unwrap();
        let tracer = Tracer::new(framing.into(), 100, move |line| kept.lock().unwrap().push(line.clone()));
        Self { tracer, lines }
    }

    /// What was written since the last time, without the times. What depends on the machine is left out: the
    /// numbers agreed on, and the acknowledgements counted.
    fn told(&self) -> Vec<String> {
        let lines: Vec<Line> = self.lines.lock().unwrap().drain(..).collect();
        assert!(lines.is_sorted_by_key(|line| line.at));
        lines.iter().filter(|line| !machine_dependent(&line.event)).map(without_time).collect()
    }
}

fn machine_dependent(event: &Event) -> bool {
    matches!(event, Event::Agreed { .. } | Event::Route { .. } | Event::Counted { .. })
}

fn without_time(line: &Line) -> String {
    let text = line.to_string();
    let (time, rest) = text.split_once(" ms  ").unwrap();
    time.trim().parse::<f64>().unwrap();
    rest.to_owned()
}

/// Both ends of a connection over TCP, in this thread.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    client_end: Endpoint,
    server_end: Endpoint,
}

impl Pair {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_nodelay(true).unwrap();
        let (server, _) = listener.accept().unwrap();
        let client_end = Endpoint::Tcp(client.local_addr().unwrap());
        let server_end = Endpoint::Tcp(server.local_addr().unwrap());
        Self { client, server, client_end, server_end }
    }

    /// The states of the client's end and the server's.
    fn states(&self) -> (Option<TcpState>, Option<TcpState>) {
        census::tcp_states(self.client_end.socket_addr().unwrap(), self.server_end.socket_addr().unwrap())
    }

    /// The server reads what `bytes` there are, all at once.
    fn read(&mut self, bytes: usize, trace: &ConnectionTrace) {
        let mut buffer = [0; 200];
        while self.server.peek(&mut buffer).unwrap() < bytes {}
        let length = self.server.read(&mut buffer).unwrap();
        assert_eq!(length, bytes);
        trace.read(&buffer[..length]);
    }
}

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
fn each_direction_ends_alone_and_the_side_that_closes_first_is_left_in_time_wait() {
    let (recorder, mut pair) = (Recorder::new("raw"), Pair::new());
    let trace = recorder.tracer.connected(&pair.client_end, &pair.server_end, Duration::ZERO, &pair.client);
    recorder.told();
    pair.client.shutdown(Shutdown::Write).unwrap();
    eventually(&(Some(TcpState::FinWait2), Some(TcpState::CloseWait)), || pair.states());
    trace.end_of_output();
    pair.server.write_all(b"late").unwrap();
    let mut buffer = [0; 10];
    let length = pair.client.read(&mut buffer).unwrap();
    trace.read(&buffer[..length]);
    pair.server.shutdown(Shutdown::Write).unwrap();
    eventually(&(Some(TcpState::TimeWait), None), || pair.states());
    assert_eq!(pair.client.read(&mut buffer).unwrap(), 0);
    trace.end_of_input();
    drop(trace);
    let Pair { client, client_end, server_end, .. } = pair;
    drop(client);
    recorder.tracer.closed(None, &client_end, &server_end);
    assert_eq!(
        recorder.told(),
        [
            "transport    FIN sent: we will send nothing more, but still receive",
            "transport    here FIN_WAIT2, there CLOSE_WAIT",
            "transport    read 1: 4 bytes, 1 new segment",
            "message      read 1 counts as message 1: raw keeps no boundaries, whatever was sent as one",
            "application  message 1 in, 4 bytes: late",
            "transport    FIN came: the other side will send nothing more",
            "transport    here TIME_WAIT, there gone; TIME_WAIT lasts 60 s, for stray segments to die",
            "transport    here TIME_WAIT, there gone; TIME_WAIT lasts 60 s, for stray segments to die",
        ]
    );
}

#[test]
fn a_far_side_that_does_not_close_is_not_waited_for() {
    let (recorder, pair) = (Recorder::new("raw"), Pair::new());
    pair.client.shutdown(Shutdown::Write).unwrap();
    eventually(&(Some(TcpState::FinWait2), Some(TcpState::CloseWait)), || pair.states());
    recorder.tracer.closed(None, &pair.client_end, &pair.server_end);
    assert_eq!(recorder.told(), ["transport    here FIN_WAIT2, there CLOSE_WAIT"]);
}

#[test]
fn a_reset_is_not_an_end_of_stream() {
    let (recorder, pair) = (Recorder::new("raw"), Pair::new());
    let trace = recorder.tracer.connected(&pair.client_end, &pair.server_end, Duration::ZERO, &pair.client);
    recorder.told();
    let Pair { mut client, server, .. } = pair;
    SockRef::from(&server).set_linger(Some(Duration::ZERO)).unwrap();
    drop(server);
    let error = client.read(&mut [0]).unwrap_err();
    trace.failed(&error);
    assert_eq!(
        recorder.told(),
        [
            "transport    RST came: connection reset by the far side (ECONNRESET, 104)",
            "transport    here gone, there gone",
        ]
    );
}

#[test]
fn the_last_words_count_segments_in_both_directions() {
    let (recorder, mut pair) = (Recorder::new("raw"), Pair::new());
    let trace = recorder.tracer.accepted(7, &pair.server_end, &pair.client_end, &pair.server);
    pair.client.write_all(b"a").unwrap();
    pair.client.write_all(b"b").unwrap();
    pair.read(2, &trace);
    drop(trace);
    let lines = recorder.lines.lock().unwrap();
    let Event::Counted { tcp } = lines.last().unwrap().event else { panic!("{lines:?}") };
    assert_eq!((tcp.data_segments_in, tcp.data_segments_out, tcp.sent_again), (2, 0, 0));
    let text = lines.last().unwrap().event.to_string();
    assert!(
        text.contains(" out (0 with data, 0 again), ") && text.contains(" in (2 with data); round trip "),
        "{text}"
    );
}

#[test]
fn the_way_and_what_was_agreed_on_are_told_when_the_connection_stands() {
    let (recorder, pair) = (Recorder::new("raw"), Pair::new());
    let _trace = recorder.tracer.accepted(7, &pair.server_end, &pair.client_end, &pair.server);
    let lines = recorder.lines.lock().unwrap();
    let text: Vec<String> = lines.iter().map(without_time).collect();
    assert!(
        text[0].starts_with("#7  transport    accepted, by SYN, SYN+ACK and ACK: 127.0.0.1:"),
        "{text:?}"
    );
    assert!(
        text[1].starts_with(
            "#7  network      IPv4 from 127.0.0.1 to 127.0.0.1, within this machine, packets of at most "
        ),
        "{text:?}"
    );
    assert!(text[2].starts_with("#7  transport    agreed in the SYNs: segments of at most "), "{text:?}");
}

#[test]
fn a_name_and_the_addresses_that_did_not_answer_are_told() {
    let recorder = Recorder::new("raw");
    let took = Duration::from_micros(250);
    let addresses: Vec<SocketAddr> = ["[::1]:80", "127.0.0.1:80"].map(|at| at.parse().unwrap()).to_vec();
    recorder.tracer.looked_up(&"localhost:80".parse().unwrap(), took, &addresses);
    recorder.tracer.looked_up(&"127.0.0.1:80".parse().unwrap(), took, &addresses[1..]);
    recorder.tracer.looked_up(&":80".parse().unwrap(), took, &addresses);
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    recorder.tracer.connecting(&Endpoint::Tcp(refused));
    recorder.tracer.refused(&Endpoint::Tcp(refused), &TcpStream::connect(refused).unwrap_err());
    recorder.tracer.refused(&Endpoint::Tcp(refused), &io::Error::from_raw_os_error(libc::ETIMEDOUT));
    recorder.tracer.connecting(&Endpoint::Udp(refused));
    assert_eq!(
        recorder.told(),
        [
            "application  looked up localhost in 0.250 ms: ::1, 127.0.0.1",
            &format!("transport    SYN to {refused}"),
            &format!("transport    RST from {refused}: connection refused (ECONNREFUSED, 111)"),
            &format!("transport    no connection to tcp://{refused}: no answer in time (ETIMEDOUT, 110)"),
        ]
    );
}

#[test]
fn a_datagram_is_a_message_and_has_no_connection() {
    let (recorder, server) = (Recorder::new("raw"), UdpSocket::bind("127.0.0.1:0").unwrap());
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(server.local_addr().unwrap()).unwrap();
    let (local, remote) = (client.local_addr().unwrap(), server.local_addr().unwrap());
    let trace =
        recorder.tracer.connected(&Endpoint::Udp(local), &Endpoint::Udp(remote), Duration::ZERO, &client);
    client.send(b"hello").unwrap();
    trace.wrote(b"hello");
    trace.read(b"HELLO\x1b");
    drop(server);
    client.send(b"again").unwrap();
    recorder.tracer.refused(&Endpoint::Udp(remote), &client.recv(&mut [0]).unwrap_err());
    recorder.tracer.datagram(Direction::In, &Endpoint::Udp(local), b"x");
    assert_eq!(
        recorder.told(),
        [
            format!("transport    no handshake, UDP sends each datagram for itself: {local} to {remote}"),
            format!("transport    datagram to udp://{remote}, 5 bytes: hello"),
            format!(r"transport    datagram from udp://{remote}, 6 bytes: HELLO\x1b"),
            format!(
                "transport    ICMP from {remote}, port unreachable: connection refused (ECONNREFUSED, 111)"
            ),
            format!("transport    datagram from udp://{local}, 1 byte: x"),
        ]
    );
}

#[test]
fn a_socket_file_has_no_segments_and_no_states() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    let (server, _) = listener.accept().unwrap();
    let recorder = Recorder::new("line");
    let (local, remote) = (Endpoint::Unix(path.clone()), Endpoint::Process { pid: 5, uid: 1000 });
    let trace = recorder.tracer.accepted(1, &local, &remote, &server);
    client.write_all(b"hello\n").unwrap();
    trace.read(b"hello\nrest");
    trace.end_of_input();
    trace.end_of_output();
    drop(trace);
    recorder.tracer.closed(Some(1), &local, &remote);
    assert_eq!(
        recorder.told(),
        [
            &format!(
                "#1  transport    accepted, within this kernel: pid 5 of uid 1000 to unix:{}",
                path.display()
            ),
            "#1  transport    read 1: 10 bytes",
            "#1  message      message 1 in: ends with LF",
            "#1  application  message 1 in, 5 bytes: hello",
            "#1  message      message 2 in: split, 4 bytes so far",
            "#1  transport    the other side will send nothing more",
            "#1  message      message 2 in: ends with the stream, without its mark",
            "#1  application  message 2 in, 4 bytes: rest",
            "#1  transport    we will send nothing more, but still receive",
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

#[test]
fn the_trace_of_a_server_sees_what_its_observer_is_told() {
    let (recorder, pair) = (Recorder::new("line"), Pair::new());
    let trace = recorder.tracer.accepted(7, &pair.server_end, &pair.client_end, &pair.server);
    recorder.told();
    let mut observer: Box<dyn crate::Observer> = Box::new(trace);
    observer.read(b"a\n");
    observer.wrote(b"A\n");
    observer.end_of_input();
    observer.end_of_output();
    let told = recorder.told().join("\n");
    for part in
        ["read 1: 2 bytes", "message 1 in, 1 byte: a", "message 1 out, 1 byte: A", "FIN came", "FIN sent"]
    {
        assert_eq!(told.matches(part).count(), 1, "{part} in\n{told}");
    }
}

#[test]
fn each_line_is_an_object_with_the_same_facts() {
    let (recorder, pair) = (Recorder::new("!I"), Pair::new());
    let trace = recorder.tracer.accepted(7, &pair.server_end, &pair.client_end, &pair.server);
    trace.read(b"\0\0\0\x01a\0");
    let lines = recorder.lines.lock().unwrap();
    let objects: Vec<Value> = lines.iter().map(|line| serde_json::to_value(line).unwrap()).collect();
    for (object, line) in objects.iter().zip(lines.iter()) {
        assert_eq!(object["connection"], 7);
        assert_eq!(object["layer"], line.layer().to_string());
        assert_eq!(object["text"], line.event.to_string());
        assert!(object["at_us"].is_u64() && object["event"].is_string(), "{object}");
    }
    let find = |event: &str| objects.iter().find(|object| object["event"] == event).expect(event);
    assert_eq!(find("accepted")["remote"], pair.client_end.to_string());
    assert_eq!(find("agreed")["tcp"]["data_segments_out"], 0);
    assert_eq!(find("states")["here"], "ESTABLISHED");
    assert_eq!(find("moved")["bytes"], 6);
    assert_eq!(find("marked")["mark"], "header 00 00 00 01, '!I' is 1");
    assert_eq!(find("message")["preview"], "a");
    assert_eq!(find("split")["so_far"], 1);
}

#[test]
fn the_states_of_another_machine_are_not_made_up() {
    let event = Event::States { here: EndState::In(TcpState::TimeWait), there: EndState::Elsewhere };
    assert_eq!(
        event.to_string(),
        "here TIME_WAIT, there not visible from this machine; TIME_WAIT lasts 60 s, for stray segments to die"
    );
    let away = |local: &str, remote: &str| !on_this_machine(local.parse().unwrap(), remote.parse().unwrap());
    assert!(away("192.0.2.1:5", "192.0.2.2:80"));
    assert!(!away("192.0.2.1:5", "192.0.2.1:80"));
    assert!(!away("127.0.0.1:5", "127.0.0.2:80"));
}
