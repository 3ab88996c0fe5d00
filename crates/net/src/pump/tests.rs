use std::future::{pending, ready};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, join as stream_of, split};

use super::*;
use crate::testing::{Script, Seen, session};

/// Both ends of a joined connection, and the pump between them.
fn ends(capacity: usize) -> ((DuplexStream, DuplexStream), (DuplexStream, DuplexStream)) {
    let (client, our_client) = duplex(capacity);
    let (far, our_far) = duplex(capacity);
    ((client, far), (our_client, our_far))
}

#[tokio::test]
async fn bytes_pass_both_ways_at_once_whole_and_in_order() {
    let ((client, far), (mut our_client, mut our_far)) = ends(7);
    let (there, back): (Vec<u8>, Vec<u8>) = ((0..=255).cycle().take(3000).collect(), vec![b'b'; 2000]);
    let exchange = async |stream: DuplexStream, says: &[u8]| {
        let (mut reader, mut writer) = split(stream);
        let mut heard = Vec::new();
        let speaking = async {
            writer.write_all(says).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let ((), read) = tokio::join!(speaking, reader.read_to_end(&mut heard));
        read.unwrap();
        heard
    };
    let mut session = session("raw");
    let (ending, heard_by_client, heard_by_far) = tokio::join!(
        join(&mut our_client, &mut our_far, &mut session, pending()),
        exchange(client, &there),
        exchange(far, &back),
    );
    assert_eq!(ending, Ending::Eof);
    assert!(heard_by_client == back && heard_by_far == there);
    assert_eq!((session.tally.received(), session.tally.sent()), (3000, 2000));
    assert!(session.input_ended && session.output_ended);
}

#[tokio::test]
async fn each_direction_ends_alone_and_the_other_goes_on_for_as_long_as_it_likes() {
    let ((mut client, mut far), (mut our_client, mut our_far)) = ends(64);
    let seen = Seen::default();
    let mut session = session("raw");
    session.observer = seen.observer();
    let talking = async {
        client.write_all(b"all I have").await.unwrap();
        client.shutdown().await.unwrap();
        let mut question = String::new();
        far.read_to_string(&mut question).await.unwrap();
        assert_eq!(question, "all I have", "the end of input came through");
        far.write_all(b"a late answer").await.unwrap();
        drop(far);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "a late answer");
    };
    let (ending, ()) = tokio::join!(join(&mut our_client, &mut our_far, &mut session, pending()), talking);
    assert_eq!(ending, Ending::Eof);
    assert_eq!(
        seen.lines(),
        ["read all I have", "end of input", "wrote a late answer", "end of output"],
        "only the client's side is seen"
    );
}

#[tokio::test]
async fn the_last_words_of_a_far_side_that_takes_no_more_input_arrive() {
    let (mut client, mut our_client) = duplex(64);
    let (mut says, far_reads) = duplex(64);
    let (far_writes, takes) = duplex(64);
    drop(takes);
    let mut our_far = stream_of(far_reads, far_writes);
    let mut session = session("raw");
    let talking = async {
        client.write_all(b"nobody takes this, ").await.unwrap();
        client.write_all(b"nor this").await.unwrap();
        client.shutdown().await.unwrap();
        says.write_all(b"I have had enough").await.unwrap();
        drop(says);
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        heard
    };
    let (ending, heard) = tokio::join!(join(&mut our_client, &mut our_far, &mut session, pending()), talking);
    assert_eq!((ending, &heard[..]), (Ending::Eof, "I have had enough"));
    assert_eq!(
        session.tally.received(),
        27,
        "what the client sent in vain was read, so that it is not reset"
    );
}

#[tokio::test]
async fn once_the_far_side_has_gone_a_client_that_stays_is_not_waited_for() {
    let ((_client, far), (mut our_client, mut our_far)) = ends(64);
    drop(far);
    let mut session = session("raw");
    assert_eq!(join(&mut our_client, &mut our_far, &mut session, ready(())).await, Ending::Eof);
    assert!(!session.input_ended && session.output_ended);
}

#[tokio::test(start_paused = true)]
async fn while_the_far_side_speaks_its_going_changes_nothing() {
    let ((mut client, mut far), (mut our_client, mut our_far)) = ends(64);
    let mut session = session("raw");
    let talking = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        far.write_all(b"from a child it left behind").await.unwrap();
        drop(far);
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        heard
    };
    let (ending, heard) = tokio::join!(join(&mut our_client, &mut our_far, &mut session, ready(())), talking);
    assert_eq!((ending, &heard[..]), (Ending::Eof, "from a child it left behind"));
}

#[tokio::test]
async fn a_client_that_breaks_off_is_a_reset() {
    let (_far, mut our_far) = duplex(64);
    let mut client = Script::new(&[b"half a "], Some(io::ErrorKind::ConnectionReset));
    let mut session = session("raw");
    assert_eq!(join(&mut client, &mut our_far, &mut session, pending()).await, Ending::Reset);
    assert_eq!(session.tally.received(), 7);
}

#[tokio::test]
async fn a_client_that_takes_no_more_is_a_reset() {
    let ((client, mut far), (mut our_client, mut our_far)) = ends(64);
    drop(client);
    far.write_all(b"anybody there?").await.unwrap();
    let mut session = session("raw");
    assert_eq!(join(&mut our_client, &mut our_far, &mut session, pending()).await, Ending::Reset);
}

#[tokio::test(start_paused = true)]
async fn what_moves_in_either_direction_postpones_the_idle_time() {
    let ((mut client, mut far), (mut our_client, mut our_far)) = ends(64);
    let mut session = session("raw");
    session.idle = Some(Duration::from_secs(10));
    let start = tokio::time::Instant::now();
    let talking = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(8)).await;
            client.write_all(b"x").await.unwrap();
            tokio::time::sleep(Duration::from_secs(8)).await;
            far.write_all(b"y").await.unwrap();
        }
    };
    let (ending, ()) = tokio::join!(join(&mut our_client, &mut our_far, &mut session, pending()), talking);
    assert_eq!((ending, start.elapsed().as_secs()), (Ending::Timeout, 58));
}

#[tokio::test(start_paused = true)]
async fn a_far_side_that_does_not_read_stops_the_client_from_being_read() {
    let ((mut client, _far), (mut our_client, mut our_far)) = ends(64);
    let mut session = session("raw");
    session.idle = Some(Duration::from_secs(60));
    let flooding = async {
        let mut sent = 0;
        while let Ok(written) =
            tokio::time::timeout(Duration::from_secs(1), client.write(&[b'x'; 1000])).await
        {
            sent += written.unwrap();
        }
        sent
    };
    let (ending, sent) = tokio::join!(join(&mut our_client, &mut our_far, &mut session, pending()), flooding);
    assert_eq!(ending, Ending::Timeout);
    assert!(sent <= 4 * 64, "{sent} bytes were taken for a far side that takes 64");
}

/// Is always ready: there is always more to read, and everything is taken.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        space.put_slice(b"more");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn an_attacker_who_sends_without_a_pause_holds_up_neither_the_way_back_nor_other_tasks() {
    let (mut client, mut far, mut session) = (Endless, Endless, session("raw"));
    let mut other_turns = 0;
    tokio::select! {
        biased;
        ending = join(&mut client, &mut far, &mut session, pending()) => panic!("{ending}"),
        () = async {
            while other_turns < 10 {
                other_turns += 1;
                tokio::task::yield_now().await;
            }
        } => {}
    }
    assert!(session.tally.received() > 0 && session.tally.sent() > 0);
    assert!(session.tally.received() <= 10 * 2 * 4 * PASSES as u64);
}
