//! Two nodes talk.

use node::face::{Direction, Event, Presence, Reply, Request};
use node::journal::State;
use node::{Node, Plan};
use tokio::time::timeout;

use crate::desk::{Desk, PATIENCE, home, two};

#[tokio::test]
async fn what_one_writes_the_other_has_on_disk_before_it_is_called_delivered() {
    let (mut anna, mut wang) = two().await;
    let sent = anna.send("wang", "你好 😀\nsecond line").await.unwrap();
    assert_eq!((sent.len(), sent[0].with.name.as_str(), sent[0].direction), (1, "wang", Direction::Out));
    let message = wang.gets().await;
    assert_eq!((message.text.as_str(), message.with.name.as_str()), ("你好 😀\nsecond line", "anna"));
    assert_eq!(wang.history(), [("你好 😀\nsecond line".to_owned(), State::Received)]);
    assert_eq!(anna.sees_delivered().await, sent[0].id);
    assert_eq!(anna.snapshot().await.waiting, 0);
    anna.stop().await;
    assert!(
        matches!(&anna.history()[..], [(_, State::Delivered { .. })]),
        "what was told is written at the end"
    );
}

#[tokio::test]
async fn many_messages_arrive_once_and_in_their_order() {
    let (mut anna, mut wang) = two().await;
    let texts: Vec<String> = (0..300).map(|number| format!("message {number}")).collect();
    for text in &texts {
        anna.send("wang", text).await.unwrap();
    }
    for text in &texts {
        assert_eq!(&wang.gets().await.text, text);
        anna.sees_delivered().await;
    }
    assert_eq!(wang.history().len(), texts.len());
}

#[tokio::test]
async fn who_is_away_gets_it_when_he_comes_back_whatever_happened_to_the_writer_meanwhile() {
    let (mut anna, mut wang) = two().await;
    wang.stop().await;
    anna.sees(|event| matches!(event, Event::Left { person } if person.name == "wang").then_some(())).await;
    let sent = anna.send("wang", "for later").await.unwrap();
    anna.sees(|event| matches!(event, Event::Queued { message } if *message == sent[0].id).then_some(()))
        .await;
    anna.stop().await;
    anna.start_again().await;
    assert_eq!(anna.snapshot().await.waiting, 1);
    wang.start_again().await;
    assert_eq!(wang.gets().await.text, "for later");
    assert_eq!(anna.sees_delivered().await, sent[0].id);
}

#[tokio::test]
async fn a_node_goes_with_a_goodbye_and_is_known_again_by_the_book() {
    let (mut anna, mut wang) = two().await;
    wang.stop().await;
    let left = anna.sees(|event| match event {
        Event::Left { person } => Some(person.clone()),
        _ => None,
    });
    assert_eq!(
        (left.await.name.as_str(), anna.snapshot().await.people[0].presence),
        ("wang", Presence::Gone)
    );
    wang.start_again().await;
    assert_eq!(anna.sees_come("wang").await.book.as_deref(), Some("wang"));
}

#[tokio::test]
async fn a_wrong_name_is_refused_with_what_was_meant_and_nothing_is_kept() {
    let (anna, _wang) = two().await;
    let refused = anna.send("wagn", "hello").await.unwrap_err();
    assert_eq!(refused.reason, "'wagn' is neither in sight nor in the book; did you mean wang?");
    assert!(refused.is_usage);
    let refused = anna.send("wang", "").await.unwrap_err();
    assert_eq!(refused.reason, "there is no text to send: write one");
    assert_eq!(anna.history(), []);
}

#[tokio::test]
async fn a_message_that_waits_can_be_cancelled_once() {
    let (mut anna, mut wang) = two().await;
    wang.stop().await;
    let sent = anna.send("wang", "a slip").await.unwrap()[0].id;
    assert_eq!(anna.ask(Request::Cancel { message: sent }).await, Ok(Reply::Done));
    anna.sees(|event| matches!(event, Event::Cancelled { message } if *message == sent).then_some(())).await;
    assert!(anna.ask(Request::Cancel { message: sent }).await.is_err());
    assert!(matches!(&anna.history()[..], [(_, State::Cancelled { .. })]));
}

#[tokio::test]
async fn a_sealed_message_shows_its_text_when_it_is_opened_and_the_writer_learns_it() {
    let (mut anna, mut wang) = two().await;
    let request = Request::Send { to: "wang".to_owned(), text: "secret".to_owned(), sealed: true };
    anna.ask(request).await.unwrap();
    let message = wang.gets().await;
    assert_eq!((message.text.as_str(), message.sealed), ("", true));
    let opened = wang.ask(Request::Open { message: message.id }).await;
    assert_eq!(opened, Ok(Reply::Opened { text: "secret".to_owned() }));
    anna.sees(|event| matches!(event, Event::Opened { discarded: false, .. }).then_some(())).await;
}

#[tokio::test]
async fn who_is_blocked_is_not_heard_until_he_is_let_in_again() {
    let (mut anna, mut wang) = two().await;
    wang.ask(Request::Block { who: "anna".to_owned() }).await.unwrap();
    assert_eq!(wang.snapshot().await.blocked, ["anna"]);
    anna.send("wang", "unheard").await.unwrap();
    anna.sees(|event| matches!(event, Event::Queued { .. }).then_some(())).await;
    wang.stop().await;
    wang.start_again().await;
    assert_eq!(wang.snapshot().await.blocked, ["anna"], "it is remembered");
    assert_eq!(wang.history(), []);
    wang.ask(Request::Unblock { who: "anna".to_owned() }).await.unwrap();
    assert_eq!(wang.gets().await.text, "unheard", "it was kept by its writer");
}

#[tokio::test]
async fn what_a_person_says_of_himself_is_seen_by_others_and_remembered() {
    let (mut anna, mut wang) = two().await;
    let profile = Request::Profile { name: Some("王伟".to_owned()), group: Some("实验室".to_owned()) };
    wang.ask(profile).await.unwrap();
    wang.ask(Request::Away { text: Some("at lunch".to_owned()) }).await.unwrap();
    let changed = anna.sees(|event| match event {
        Event::Changed { person } if person.away => Some(person.clone()),
        _ => None,
    });
    let person = changed.await;
    assert_eq!(
        (person.name.as_str(), person.nick.as_str(), person.group.as_str()),
        ("wang", "王伟", "实验室")
    );
    wang.stop().await;
    let plan = Plan {
        port: Some(wang.port),
        name: None,
        group: None,
        interface: None,
        chat: true,
        says_goodbye: true,
    };
    let (node, running) = Node::start(&wang.home(), &plan).await.unwrap();
    let me = node.watch().await.unwrap().snapshot.me;
    assert_eq!((me.name.as_str(), me.away.as_deref()), ("王伟", Some("at lunch")));
    running.stop().await;
}

#[tokio::test]
async fn a_face_that_is_too_slow_is_told_so_and_the_node_does_not_wait_for_it() {
    let (anna, mut wang) = two().await;
    for number in 0..2500 {
        anna.ask(Request::Away { text: Some(number.to_string()) }).await.unwrap();
        wang.ask(Request::Away { text: Some(number.to_string()) }).await.unwrap();
        wang.ask(Request::Away { text: None }).await.unwrap();
    }
    let missed = timeout(PATIENCE, wang.watch.next()).await.unwrap().unwrap_err();
    assert!(matches!(missed, node::WatchError::Missed(_)), "{missed:?}");
    let anew = wang.node.watch().await.unwrap();
    assert!(anew.snapshot.number > 5000);
}

#[tokio::test]
async fn a_second_node_in_one_home_and_a_port_that_is_taken_are_refused_with_their_holders() {
    let anna = Desk::new("anna").await;
    let plan =
        Plan { port: Some(0), name: None, group: None, interface: None, chat: true, says_goodbye: true };
    let error = Node::start(&anna.home(), &plan).await.unwrap_err().to_string();
    let pid = std::process::id();
    assert!(error.ends_with(&format!("belongs to a node that runs already (pid {pid})")), "{error}");
    let other = tempfile::tempdir().unwrap();
    let error =
        Node::start(&home(&other), &Plan { port: Some(anna.port), ..plan }).await.unwrap_err().to_string();
    assert!(error.contains("the port is taken by "), "{error}");
    assert!(error.contains(&format!("(pid {pid})")), "{error}");
}

#[tokio::test]
async fn who_writes_to_somebody_who_is_away_is_told_why() {
    let (mut anna, mut wang) = two().await;
    wang.ask(Request::Away { text: Some("at lunch".to_owned()) }).await.unwrap();
    anna.send("wang", "are you there?").await.unwrap();
    assert_eq!(wang.gets().await.text, "are you there?");
    let told = anna.gets().await;
    assert_eq!((told.text.as_str(), told.automatic, told.with.name.as_str()), ("at lunch", true, "wang"));
}
