use std::time::Duration;

use ipmsg::node::{Outgoing, Person};
use ipmsg::{MessageId, NodeId};
use jiff::Timestamp;
use proptest::prelude::*;

use super::super::{End, Message, MessageQuery, ReceivedMessage};
use super::super::{accept, delete, end, outbox, receive, select, unseal, waiting};
use super::*;
use crate::journal::migrations;
use crate::journal::party::{Party, Whose};

/// What may happen to a journal.
#[derive(Clone, Debug)]
enum Step {
    Receive { text: String, from: u8, sealed: bool },
    Accept { text: String, to: u8 },
    Deliver(i64),
    Unseal(i64),
    Forget(i64),
    File,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn party(number: u8) -> Party {
    let nick = format!("nick{number}");
    let address = format!("10.0.0.{number}:2425").parse().ok();
    Party {
        node: Some(NodeId(number.into())),
        user: nick.clone(),
        host: nick.clone(),
        nick,
        address,
        ..Party::default()
    }
}

fn empty() -> Database {
    let mut database = Database::open_in_memory().unwrap();
    migrations::apply(&mut database, migrations::ALL).unwrap();
    database
}

fn take(database: &Database, second: i64, step: &Step) {
    let message = |text: &str, sealed| ReceivedMessage {
        from: Party::default(),
        id: None,
        number: 5,
        text: text.to_owned(),
        sealed,
        automatic: false,
        broadcast: false,
    };
    match step {
        Step::Receive { text, from, sealed } => {
            let message = ReceivedMessage { from: party(*from), ..message(text, *sealed) };
            receive(database, &message, at(second)).unwrap();
        }
        Step::Accept { text, to } => {
            let number = u32::try_from(second).unwrap();
            let message = Outgoing {
                id: MessageId(second.unsigned_abs().into()),
                to: Person::Node(NodeId((*to).into())),
                number,
                text: text.clone(),
                sealed: false,
            };
            accept(database, &message, &party(*to), at(second)).unwrap();
        }
        Step::Deliver(row) => {
            end(database, *row, End::Delivered(Duration::ZERO), at(second)).unwrap();
        }
        Step::Unseal(row) => drop(unseal(database, *row, at(second)).unwrap()),
        Step::Forget(before) => drop(delete(database, at(*before)).unwrap()),
        Step::File => file(database).unwrap(),
    }
}

/// What all kinds of questions find.
fn answers(database: &Database) -> Vec<Vec<Message>> {
    let all = MessageQuery::default();
    let mut queries = vec![all.clone(), MessageQuery { since: Some(at(8)), ..all.clone() }];
    for text in ["会", "会议", "me", "meeting", "server 会", "unicorn"] {
        let search = MessageQuery { search: Some(text.to_owned()), ..all.clone() };
        queries.push(MessageQuery { newest: Some(3), before: Some(9), ..search.clone() });
        queries.push(search);
    }
    let name = Whose::Name { user: "nick2".to_owned(), host: "nick2".to_owned() };
    for whose in
        [Whose::Node(NodeId(1)), name, Whose::Nick("nick3".to_owned()), Whose::Host([10, 0, 0, 1].into())]
    {
        queries.push(MessageQuery { whose: Some(vec![whose.clone()]), ..all.clone() });
        let search = Some("meeting".to_owned());
        queries.push(MessageQuery { whose: Some(vec![whose]), search, ..all.clone() });
    }
    queries.iter().map(|query| select(database, query).unwrap()).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let text =
        prop::sample::select(vec!["明天开会议", "the meeting", "server 会", "me", "会 议 meeting", "ok"]);
    let text = text.prop_map(str::to_owned);
    prop_oneof![
        6 => (text.clone(), 1..4_u8, prop::bool::weighted(0.2))
            .prop_map(|(text, from, sealed)| Step::Receive { text, from, sealed }),
        4 => (text, 1..4_u8).prop_map(|(text, to)| Step::Accept { text, to }),
        3 => (1..30_i64).prop_map(Step::Deliver),
        2 => (1..30_i64).prop_map(Step::Unseal),
        1 => (1..30_i64).prop_map(Step::Forget),
        3 => Just(Step::File),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whenever_it_is_filed_the_same_is_found(steps in prop::collection::vec(step(), 1..40)) {
        let (at_once, whenever) = (empty(), empty());
        for (second, step) in (1..).zip(&steps) {
            take(&at_once, second, step);
            file(&at_once).unwrap();
            take(&whenever, second, step);
        }
        file(&whenever).unwrap();
        prop_assert!(is_filed(&whenever).unwrap());
        prop_assert_eq!(answers(&whenever), answers(&at_once));
        prop_assert_eq!(outbox(&whenever).unwrap(), outbox(&at_once).unwrap());
        prop_assert_eq!(waiting(&whenever).unwrap(), waiting(&at_once).unwrap());
        let bytes = |database: &Database| -> (i64, i64) {
            let select = "SELECT bytes, (SELECT coalesce(sum(octet_length(text)), 0) FROM messages) FROM volume";
            database.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        };
        let (counted, summed) = bytes(&whenever);
        prop_assert_eq!(counted, summed);
        whenever.execute("INSERT INTO words (words) VALUES ('integrity-check')", []).unwrap();
    }
}
