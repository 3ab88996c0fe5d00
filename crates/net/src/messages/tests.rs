use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::*;
use crate::testing::{Script, Seen, session};

/// The payloads up to the end of input.
async fn read_all<S: AsyncRead + Unpin>(
    stream: &mut S,
    session: &mut Session,
) -> Result<Vec<String>, Ending> {
    let (mut reader, mut messages) = (MessageReader::new(session), Vec::new());
    while let Some(message) = reader.next(stream, session).await? {
        messages.push(message.payload().escape_ascii().to_string());
    }
    Ok(messages)
}

#[tokio::test]
async fn messages_that_stuck_together_come_apart_and_cut_ones_come_whole() {
    let mut stream = Script::new(&[b"one\ntwo\r\nth", b"ree\nlast", b""], None);
    let messages = read_all(&mut stream, &mut session("line")).await;
    assert_eq!(messages.unwrap(), ["one", "two", "three", "last"]);
}

#[tokio::test]
async fn a_message_knows_the_parts_that_stood_round_it() {
    let mut session = session("netstring");
    let mut reader = MessageReader::new(&session);
    let mut stream = Script::new(&[b"5:hello,"], None);
    let message = reader.next(&mut stream, &mut session).await.unwrap().unwrap();
    assert_eq!(message.frame(), Frame { prefix: b"5:", payload: b"hello", suffix: b"," });
}

#[tokio::test]
async fn giving_up_on_the_next_message_at_any_moment_loses_nothing() {
    let (mut client, mut server) = duplex(3);
    let mut session = session("line");
    let text = b"one\ntwo\nthree\nfour\n";
    let asking = async {
        for byte in text {
            client.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        drop(client);
    };
    let reading = async {
        let (mut reader, mut messages, mut given_up) = (MessageReader::new(&session), Vec::new(), 0);
        loop {
            tokio::select! {
                biased;
                message = reader.next(&mut server, &mut session) => match message.unwrap() {
                    Some(message) => messages.push(message.payload().to_vec()),
                    None => return (messages, given_up),
                },
                () = tokio::task::yield_now() => given_up += 1,
            }
        }
    };
    let ((), (messages, given_up)) = tokio::join!(asking, reading);
    assert_eq!(messages, [&b"one"[..], b"two", b"three", b"four"]);
    assert!(given_up > 4, "the future was dropped in the middle of messages, {given_up} times");
}

#[tokio::test]
async fn the_good_messages_before_a_mistake_are_given_first() {
    let mut stream = Script::new(&[b"\x03one\x03two\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"], None);
    let mut session = session("varint");
    let mut reader = MessageReader::new(&session);
    for expected in [b"one", b"two"] {
        let message = reader.next(&mut stream, &mut session).await.unwrap().unwrap();
        assert_eq!(message.payload(), expected);
    }
    let error = reader.next(&mut stream, &mut session).await.unwrap_err();
    assert!(matches!(&error, Ending::Error(reason) if reason.contains("varint")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_attacker_who_sends_on_while_the_answer_is_made_is_read_a_bounded_way_ahead() {
    let (mut client, mut server) = duplex(64 * 1024);
    let mut session = session("line");
    let before = session.budget.left.load(Relaxed);
    let mut reader = MessageReader::new(&session);
    let flooding = async {
        let mut sent = 0;
        while let Ok(written) =
            tokio::time::timeout(Duration::from_secs(1), client.write(&[b'x'; 10_000])).await
        {
            sent += written.unwrap();
        }
        sent
    };
    tokio::select! {
        ending = reader.read_ahead(&mut server, &mut session) => panic!("{ending}"),
        sent = flooding => assert!(sent < 4 * READ_SIZE, "{sent} bytes were taken"),
    }
    assert!(reader.waiting.bytes().len() >= READ_SIZE, "it does read ahead");
    assert!(before - session.budget.left.load(Relaxed) <= 3 * READ_SIZE);
}

#[tokio::test]
async fn what_was_read_ahead_is_the_next_message() {
    let mut stream = Script::new(&[b"two\nth", b"ree\n"], None);
    let mut session = session("line");
    let mut reader = MessageReader::new(&session);
    tokio::select! {
        biased;
        ending = reader.read_ahead(&mut stream, &mut session) => panic!("{ending}"),
        () = std::future::ready(()) => {}
    }
    let message = reader.next(&mut stream, &mut session).await.unwrap().unwrap();
    assert_eq!(message.payload(), b"two");
    let message = reader.next(&mut stream, &mut session).await.unwrap().unwrap();
    assert_eq!(message.payload(), b"three");
}

#[tokio::test]
async fn a_connection_that_breaks_while_its_answer_is_made_is_noticed() {
    let mut stream = Script::new(&[b"two\n"], Some(io::ErrorKind::ConnectionReset));
    let mut session = session("line");
    let mut reader = MessageReader::new(&session);
    assert_eq!(reader.read_ahead(&mut stream, &mut session).await, Ending::Reset);
}

#[tokio::test]
async fn what_is_sent_in_several_writes_is_whole_and_each_is_seen() {
    let (mut client, mut server) = duplex(4);
    let seen = Seen::default();
    let mut session = session("raw");
    session.observer = seen.observer();
    let mut heard = [0; 10];
    let (sent, read) =
        tokio::join!(send(&mut server, &mut session, b"0123456789"), client.read_exact(&mut heard));
    assert!(sent.is_ok() && read.is_ok());
    assert_eq!((&heard, session.tally.sent()), (b"0123456789", 10));
    assert_eq!(seen.lines(), ["wrote 0123", "wrote 4567", "wrote 89"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_of_an_answer_times_out() {
    let (_client, mut server) = duplex(4);
    let mut session = session("raw");
    session.idle = Some(Duration::from_secs(10));
    assert_eq!(send(&mut server, &mut session, b"0123456789").await, Err(Ending::Timeout));
    assert_eq!(session.tally.sent(), 4);
}
