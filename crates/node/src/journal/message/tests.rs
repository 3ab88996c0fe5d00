//! Messages go in by the writer, and come out by a reader.

use ipmsg::node::MAX_TEXT;

use super::super::{Change, ChatState, Journal, Party, Writer};
use super::*;

/// A journal with a writer whose every change is waited for.
struct Desk {
    folder: tempfile::TempDir,
    journal: Journal,
    writer: Writer,
    runtime: tokio::runtime::Runtime,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let writer =
            Writer::start(Journal::open(folder.path()).unwrap(), |trouble| panic!("{trouble}")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { folder, journal, writer, runtime }
    }

    fn write(&self, change: Change) -> Written {
        self.runtime.block_on(self.writer.keep(change)).unwrap()
    }

    /// A message that came at a second after 1970.
    fn receive(&self, second: i64, message: ReceivedMessage) -> Written {
        self.write(Change::Received { message, at: at(second) })
    }

    fn accept(&self, second: i64, message: Outgoing) -> Written {
        let to = Party { nick: "小王".to_owned(), ..Party::from(&message.to) };
        self.write(Change::Accepted { message, to, at: at(second) })
    }

    fn found(&self, query: &MessageQuery) -> Vec<Message> {
        self.journal.messages(query).unwrap()
    }

    fn all(&self) -> Vec<Message> {
        self.found(&MessageQuery::default())
    }

    /// The texts in which a search finds something, newest first.
    fn search(&self, text: &str) -> Vec<String> {
        texts(self.found(&MessageQuery { search: Some(text.to_owned()), ..MessageQuery::default() }))
    }

    fn chat_state(&self) -> ChatState {
        self.journal.chat_state(|| NodeId(7)).unwrap()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn texts(messages: Vec<Message>) -> Vec<String> {
    messages.into_iter().map(|message| message.text.unwrap()).collect()
}

fn bob() -> Party {
    Party {
        node: Some(NodeId(0xb0b)),
        user: "bob".to_owned(),
        host: "hostb".to_owned(),
        nick: "Bob".to_owned(),
        group: "lab".to_owned(),
        address: Some("10.0.0.9:2425".parse().unwrap()),
    }
}

/// One of another program.
fn anne() -> Party {
    Party {
        node: None,
        user: "anne".to_owned(),
        host: "hosta".to_owned(),
        nick: "小王".to_owned(),
        group: String::new(),
        address: Some("[fe80::7%3]:2425".parse().unwrap()),
    }
}

/// A text of anne's program, which has no ids.
fn text(text: &str) -> ReceivedMessage {
    ReceivedMessage {
        from: anne(),
        id: None,
        number: 5,
        text: text.to_owned(),
        sealed: false,
        automatic: false,
        broadcast: false,
    }
}

fn outgoing(id: u128, number: u32, text: &str) -> Outgoing {
    Outgoing {
        id: MessageId(id),
        to: Person::Node(NodeId(0xb0b)),
        number,
        text: text.to_owned(),
        sealed: false,
    }
}

#[test]
fn a_node_has_one_id_for_ever() {
    let desk = Desk::new();
    assert_eq!(desk.chat_state(), ChatState { node: NodeId(7), last_number: 0, outbox: vec![] });
    let again = Journal::open(desk.folder.path()).unwrap();
    assert_eq!(again.chat_state(|| panic!("it has one")).unwrap().node, NodeId(7));
}

#[test]
fn the_outbox_comes_back_as_it_was_accepted_without_what_has_left_it() {
    let desk = Desk::new();
    let there = "[fe80::7%3]:2425".parse().unwrap();
    let name = Person::Name { user: "anne".to_owned(), host: "hosta".to_owned(), address: there };
    let mut messages: Vec<_> = (1..=6).map(|id| outgoing(id, 10 * id as u32, "hello\n世界\0")).collect();
    messages[1].to = name;
    messages[2].to = Person::Address(there);
    messages[2].sealed = true;
    messages.iter().for_each(|message| assert!(desk.accept(1, message.clone()).is_new));
    let took = Duration::from_micros(1_500);
    for (change, state) in [
        (Change::Delivered { message: MessageId(4), took, at: at(2) }, State::Delivered { at: at(2), took }),
        (
            Change::Failed { message: MessageId(5), reason: "no é".to_owned(), at: at(3) },
            State::Failed { at: at(3), reason: "no é".to_owned() },
        ),
        (Change::Cancelled { message: MessageId(6), at: at(4) }, State::Cancelled { at: at(4) }),
    ] {
        let written = desk.write(change.clone());
        assert!(written.is_new);
        assert!(!desk.write(change).is_new, "the second time says nothing new");
        assert_eq!(desk.journal.message(written.row).unwrap().unwrap().state, state);
    }
    assert_eq!(desk.chat_state().outbox, messages[..3]);
}

#[test]
fn a_number_that_a_message_may_have_been_sent_with_is_spent_for_ever() {
    let desk = Desk::new();
    let long = outgoing(1, 1_000, &"x".repeat(MAX_TEXT));
    desk.accept(1, long.clone());
    desk.accept(1, outgoing(2, 900, "the clock went back"));
    assert!(long.last_number() > 1_000);
    assert_eq!(desk.chat_state().last_number, long.last_number());
    desk.write(Change::Cancelled { message: MessageId(1), at: at(2) });
    desk.journal.forget(at(3)).unwrap();
    assert_eq!(desk.chat_state().last_number, long.last_number());
}

#[test]
fn a_message_with_an_id_is_there_once_for_each_node_and_one_without_as_often_as_it_came() {
    let desk = Desk::new();
    let message = |node, id| ReceivedMessage { id: Some((NodeId(node), MessageId(id))), ..text("hi") };
    let first = desk.receive(1, message(1, 1));
    assert_eq!(desk.receive(2, message(1, 1)), Written { row: first.row, is_new: false });
    for other in [message(1, 2), message(2, 1), text("hi"), text("hi")] {
        assert!(desk.receive(3, other).is_new);
    }
    assert_eq!(desk.all().len(), 5);
    assert!(desk.accept(4, outgoing(1, 10, "hi")).is_new, "ours are others");
    assert!(!desk.accept(4, outgoing(1, 10, "hi")).is_new);
    assert_eq!(desk.search("hi").len(), 6);
}

#[test]
fn a_message_comes_back_as_it_went_in() {
    let desk = Desk::new();
    let evil = "\x1b]0;root\x07 \u{202e}会议\0'; DROP TABLE messages; --".to_owned();
    let message = ReceivedMessage {
        from: Party { nick: evil.clone(), ..bob() },
        id: Some((NodeId(0xb0b), MessageId(u128::MAX))),
        number: u32::MAX,
        text: evil.clone(),
        sealed: false,
        automatic: true,
        broadcast: true,
    };
    let written = desk.write(Change::Received {
        message: message.clone(),
        at: "2026-11-22T19:45:18.123456Z".parse().unwrap(),
    });
    let expected = Message {
        row: written.row,
        at: "2026-11-22T19:45:18.123456Z".parse().unwrap(),
        party: message.from,
        state: State::Received,
        id: Some(MessageId(u128::MAX)),
        number: u32::MAX,
        text: Some(evil),
        sealed: false,
        opened: None,
        automatic: true,
        broadcast: true,
    };
    assert_eq!(desk.journal.message(written.row).unwrap().as_ref(), Some(&expected));
    assert_eq!(desk.all(), [expected]);
    assert_eq!(desk.journal.message(written.row + 1).unwrap(), None);
}
