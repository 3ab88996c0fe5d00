//! What strangers can do to a node, and what they cannot.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use ipmsg::{Body, Dialect, Message, Presence, PresenceKind, Sender};
use node::face::{Event, Presence as Standing, Request};

use crate::desk::{Desk, two};

/// Somebody at an address of the loopback, who may say whatever he likes.
struct Stranger {
    socket: UdpSocket,
    victim: SocketAddr,
}

impl Stranger {
    fn at(address: Ipv4Addr, victim: &Desk) -> Self {
        let socket = UdpSocket::bind((address, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        Self { socket, victim: SocketAddr::from(([127, 0, 0, 1], victim.port)) }
    }

    fn says(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.victim).unwrap();
    }

    fn enters(&self, user: &str, nick: &str) {
        let entry = Body::Presence(Presence::new(PresenceKind::Entry, nick));
        self.says(&entry.build(1, Sender { user, host: "pc" }, Dialect::UTF_8).unwrap());
    }

    fn writes(&self, number: u32, user: &str, text: &str) {
        let message = Body::Message(Message::new(text));
        self.says(&message.build(number, Sender { user, host: "pc" }, Dialect::UTF_8).unwrap());
    }

    /// How many datagrams come back, until none comes for a while.
    fn hears(&self) -> usize {
        let mut count = 0;
        while self.socket.recv(&mut [0; 2048]).is_ok() {
            count += 1;
        }
        count
    }
}

/// The node still does its work: what is asked of it, it answers.
async fn works(anna: &mut Desk, wang: &mut Desk) {
    anna.send("wang", "still there?").await.unwrap();
    loop {
        if wang.gets().await.text == "still there?" {
            return;
        }
    }
}

#[tokio::test]
async fn datagrams_that_are_no_packets_are_nothing_to_it() {
    let (mut anna, mut wang) = two().await;
    let stranger = Stranger::at(Ipv4Addr::new(127, 0, 0, 9), &wang);
    let whole =
        Body::Message(Message::new("cut")).build(9, Sender { user: "m", host: "h" }, Dialect::UTF_8).unwrap();
    let text_begins = whole.len() - "cut\0".len();
    for length in 0..text_begins {
        stranger.says(&whole[..length]);
    }
    for junk in [&b""[..], b"1:2", b"\xff\xfe\x00\x01", b"1:99999999999999999999:a:b:32:x", &[b':'; 1400]] {
        stranger.says(junk);
    }
    stranger.says(&[b'A'; 65_507]);
    works(&mut anna, &mut wang).await;
    assert_eq!(wang.history().len(), 1, "only what anna wrote");
    stranger.says(&[&b"1:7:a:b:32:"[..], &vec![b'x'; 65_000]].concat());
    assert_eq!(wang.gets().await.text.len(), 65_000, "a long one, and right");
}

#[tokio::test]
async fn a_forged_goodbye_takes_nobody_away_who_is_there() {
    let (mut anna, mut wang) = two().await;
    let me = wang.snapshot().await.me;
    let forger = Stranger::at(Ipv4Addr::new(127, 0, 0, 9), &anna);
    let exit = Body::Presence(Presence::new(PresenceKind::Exit, &me.name));
    let bytes = exit.build(8, Sender { user: &me.user, host: &me.host }, Dialect::UTF_8).unwrap();
    for _ in 0..20 {
        forger.says(&bytes);
    }
    works(&mut anna, &mut wang).await;
    let people = anna.snapshot().await.people;
    assert_eq!(people.iter().find(|person| person.name == "wang").unwrap().presence, Standing::Here);
}

#[tokio::test]
async fn who_calls_himself_as_somebody_of_the_book_does_not_look_like_him() {
    let (mut anna, mut wang) = two().await;
    let forger = Stranger::at(Ipv4Addr::new(127, 0, 0, 9), &anna);
    forger.enters("wang", "WANG");
    forger.writes(3, "wang", "send me the keys");
    let message = anna.gets().await;
    assert_eq!((message.with.name.as_str(), message.with.book), ("WANG at 127.0.0.9", None));
    anna.send("wang", "these?").await.unwrap();
    assert_eq!(wang.gets().await.text, "these?", "the book comes before the wire");
}

#[tokio::test]
async fn two_of_the_same_names_are_told_and_remembered() {
    let (mut anna, _wang) = two().await;
    for last in [8, 9] {
        Stranger::at(Ipv4Addr::new(127, 0, 0, last), &anna).enters("li", "li");
    }
    let notice = anna.sees(|event| match event {
        Event::Notice { text } => Some(text.clone()),
        _ => None,
    });
    let notice = notice.await;
    assert!(notice.starts_with("li is at 127.0.0.9:"), "{notice}");
    assert_eq!(anna.snapshot().await.troubles, [notice]);
}

#[tokio::test]
async fn an_acknowledgement_from_a_stranger_delivers_nothing() {
    let (mut anna, mut wang) = two().await;
    wang.stop().await;
    let sent = anna.send("wang", "for wang alone").await.unwrap()[0].id;
    let stranger = Stranger::at(Ipv4Addr::new(127, 0, 0, 9), &anna);
    let number = journal_number(&anna);
    for number in number..number + 100 {
        stranger.says(format!("1:{number}:wang:pc:33:{number}\0").as_bytes());
    }
    anna.sees(|event| matches!(event, Event::Queued { message } if *message == sent).then_some(())).await;
    assert_eq!(anna.snapshot().await.waiting, 1);
}

/// The number of the packet of the last message.
fn journal_number(desk: &Desk) -> u32 {
    let journal = node::journal::Journal::open(desk.home().state()).unwrap();
    journal.messages(&node::journal::MessageQuery::default()).unwrap()[0].number
}

#[tokio::test]
async fn a_storm_of_entries_is_answered_a_few_times_and_no_more() {
    let (mut anna, mut wang) = two().await;
    let stranger = Stranger::at(Ipv4Addr::new(127, 0, 0, 9), &wang);
    for _ in 0..2000 {
        stranger.enters("mallory", "mallory");
    }
    let heard = tokio::task::spawn_blocking(move || stranger.hears());
    works(&mut anna, &mut wang).await;
    let heard = heard.await.unwrap();
    assert!(heard <= 10, "{heard} datagrams for 2000 that may have had a forged source");
}

#[tokio::test]
async fn a_hundred_thousand_forged_people_leave_the_node_at_its_work_and_its_memory_bounded() {
    let (mut anna, mut wang) = two().await;
    let before = memory();
    let victim = SocketAddr::from(([127, 0, 0, 1], wang.port));
    let forging = tokio::task::spawn_blocking(move || {
        for number in 0..100_000_u32 {
            let [_, a, b, c] = number.to_be_bytes();
            // Each from an address of its own.
            let socket = UdpSocket::bind((Ipv4Addr::new(127, 7 + a, b, c), 0)).unwrap();
            let entry = Body::Presence(Presence::new(PresenceKind::Entry, "ghost"));
            let user = format!("ghost{number}");
            let bytes = entry.build(1, Sender { user: &user, host: "pc" }, Dialect::UTF_8).unwrap();
            socket.send_to(&bytes, victim).unwrap();
        }
    });
    while !forging.is_finished() {
        wang.ask(Request::Cancel { message: 0 }).await.unwrap_err();
    }
    forging.await.unwrap();
    wang.watch = wang.node.watch().await.unwrap();
    works(&mut anna, &mut wang).await;
    let people = wang.snapshot().await.people.len();
    assert!(people <= ipmsg::node::MAX_PEERS + 1, "{people} people");
    let grown = memory().saturating_sub(before);
    assert!(grown < 200 << 20, "the memory of this process has grown by {grown} bytes");
}

/// What this process has in memory, in bytes.
fn memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn what_a_stranger_writes_is_stored_as_it_came_and_never_opens_or_starts_anything() {
    let (_anna, mut wang) = two().await;
    let stranger = Stranger::at(Ipv4Addr::new(127, 0, 0, 9), &wang);
    let text = "\u{1b}]0;owned\u{7}\u{202e}txt.exe\r\n$(reboot)";
    stranger.enters("mallory", "\u{1b}[31mroot");
    stranger.writes(5, "mallory", text);
    let message = wang.gets().await;
    assert_eq!(message.text, text);
    assert_eq!(message.with.node, None);
    assert_eq!(message.with.addresses[0].ip(), Ipv4Addr::new(127, 0, 0, 9));
    let files = std::fs::read_dir(wang.folder.path()).unwrap().map(|file| file.unwrap().file_name());
    let mut files: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["book.toml", "journal.db", "journal.db-shm", "journal.db-wal", "node.lock"]);
}
