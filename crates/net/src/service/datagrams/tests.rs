use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram as StdUnixDatagram;
use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

use super::*;
use crate::frame::Framing;
use crate::testing::full_listener;
use crate::{Bound, ListenOptions, Reporter, listen};

fn caller(number: u32) -> Caller {
    let [a, b, c, d] = number.to_be_bytes();
    Caller::Ip(SocketAddr::from(([10, b, c, d], 5000 + u16::from(a))))
}

/// Callers with numbers of their own.
#[derive(Default)]
struct Numbered(Callers, u64);

impl Numbered {
    fn meet(&mut self, caller: &Caller, now: Instant) -> (u64, Option<u64>) {
        self.0.meet(caller, now, || {
            self.1 += 1;
            self.1
        })
    }
}

#[test]
fn a_caller_keeps_its_number() {
    let (mut callers, now) = (Numbered::default(), Instant::now());
    assert_eq!(callers.meet(&caller(1), now), (1, None));
    assert_eq!(callers.meet(&caller(2), now), (2, None));
    assert_eq!(callers.meet(&caller(1), now), (1, None));
    assert_eq!(callers.0.by_id(2), Some(caller(2)));
}

#[test]
fn an_attacker_with_forged_senders_takes_a_bounded_number_of_places() {
    let (mut callers, start) = (Numbered::default(), Instant::now());
    for number in 0..10_000 {
        let (_, forgotten) = callers.meet(&caller(number), start + Duration::from_millis(number.into()));
        assert_eq!(forgotten.is_some(), usize::try_from(number).unwrap() >= CALLERS);
    }
    assert_eq!(callers.0.known.len(), CALLERS);
    assert!(callers.0.known.contains_key(&caller(9_999)), "the newest is known");
}

#[test]
fn a_sender_who_is_silent_for_long_hears_no_more() {
    let (mut callers, start) = (Numbered::default(), Instant::now());
    callers.meet(&caller(1), start);
    callers.meet(&caller(2), start + HEARS_FOR);
    assert_eq!(callers.0.heard_from_within(HEARS_FOR, start + HEARS_FOR), [caller(2)]);
}

/// What a server told of itself, a line each.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Reporter for Told {
    fn report(&self, event: Event<'_>) {
        let line = match event {
            Event::Opened { peer } => format!("opened {}", peer.id),
            Event::Closed { peer, tally, ending, .. } => {
                format!("closed {} {}/{} {ending}", peer.id, tally.received(), tally.sent())
            }
            Event::Refused { refusal, .. } => format!("refused {refusal}"),
            Event::Trouble { doing, error } => format!("{doing}: {error}"),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Told {
    /// Waits for the reports to be those.
    async fn becomes(&self, wanted: impl Fn(&[String]) -> bool) {
        let waiting = async {
            while !wanted(&self.0.lock().unwrap()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(10), waiting).await;
        assert!(came.is_ok(), "{:?}", self.0.lock().unwrap());
    }
}

/// A server of datagrams that runs beside the test.
struct Open {
    at: Endpoint,
    shutdown: Shutdown,
    told: Arc<Told>,
    serving: JoinHandle<io::Result<()>>,
}

impl Open {
    async fn at(address: &str, service: Service, frame: &str, limits: Limits) -> Self {
        let told = Arc::new(Told::default());
        let framing = Framing::parse(frame, None).unwrap();
        let server = Arc::new(Server::new(service, framing, 1000, None, true, told.clone()));
        let bound = listen(&address.parse().unwrap(), &ListenOptions::default()).await.unwrap();
        let Bound::Datagram(mut sockets) = bound else { panic!("{address}") };
        let socket = sockets.remove(0);
        let (at, shutdown) = (socket.local().clone(), Shutdown::default());
        let stop = shutdown.clone();
        let serving = tokio::spawn(async move { server.attend_datagrams(socket, &limits, &stop).await });
        Self { at, shutdown, told, serving }
    }

    async fn udp(service: Service) -> Self {
        Self::at("udp://127.0.0.1:0", service, "raw", Limits::default()).await
    }

    async fn client(&self) -> UdpSocket {
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(self.at.socket_addr().unwrap()).await.unwrap();
        client
    }

    async fn drained(self) -> Vec<String> {
        self.shutdown.drain.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.serving).await.unwrap().unwrap().unwrap();
        self.told.0.lock().unwrap().clone()
    }
}

async fn heard(client: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; READ_SIZE];
    let received = tokio::time::timeout(Duration::from_secs(10), client.recv(&mut buffer)).await;
    buffer.truncate(received.expect("an answer comes").unwrap());
    buffer
}

async fn ask(client: &UdpSocket, text: &[u8]) -> Vec<u8> {
    client.send(text).await.unwrap();
    heard(client).await
}

#[tokio::test]
async fn the_longest_datagram_is_answered_whole() {
    let server = Open::udp(Service::Reply(Reply::Upper)).await;
    let client = server.client().await;
    assert_eq!(ask(&client, "é中 abc".as_bytes()).await, "é中 ABC".as_bytes());
    assert!(ask(&client, &[b'a'; DATAGRAM_MAX]).await == [b'A'; DATAGRAM_MAX]);
    assert_eq!(ask(&client, b"").await, b"");
    assert_eq!(server.drained().await, [""; 0]);
}

#[tokio::test]
async fn a_loop_between_two_echoes_dies() {
    let server = Open::udp(Service::Reply(Reply::Echo)).await;
    let other = server.client().await;
    // The other end echoes too.
    other.send(b"round and round").await.unwrap();
    let mut rounds = 0;
    let mut buffer = [0; 100];
    while let Ok(received) = tokio::time::timeout(Duration::from_millis(300), other.recv(&mut buffer)).await {
        other.send(&buffer[..received.unwrap()]).await.unwrap();
        rounds += 1;
        assert!(rounds < 10_000, "it goes on");
    }
    assert_eq!(ask(&other, b"something else").await, b"something else", "the sender is not shut out");
}

#[tokio::test]
async fn chargen_does_not_answer_another_chargen() {
    let server = Open::udp(Service::Chargen).await;
    let other = server.client().await;
    let line = ask(&other, b"please").await;
    other.send(&line).await.unwrap();
    assert_ne!(ask(&other, b"again").await, b"");
    assert!(other.try_recv(&mut [0; 100]).is_err(), "one answer to two datagrams");
}

#[tokio::test]
async fn in_a_room_of_datagrams_others_hear_and_the_sender_does_not() {
    let server = Open::udp(Service::Room).await;
    let (ann, bob) = (server.client().await, server.client().await);
    ann.send(b"anybody?").await.unwrap();
    bob.send(b"me").await.unwrap();
    assert_eq!(heard(&ann).await, b"me");
    ann.send(b"hello").await.unwrap();
    assert_eq!(heard(&bob).await, b"hello");
}

#[tokio::test]
async fn the_last_answers_of_the_person_are_sent_before_the_end() {
    for _ in 0..20 {
        let (desk, mut calls) = Desk::new();
        let server = Open::udp(Service::Talk(Arc::clone(&desk))).await;
        let client = server.client().await;
        client.send(b"hello").await.unwrap();
        let call = calls.recv().await.unwrap();
        assert_eq!(call.event, CallEvent::Said(b"hello".to_vec()));
        assert!(desk.answer(call.id, b"one".to_vec()) && desk.answer(call.id, b"bye".to_vec()));
        desk.close();
        server.drained().await;
        assert_eq!((heard(&client).await, heard(&client).await), (b"one".to_vec(), b"bye".to_vec()));
    }
}

#[tokio::test]
async fn a_person_who_is_away_does_not_keep_the_server_from_ending() {
    let (desk, _calls) = Desk::new();
    let server = Open::udp(Service::Talk(desk)).await;
    let client = server.client().await;
    for _ in 0..1000 {
        client.send(b"anybody?").await.unwrap();
        tokio::task::yield_now().await;
    }
    server.drained().await;
}

#[tokio::test]
async fn a_command_by_datagram_is_answered_and_what_is_no_text_is_not() {
    let server = Open::udp(Service::Shell).await;
    let client = server.client().await;
    client.send(b"\x16\x03\x01").await.unwrap();
    assert_eq!(ask(&client, b"echo $PROTO; exit 3").await, b"UDP\n[exit 3]\n");
    let told = server.drained().await;
    assert!(told[0].contains("not text"), "{told:?}");
}

#[tokio::test]
async fn an_attacker_starts_a_bounded_number_of_commands() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let server = Open::udp(Service::Shell).await;
    let client = server.client().await;
    // Each waits at a pipe that nobody opens.
    let started = path("started");
    rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe"), rustix::fs::Mode::RWXU).unwrap();
    for _ in 0..COMMANDS_AT_ONCE + 20 {
        client.send(format!("echo x >>{started}; read x <{}", path("pipe")).as_bytes()).await.unwrap();
    }
    let count = || std::fs::read_to_string(&started).unwrap_or_default().lines().count();
    let waiting = async {
        while count() < COMMANDS_AT_ONCE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
    // One more would be started by now, for the datagrams have long been there.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(count(), COMMANDS_AT_ONCE);
    server.drained().await;
}

#[tokio::test]
async fn each_sender_has_a_line_of_its_own_to_the_far_side_and_each_reports_its_closing() {
    let far = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("tcp://{}", far.local_addr().unwrap());
    let server =
        Open::at("udp://127.0.0.1:0", Service::Forward(to.parse().unwrap()), "line", Limits::default()).await;
    let (ann, bob) = (server.client().await, server.client().await);
    ann.send(b"I am Ann").await.unwrap();
    let (mut anns, _) = far.accept().await.unwrap();
    bob.send(b"I am Bob").await.unwrap();
    let (mut bobs, _) = far.accept().await.unwrap();
    for (line, client, text) in [(&mut bobs, &bob, &b"I am Bob\n"[..]), (&mut anns, &ann, b"I am Ann\n")] {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut came = vec![0; text.len()];
        line.read_exact(&mut came).await.unwrap();
        assert_eq!(came, text);
        line.write_all(b"welcome\n").await.unwrap();
        assert_eq!(heard(client).await, b"welcome");
    }
    // Ann's line ends with its far side, and is forgotten: what she says next opens another.
    drop(anns);
    server.told.becomes(|told| told.contains(&"closed 1 8/7 eof".to_owned())).await;
    ann.send(b"again").await.unwrap();
    let (_anns, _) = far.accept().await.unwrap();
    server.told.becomes(|told| told.contains(&"opened 3".to_owned())).await;
    let told = server.drained().await;
    assert_eq!(told[..4], ["opened 1", "opened 2", "closed 1 8/7 eof", "opened 3"]);
    let closed: Vec<_> = told[4..].iter().map(|line| &line[..8]).collect();
    assert!(closed.contains(&"closed 2") && closed.contains(&"closed 3"), "{told:?}");
}

#[tokio::test]
async fn an_attacker_in_front_of_a_slow_far_side_has_a_bounded_number_of_datagrams_waiting() {
    let (far, first) = full_listener();
    let to = format!("tcp://{}", far.local_addr().unwrap()).parse().unwrap();
    let limits = Limits { max_connections: 1, ..Limits::default() };
    let server = Open::at("udp://127.0.0.1:0", Service::Forward(to), "line", limits).await;
    let attacker = server.client().await;
    for number in 0..2 * WAITING_FOR_FAR_SIDE {
        attacker.send(number.to_string().as_bytes()).await.unwrap();
    }
    // By the time another sender is refused, all of them have been looked at.
    server.client().await.send(b"hello").await.unwrap();
    server.told.becomes(|told| told.iter().any(|line| line.starts_with("refused "))).await;
    far.set_nonblocking(true).unwrap();
    let far = TcpListener::from_std(far).unwrap();
    let (waited, from) = far.accept().await.unwrap();
    assert_eq!(from, first.local_addr().unwrap());
    drop(waited);
    let (line, _) = far.accept().await.unwrap();
    let mut messages = BufReader::new(line).lines();
    for number in 0..WAITING_FOR_FAR_SIDE {
        assert_eq!(messages.next_line().await.unwrap(), Some(number.to_string()));
    }
    attacker.send(b"now there is room").await.unwrap();
    assert_eq!(messages.next_line().await.unwrap().unwrap(), "now there is room");
}

#[tokio::test]
async fn datagrams_are_forwarded_to_datagrams_and_back() {
    let far = Open::udp(Service::Reply(Reply::Upper)).await;
    let server = Open::udp(Service::Forward(far.at.to_string().parse().unwrap())).await;
    let client = server.client().await;
    assert_eq!(ask(&client, b"through and back").await, b"THROUGH AND BACK");
    assert_eq!(server.drained().await, ["opened 1", "closed 1 16/16 eof"]);
}

#[tokio::test]
async fn a_far_side_that_refuses_is_named_by_its_address() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let to = format!("tcp://{free}");
    let server = Open::udp(Service::Forward(to.parse().unwrap())).await;
    server.client().await.send(b"hello").await.unwrap();
    server.told.becomes(|told| told.len() == 2).await;
    let told = server.drained().await;
    assert!(told[1].contains(&to) && told[1].contains("connection refused"), "{told:?}");
}

#[tokio::test]
async fn an_attacker_with_many_senders_opens_a_bounded_number_of_lines() {
    let far = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("tcp://{}", far.local_addr().unwrap());
    let limits = Limits { per_ip: 2, ..Limits::default() };
    let server = Open::at("udp://127.0.0.1:0", Service::Forward(to.parse().unwrap()), "line", limits).await;
    for _ in 0..5 {
        server.client().await.send(b"let me in").await.unwrap();
    }
    server.told.becomes(|told| told.len() == 5).await;
    let told = server.drained().await;
    assert_eq!(
        told.iter().filter(|line| line.contains("refused 2 connections from this address")).count(),
        3
    );
}

#[tokio::test]
async fn an_attacker_on_a_socket_file_who_does_not_read_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let address = format!("unix-dgram:{}", path("server").display());
    let server = Open::at(&address, Service::Reply(Reply::Upper), "raw", Limits::default()).await;
    let deaf = StdUnixDatagram::bind(path("deaf")).unwrap();
    deaf.set_nonblocking(true).unwrap();
    let good = tokio::net::UnixDatagram::bind(path("good")).unwrap();
    good.connect(path("server")).unwrap();
    // Until its queue is full, however long this kernel makes it.
    while server.told.0.lock().unwrap().is_empty() {
        // The server's own queue may be full for a moment.
        let _ = deaf.send_to(b"no answer is read", path("server"));
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        good.send(b"hello").await.unwrap();
        let mut answer = [0; 10];
        let received = tokio::time::timeout(Duration::from_secs(10), good.recv(&mut answer)).await;
        assert_eq!(&answer[..received.expect("it is answered").unwrap()], b"HELLO");
    }
    assert!(server.drained().await.iter().all(|line| line.starts_with("answering a datagram: ")));
}

#[tokio::test]
async fn a_datagram_too_long_to_be_taken_is_an_error_that_says_so_and_is_not_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let address = format!("unix-dgram:{}", path("server").display());
    let server = Open::at(&address, Service::Reply(Reply::Upper), "raw", Limits::default()).await;
    let client = tokio::net::UnixDatagram::bind(path("client")).unwrap();
    client.connect(path("server")).unwrap();
    client.send(&[b'a'; READ_SIZE + 1]).await.unwrap();
    client.send(b"short").await.unwrap();
    let mut answer = vec![0; READ_SIZE];
    let length = client.recv(&mut answer).await.unwrap();
    assert_eq!(&answer[..length], b"SHORT");
    let told = server.drained().await;
    assert!(told[0].contains("it has 65537 bytes, and 65536 are the most"), "{told:?}");
}

#[tokio::test]
async fn an_address_on_the_deny_list_gets_no_answer() {
    let limits = Limits { access: crate::Access::parse(&[], &["127.0.0.9"]).unwrap(), ..Limits::default() };
    let server = Open::at("udp://127.0.0.1:0", Service::Reply(Reply::Echo), "raw", limits).await;
    let denied = UdpSocket::bind("127.0.0.9:0").await.unwrap();
    denied.send_to(b"hello", server.at.socket_addr().unwrap()).await.unwrap();
    // By the time the second is answered, the first has been looked at.
    assert_eq!(ask(&server.client().await, b"hello").await, b"hello");
    assert!(denied.try_recv(&mut [0; 10]).is_err());
}
