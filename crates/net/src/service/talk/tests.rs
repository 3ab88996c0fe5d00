use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;
use crate::testing::{Script, session};

/// A caller whose connection is served beside the test.
fn call(desk: &Arc<Desk>, id: u64, capacity: usize) -> (DuplexStream, JoinHandle<Ending>) {
    let (client, mut server) = duplex(capacity);
    let (desk, mut session) = (Arc::clone(desk), session("line"));
    Arc::make_mut(&mut session.peer).id = id;
    (client, tokio::spawn(async move { desk.attend(&mut server, &mut session).await }))
}

async fn said(calls: &mut mpsc::Receiver<Call>) -> (u64, String) {
    loop {
        let call = calls.recv().await.unwrap();
        if let CallEvent::Said(said) = call.event {
            return (call.id, String::from_utf8(said).unwrap());
        }
    }
}

async fn next_line(client: &mut DuplexStream) -> String {
    let mut line = String::new();
    while !line.ends_with('\n') {
        line.push(client.read_u8().await.unwrap().into());
    }
    line
}

#[tokio::test]
async fn answers_go_to_the_caller_they_are_meant_for() {
    let (desk, mut calls) = Desk::new();
    let ((mut ann, _a), (mut bob, _b)) = (call(&desk, 1, 64), call(&desk, 2, 64));
    ann.write_all(b"I am Ann\n").await.unwrap();
    assert_eq!(said(&mut calls).await, (1, "I am Ann".to_owned()));
    bob.write_all(b"I am Bob\n").await.unwrap();
    assert_eq!(said(&mut calls).await, (2, "I am Bob".to_owned()));
    assert!(desk.answer(2, b"hello Bob".to_vec()) && desk.answer(1, b"hello Ann".to_vec()));
    assert_eq!(next_line(&mut ann).await, "hello Ann\n");
    assert_eq!(next_line(&mut bob).await, "hello Bob\n");
    assert!(!desk.answer(3, b"nobody".to_vec()));
}

#[tokio::test]
async fn a_caller_who_says_no_more_still_gets_an_answer_to_everything_said_before() {
    let (desk, mut calls) = Desk::new();
    let (mut ann, ann_stays) = call(&desk, 1, 64);
    ann.write_all(b"one\ntwo").await.unwrap();
    ann.shutdown().await.unwrap();
    for answer in ["first", "second"] {
        let (id, _) = said(&mut calls).await;
        assert!(desk.answer(id, answer.into()));
    }
    let mut heard = String::new();
    ann.read_to_string(&mut heard).await.unwrap();
    assert_eq!((&heard[..], ann_stays.await.unwrap()), ("first\nsecond\n", Ending::Eof));
    let left = calls.recv().await.unwrap();
    assert_eq!((left.id, left.event), (1, CallEvent::Left(Ending::Eof)));
    assert!(!desk.answer(1, b"too late".to_vec()));
}

#[tokio::test]
async fn when_the_person_leaves_what_was_said_still_arrives_and_all_connections_end() {
    let (desk, mut calls) = Desk::new();
    let (mut ann, ann_stays) = call(&desk, 1, 64);
    ann.write_all(b"hello\n").await.unwrap();
    said(&mut calls).await;
    desk.answer(1, b"I have to go".to_vec());
    desk.close();
    assert_eq!(next_line(&mut ann).await, "I have to go\n");
    assert_eq!(ann_stays.await.unwrap(), Ending::Eof);
}

#[tokio::test]
async fn who_calls_after_the_person_has_left_does_not_wait_for_ever() {
    let (desk, calls) = Desk::new();
    desk.close();
    drop(calls);
    let (_ann, ann_stays) = call(&desk, 1, 64);
    assert_eq!(ann_stays.await.unwrap(), Ending::Eof);
}

#[tokio::test(start_paused = true)]
async fn an_attacker_who_says_much_while_the_person_is_away_is_read_a_bounded_way() {
    let (desk, mut calls) = Desk::new();
    let (mut ann, ann_stays) = call(&desk, 1, 4096);
    let mut lines = 0;
    while tokio::time::timeout(Duration::from_secs(1), ann.write_all(&[b'\n'; 1024])).await.is_ok() {
        lines += 1024;
        assert!(lines < 1024 * 1024, "it is read without end");
    }
    assert_eq!(calls.len(), UNSEEN);
    // It goes on when the person is back.
    drop(ann);
    for _ in 0..lines {
        assert_eq!(said(&mut calls).await, (1, String::new()));
    }
    desk.close();
    drop(calls);
    ann_stays.await.unwrap();
}

#[tokio::test]
async fn a_caller_who_breaks_off_while_the_person_is_away_is_gone_at_once() {
    let (desk, calls) = Desk::new();
    let mut session = session("line");
    for _ in 0..UNSEEN {
        desk.tell(&session.peer, CallEvent::Said(b"read me".to_vec())).await;
    }
    let mut stream = Script::new(&[b"and me\n"], Some(std::io::ErrorKind::ConnectionReset));
    assert_eq!(desk.attend(&mut stream, &mut session).await, Ending::Reset);
    assert_eq!(calls.len(), UNSEEN);
}

#[tokio::test]
async fn an_attacker_who_says_too_much_at_once_is_ended_with_the_limit() {
    let (desk, calls) = Desk::new();
    let (mut ann, ann_stays) = call(&desk, 1, 2 * LONGEST_SAYING);
    let mut text = vec![b'x'; LONGEST_SAYING + 1];
    text.push(b'\n');
    ann.write_all(&text).await.unwrap();
    let ending = ann_stays.await.unwrap();
    assert!(matches!(&ending, Ending::Limit(reason) if reason.contains("a person takes")), "{ending}");
    assert!(calls.len() == 1, "only that it left is told");
}

#[tokio::test]
async fn answers_that_a_caller_does_not_take_are_refused_beyond_a_number() {
    let (desk, mut calls) = Desk::new();
    let (mut ann, _ann_stays) = call(&desk, 1, 4);
    ann.write_all(b"hi\n").await.unwrap();
    said(&mut calls).await;
    let mut taken = 0;
    while desk.answer(1, b"an answer that does not fit".to_vec()) {
        taken += 1;
        tokio::task::yield_now().await;
        assert!(taken <= UNTAKEN + 1);
    }
    assert!(taken >= UNTAKEN);
}

#[tokio::test]
async fn an_answer_that_would_be_two_messages_ends_that_connection_with_the_reason() {
    let (desk, mut calls) = Desk::new();
    let (mut ann, ann_stays) = call(&desk, 1, 64);
    ann.write_all(b"hi\n").await.unwrap();
    said(&mut calls).await;
    desk.answer(1, b"two\nlines".to_vec());
    let ending = ann_stays.await.unwrap();
    assert!(matches!(&ending, Ending::Error(reason) if reason.contains("line feed")), "{ending}");
}
