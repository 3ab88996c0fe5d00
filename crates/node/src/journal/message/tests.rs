//! Messages go in by the writer, and come out by a reader.

use std::slice::from_ref;

use ipmsg::node::MAX_TEXT;

use super::super::{Change, ChatState, Forgotten, Journal, Party, Whose, Writer, migrations};
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

    /// Has everything filed, and what is beyond the caps deleted.
    fn tidy(&self) {
        assert_eq!(self.runtime.block_on(self.writer.flush()), 0);
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
    let rows: Vec<i64> = messages.iter().map(|message| desk.accept(1, message.clone()).row).collect();
    let took = Duration::from_micros(1_500);
    for (change, state) in [
        (Change::Delivered { row: rows[3], took, at: at(2) }, State::Delivered { at: at(2), took }),
        (
            Change::Failed { row: rows[4], reason: "no é".to_owned(), at: at(3) },
            State::Failed { at: at(3), reason: "no é".to_owned() },
        ),
        (Change::Cancelled { row: rows[5], at: at(4) }, State::Cancelled { at: at(4) }),
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
    let row = desk.accept(1, long.clone()).row;
    desk.accept(1, outgoing(2, 900, "the clock went back"));
    let before = desk.chat_state().last_number;
    assert!((long.last_number()..long.last_number() + 100).contains(&before), "{before}");
    desk.accept(1, outgoing(3, before + 1, "the next one"));
    let spent = desk.chat_state().last_number;
    assert!(spent > before);
    desk.write(Change::Cancelled { row, at: at(2) });
    desk.journal.forget(at(3)).unwrap();
    assert_eq!(desk.chat_state().last_number, spent);
    desk.accept(4, outgoing(4, u32::MAX, "the last of all"));
    assert_eq!(desk.chat_state().last_number, u32::MAX);
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

#[test]
fn a_search_finds_chinese_words_of_one_and_two_characters_newest_first() {
    let desk = Desk::new();
    for (second, said) in ["明天开会议", "议会", "world 明天", "会 议"].into_iter().enumerate() {
        desk.receive(second as i64, text(said));
    }
    assert_eq!(desk.search("会"), ["会 议", "议会", "明天开会议"]);
    assert_eq!(desk.search("会议"), ["会 议", "明天开会议"], "spaces make no difference");
    assert_eq!(desk.search("开会议"), ["明天开会议"]);
    assert_eq!(desk.search("d 明"), [""; 0]);
    assert_eq!(desk.search("world 明"), ["world 明天"]);
    assert_eq!(desk.search("麒麟"), [""; 0]);
}

#[test]
fn a_search_finds_words_that_follow_each_other_the_last_perhaps_only_begun() {
    let desk = Desk::new();
    desk.receive(1, text("Hello, World! Ｔｒｕｎｋ ｶﾞ Café 👍 ❤\u{fe0f} price: 5€"));
    let found = |text: &str| desk.search(text).len();
    for sought in [
        "hello",
        "hel",
        "HELLO WOR",
        "hello world",
        "world!",
        "trunk",
        "ＨＥＬＬＯ",
        "ガ",
        "cafe",
        "CAFÉ",
        "👍",
        "❤",
        "👍 ❤",
        "price 5",
        "...hello",
    ] {
        assert_eq!(found(sought), 1, "{sought}");
    }
    for sought in ["ello", "world hello", "hello trunk", "hel world", "h", "👎", "", "?!", " "] {
        assert_eq!(found(sought), 0, "{sought}");
    }
}

#[test]
fn whatever_is_sought_is_sought_and_never_an_operator() {
    let desk = Desk::new();
    desk.receive(1, text("a NEAR b OR c text: x^2 \"quoted\" -not (all) 100%"));
    for sought in [
        "near b or c",
        "text: x",
        "text",
        "\"quoted\"",
        "quoted\"",
        "\"",
        "-not",
        "(all)",
        "100%",
        "x^2",
        "'",
        "*",
        "a\0near",
        "\x1b[2J",
        "{}",
        "AND",
        "NEAR(a b)",
        "a + near",
        "\\",
        ";",
    ] {
        let query = MessageQuery { search: Some(sought.to_owned()), ..MessageQuery::default() };
        let found = desk.journal.messages(&query).unwrap().len();
        let is_there =
            ["near b or c", "text: x", "text", "\"quoted\"", "quoted\"", "-not", "(all)", "100%", "x^2"]
                .contains(&sought)
                || ["a\0near", "a + near"].contains(&sought);
        assert_eq!(found, usize::from(is_there), "{sought:?}");
    }
}

#[test]
fn what_is_wanted_may_be_narrowed_by_person_time_place_and_number() {
    let desk = Desk::new();
    let from = |party: &Party, said: &str| ReceivedMessage { from: party.clone(), ..text(said) };
    let moved = Party { address: "10.0.0.90:2425".parse().ok(), ..bob() };
    let other = Party { nick: "Bob".to_owned(), address: "10.0.0.9:2426".parse().ok(), ..anne() };
    let said = [(bob(), "one"), (anne(), "two"), (moved, "three"), (other, "four")];
    for (second, (party, said)) in (1..).zip(&said) {
        desk.receive(second, from(party, said));
    }
    desk.accept(5, outgoing(1, 10, "five"));
    let found = |query: MessageQuery| texts(desk.found(&query));
    let of = |whose: &[Whose]| MessageQuery { whose: Some(whose.to_vec()), ..MessageQuery::default() };
    let node = Whose::Node(NodeId(0xb0b));
    let name = Whose::Name { user: "anne".to_owned(), host: "hosta".to_owned() };
    assert_eq!(found(of(from_ref(&node))), ["five", "three", "one"]);
    assert_eq!(found(of(from_ref(&name))), ["four", "two"]);
    assert_eq!(found(of(&[Whose::Nick("小王".to_owned())])), ["five", "two"]);
    assert_eq!(found(of(&[Whose::Host([10, 0, 0, 9].into())])), ["four", "one"]);
    assert_eq!(found(of(&[Whose::Address("10.0.0.9:2425".parse().unwrap())])), ["one"]);
    assert_eq!(found(of(&[Whose::Address("[fe80::7%3]:2425".parse().unwrap())])), ["two"]);
    assert_eq!(found(of(&[Whose::Host("fe80::7".parse().unwrap())])), ["two"]);
    let both = of(&[node, Whose::Host([10, 0, 0, 9].into()), name]);
    assert_eq!(found(both.clone()), ["five", "four", "three", "two", "one"], "each once");
    assert_eq!(found(MessageQuery { newest: Some(2), ..both.clone() }), ["five", "four"]);
    assert_eq!(found(MessageQuery { since: Some(at(4)), ..both.clone() }), ["five", "four"]);
    assert_eq!(found(MessageQuery { search: Some("tw".to_owned()), ..both }), ["two"]);
    assert_eq!(found(of(&[])), [""; 0]);
    let since = MessageQuery { since: Some(at(3)), ..MessageQuery::default() };
    assert_eq!(found(MessageQuery { search: Some("th".to_owned()), ..since }), ["three"]);
}

#[test]
fn a_search_among_one_partys_messages_finds_what_is_in_both_newest_first() {
    let desk = Desk::new();
    for (second, said) in (1..).zip(["word 1", "word 2", "other 3", "other 4", "word 5", "word 6", "word 7"])
    {
        let from = if second % 2 == 1 { bob() } else { anne() };
        desk.receive(second, ReceivedMessage { from, ..text(said) });
    }
    for whose in [Whose::Node(NodeId(0xb0b)), Whose::Host([10, 0, 0, 9].into())] {
        let search = Some("word".to_owned());
        let query = MessageQuery { whose: Some(vec![whose]), search, ..MessageQuery::default() };
        let found = |query: &MessageQuery| texts(desk.found(query));
        assert_eq!(found(&query), ["word 7", "word 5", "word 1"]);
        let newest = MessageQuery { newest: Some(2), ..query.clone() };
        assert_eq!(found(&newest), ["word 7", "word 5"]);
        assert_eq!(found(&MessageQuery { before: Some(7), ..newest }), ["word 5", "word 1"]);
        assert_eq!(found(&MessageQuery { since: Some(at(2)), ..query }), ["word 7", "word 5"]);
    }
}

#[test]
fn one_pages_from_the_newest_to_the_oldest_without_a_gap_whatever_the_clock_did() {
    let desk = Desk::new();
    // The clock went back.
    for second in [5, 6, 1, 2] {
        desk.receive(second, text(&format!("word {second}")));
    }
    for search in [None, Some("word".to_owned())] {
        let mut query = MessageQuery { newest: Some(3), search, ..MessageQuery::default() };
        let page = desk.found(&query);
        query.before = page.last().map(|message| message.row);
        assert_eq!(texts(page), ["word 2", "word 1", "word 6"]);
        assert_eq!(texts(desk.found(&query)), ["word 5"]);
        query = MessageQuery { since: Some(at(2)), newest: None, before: None, ..query };
        assert_eq!(texts(desk.found(&query)), ["word 2", "word 6", "word 5"]);
    }
}

#[test]
fn of_many_messages_since_a_time_the_newest_are_found_and_none_that_was_before_it() {
    let mut database = Database::open_in_memory().unwrap();
    migrations::apply(&mut database, migrations::ALL).unwrap();
    let transaction = database.transaction().unwrap();
    for second in 1..=i64::from(select::FEW) + 2 {
        receive(&transaction, &text(&second.to_string()), at(second)).unwrap();
    }
    receive(&transaction, &text("by a clock that was wrong"), at(1)).unwrap();
    file(&transaction).unwrap();
    let since = |second| MessageQuery { since: Some(at(second)), newest: Some(2), ..MessageQuery::default() };
    assert_eq!(texts(select(&transaction, &since(2)).unwrap()), ["10002", "10001"]);
    assert_eq!(texts(select(&transaction, &since(10_002)).unwrap()), ["10002"]);
    assert!(select(&transaction, &since(10_003)).unwrap().is_empty());
}

#[test]
fn the_text_of_a_sealed_message_is_neither_shown_nor_found_before_it_is_opened() {
    let desk = Desk::new();
    let row = desk.receive(1, ReceivedMessage { sealed: true, ..text("a secret") }).row;
    let read = || desk.journal.message(row).unwrap().unwrap();
    assert_eq!((read().text, read().sealed, read().opened), (None, true, None));
    assert_eq!(desk.search("secret"), [""; 0]);
    let open = || desk.write(Change::Unsealed { row, at: at(2) });
    assert_eq!(open(), Written { row, is_new: true });
    assert_eq!(open(), Written { row, is_new: false });
    let opened = Some(Opened { at: at(2), discarded: false });
    assert_eq!((read().text.as_deref(), read().opened), (Some("a secret"), opened));
    assert_eq!(desk.search("secret"), ["a secret"]);
    let plain = desk.receive(3, text("plain")).row;
    assert!(!desk.write(Change::Unsealed { row: plain, at: at(4) }).is_new, "nothing was sealed there");
    assert_eq!(desk.search("plain"), ["plain"]);
}

#[test]
fn only_the_receiver_opens_a_sealed_message_of_ours_by_any_of_its_numbers_and_once() {
    let desk = Desk::new();
    let sealed = |id, number, to| Outgoing { sealed: true, to, ..outgoing(id, number, &"x".repeat(1_024)) };
    let there = "10.0.0.77:2425".parse().unwrap();
    let name = Person::Name { user: "anne".to_owned(), host: "hosta".to_owned(), address: there };
    desk.accept(1, sealed(1, 100, Person::Node(NodeId(0xb0b))));
    desk.accept(1, sealed(2, 200, name));
    desk.accept(1, sealed(3, 300, Person::Address(there)));
    desk.accept(1, outgoing(4, 400, "not sealed"));
    let open = |by: Party, number, discarded| desk.write(Change::Opened { by, number, discarded, at: at(2) });
    let nothing = Written::default();
    let impostor = Party { node: None, ..bob() };
    for (by, number) in [
        (anne(), 100),
        (impostor, 100),
        (bob(), 99),
        (bob(), 103),
        (bob(), 200),
        (bob(), 400),
        (bob(), u32::MAX),
    ] {
        assert_eq!(open(by.clone(), number, false), nothing, "{by:?} {number}");
    }
    assert!(open(bob(), 102, false).is_new);
    assert!(!open(bob(), 100, true).is_new, "the first word stays");
    assert!(open(anne(), 201, true).is_new);
    assert_eq!(open(anne(), 300, false), nothing);
    assert!(open(Party { address: Some(there), ..anne() }, 300, false).is_new);
    let opened: Vec<_> =
        desk.all().iter().map(|message| message.opened.map(|opened| opened.discarded)).collect();
    assert_eq!(opened, [None, Some(false), Some(true), Some(false)]);
}

#[test]
fn news_of_a_message_that_is_not_there_changes_nothing() {
    let desk = Desk::new();
    let row = desk.receive(1, ReceivedMessage { id: Some((NodeId(1), MessageId(1))), ..text("theirs") }).row;
    for change in [
        Change::Delivered { row, took: Duration::ZERO, at: at(2) },
        Change::Cancelled { row: 2, at: at(2) },
        Change::Unsealed { row: 9, at: at(2) },
    ] {
        assert!(!desk.write(change).is_new);
    }
    assert_eq!(desk.all()[0].state, State::Received);
}

#[test]
fn what_is_forgotten_is_not_found_any_more_and_what_waits_is_kept() {
    let desk = Desk::new();
    desk.receive(1, text("old word"));
    desk.accept(2, outgoing(1, 10, "waiting word"));
    desk.tidy();
    desk.receive(4, text("new word"));
    let forgotten = desk.journal.forget(at(4)).unwrap();
    assert_eq!(forgotten, Forgotten { messages: 1, ..Forgotten::default() });
    assert_eq!(desk.search("word"), ["new word", "waiting word"]);
    assert_eq!(desk.search("old"), [""; 0]);
    let indexed: i64 = desk
        .journal
        .database
        .query_row("SELECT count(*) FROM words WHERE words MATCH 'old'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(indexed, 0, "the index has forgotten it as well");
    assert_eq!(desk.chat_state().outbox.len(), 1);
}

#[test]
fn whoever_sends_without_end_pushes_out_the_oldest_but_nothing_that_waits() {
    let desk = Desk::new();
    desk.accept(1, outgoing(1, 10, "waiting word"));
    desk.receive(2, text("old word"));
    desk.tidy();
    // As if a million had come since.
    desk.journal.database.execute(
        "INSERT INTO messages SELECT ?1, at, state, person, node, user, host, nick, \"group\", address, ip, message, number,
            'newer', sealed, automatic, broadcast, ended, took, reason, opened, discarded, filed FROM messages WHERE id = 2",
        [MESSAGES_MAX + 1],
    ).unwrap();
    let texts_left = || texts(desk.all());
    assert_eq!(texts_left(), ["newer", "old word", "waiting word"]);
    desk.receive(3, text("the last straw"));
    desk.tidy();
    assert_eq!(texts_left(), ["the last straw", "newer", "waiting word"]);
    assert_eq!(desk.search("word"), ["waiting word"]);
}

#[test]
fn whoever_sends_long_texts_without_end_pushes_out_the_oldest_but_nothing_that_waits() {
    let desk = Desk::new();
    desk.accept(1, outgoing(1, 10, "waits"));
    for nth in 0..150 {
        desk.receive(2, text(&format!("{nth:03}")));
    }
    let bytes = || -> i64 {
        desk.journal.database.query_row("SELECT bytes FROM volume", [], |row| row.get(0)).unwrap()
    };
    desk.tidy();
    assert_eq!(bytes(), 5 + 150 * 3);
    // As if the texts were longer.
    desk.journal.database.execute("UPDATE volume SET bytes = ?1", [TEXTS_MAX - 3]).unwrap();
    desk.receive(3, text("150"));
    desk.tidy();
    assert_eq!(desk.all().len(), 152, "there is room for this one");
    desk.receive(3, text("151"));
    desk.tidy();
    assert_eq!(bytes(), TEXTS_MAX + 3 - 100 * 3);
    let left = texts(desk.all());
    assert_eq!((left.len(), left[0].as_str(), left[51].as_str()), (53, "151", "100"));
    assert_eq!(left[52], "waits");
}

#[test]
fn a_row_that_no_program_of_ours_has_written_is_an_error() {
    for (column, value, says) in [
        ("state", "'lost'", "no such state"),
        ("state", "'failed'", "when it ended"),
        ("address", "'home'", "invalid socket address"),
        ("node", "x'01'", "16 byte"),
    ] {
        let desk = Desk::new();
        desk.receive(1, text("hi"));
        let update = format!("UPDATE messages SET {column} = {value}");
        desk.journal.database.execute(&update, []).unwrap();
        let error = desk.journal.messages(&MessageQuery::default()).unwrap_err().to_string();
        assert!(error.starts_with("reading the journal /") && error.contains(says), "{error}");
    }
}
