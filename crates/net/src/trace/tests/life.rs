//! How connections begin and end, and what is said of them.

use super::*;

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
    // Bound, so that nobody else takes the port, but not listening.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    silent.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let refused = silent.local_addr().unwrap().as_socket().unwrap();
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
    // It now takes datagrams from itself alone.
    server.connect(remote).unwrap();
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
