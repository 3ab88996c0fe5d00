use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;
use crate::buffer::READ_SIZE;
use crate::testing::{Script, Seen, session};

const FRAMES: [&str; 7] = ["raw", "line", "nul", "varint", "netstring", "!I", "<H"];

/// Converses with a client that sends these pieces, one at a time, while it reads all answers.
async fn answers(
    session: &mut Session,
    reply: Reply,
    pieces: &[&[u8]],
    capacity: usize,
) -> (Vec<u8>, Ending) {
    let (client, mut server) = duplex(capacity);
    let (mut answers, mut questions) = tokio::io::split(client);
    let serving = async {
        let ending = converse(&mut server, session, reply).await;
        drop(server);
        ending
    };
    let asking = async {
        for piece in pieces {
            // What is sent after the connection ended is lost, which is not what is asked here.
            let _ = questions.write_all(piece).await;
            tokio::task::yield_now().await;
        }
        let _ = questions.shutdown().await;
    };
    let hearing = async {
        let mut heard = Vec::new();
        answers.read_to_end(&mut heard).await.unwrap();
        heard
    };
    let (ending, (), heard) = tokio::join!(serving, asking, hearing);
    (heard, ending)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

/// `bytes` in pieces of these lengths, again and again.
fn cut<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(bytes.len().min(*length));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

proptest! {
    #[test]
    fn however_the_input_is_cut_the_answers_are_the_same(
        frame in prop::sample::select(&FRAMES[..]),
        messages in prop::collection::vec(prop::collection::vec(b' '..b'~', 0..40), 1..20),
        lengths in prop::collection::vec(1_usize..30, 1..5),
        capacity in 1_usize..64,
        last_is_cut: bool,
    ) {
        let mut session = session(frame);
        let (mut asked, mut expected) = (Vec::new(), Vec::new());
        for message in &messages {
            session.framing.encode(message, &mut asked).unwrap();
            session.framing.encode(&message.to_ascii_uppercase(), &mut expected).unwrap();
        }
        // Only where a mark stands behind a message can a last one lack it; without text it would be none at all.
        let last_has_text = messages.last().is_some_and(|last| !last.is_empty());
        if last_is_cut && last_has_text && matches!(frame, "line" | "nul") {
            asked.pop();
            expected.pop();
        }
        let (heard, ending) = block_on(answers(&mut session, Reply::Upper, &cut(&asked, &lengths), capacity));
        prop_assert_eq!(heard.escape_ascii().to_string(), expected.escape_ascii().to_string());
        prop_assert_eq!(ending, Ending::Eof);
        prop_assert_eq!(session.tally.received(), asked.len() as u64);
        prop_assert_eq!(session.tally.sent(), expected.len() as u64);
        if frame != "raw" {
            prop_assert_eq!(session.tally.messages(), messages.len() as u64);
        }
    }
}

#[tokio::test]
async fn a_last_line_without_its_newline_is_answered() {
    let (heard, ending) = answers(&mut session("line"), Reply::Upper, &[b"one\ntw", b"o"], 64).await;
    assert_eq!((&heard[..], ending), (&b"ONE\nTWO"[..], Ending::Eof));
}

#[tokio::test]
async fn what_came_before_a_mistake_is_answered_before_the_connection_ends_with_it() {
    let mut session = session("netstring");
    let (heard, ending) = answers(&mut session, Reply::Upper, &[b"3:one,3:two,x:three,3:not,"], 1024).await;
    assert_eq!(heard, b"3:ONE,3:TWO,");
    let Ending::Error(reason) = ending else { panic!("{ending}") };
    assert!(reason.contains("'x' in place of a digit"), "{reason}");
    assert_eq!(session.tally.messages(), 2);
}

#[tokio::test]
async fn a_message_that_the_end_of_input_cuts_is_an_error_that_says_so() {
    let (heard, ending) = answers(&mut session("!I"), Reply::Echo, &[b"\0\0\0\x05hel"], 64).await;
    assert_eq!(heard, b"");
    let cut = "the stream ended within a message: 7 of its 9 bytes came";
    assert_eq!(ending, Ending::Error(cut.to_owned()));
}

#[tokio::test]
async fn discard_answers_nothing_and_counts_all() {
    let mut session = session("line");
    let (heard, ending) = answers(&mut session, Reply::Discard, &[b"one\ntwo\nthree"], 64).await;
    assert_eq!((heard, ending), (Vec::new(), Ending::Eof));
    assert_eq!((session.tally.received(), session.tally.messages(), session.tally.sent()), (13, 3, 0));
}

#[tokio::test]
async fn a_connection_that_breaks_is_reset_and_not_the_end_of_input() {
    let mut stream = Script::new(&[b"one\n"], Some(io::ErrorKind::ConnectionReset));
    let mut session = session("line");
    assert_eq!(converse(&mut stream, &mut session, Reply::Echo).await, Ending::Reset);
    assert!(!session.input_ended);
    assert_eq!(session.tally.messages(), 1);
}

#[tokio::test]
async fn an_observer_sees_every_step_in_its_order() {
    let seen = Seen::default();
    let mut session = session("line");
    session.observer = seen.observer();
    let mut stream = Script::new(&[b"one\ntwo\nth", b"ree\n", b"four", b""], None);
    assert_eq!(converse(&mut stream, &mut session, Reply::Upper).await, Ending::Eof);
    let expected = [
        r"read one\ntwo\nth",
        "message one",
        "message two",
        r"wrote ONE\nTWO\n",
        "unfinished th",
        r"read ree\n",
        "message three",
        r"wrote THREE\n",
        "read four",
        "unfinished four",
        "end of input",
        "message four",
        "wrote FOUR",
    ];
    assert_eq!(seen.lines(), expected);
}

/// A client that sends as long as it is read, and reads nothing.
async fn fill(client: &mut DuplexStream) -> usize {
    let mut sent = 0;
    while let Ok(written) = tokio::time::timeout(Duration::from_millis(10), client.write(&[b'x'; 1000])).await
    {
        sent += written.unwrap();
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_read_no_more_and_costs_bounded_memory() {
    let (mut client, mut server) = duplex(READ_SIZE);
    let mut session = session("raw");
    session.idle = Some(Duration::from_secs(60));
    let budget = session.budget.clone();
    let before = budget.left.load(Relaxed);
    let flooding = async {
        let sent = fill(&mut client).await;
        assert!(sent <= 4 * READ_SIZE, "{sent} bytes were taken");
        assert!(before - budget.left.load(Relaxed) <= 2 * READ_SIZE);
        assert!(before > budget.left.load(Relaxed), "some wait");
    };
    let (ending, ()) = tokio::join!(converse(&mut server, &mut session, Reply::Echo), flooding);
    assert_eq!(
        ending,
        Ending::Timeout,
        "a client that takes no answers times out, though it would still send"
    );
    assert_eq!(budget.left.load(Relaxed), before);
}

#[tokio::test]
async fn answers_that_a_client_takes_late_are_whole() {
    let (client, mut server) = duplex(100);
    let (mut answers, mut questions) = tokio::io::split(client);
    let mut session = session("raw");
    let serving = async {
        let ending = converse(&mut server, &mut session, Reply::Upper).await;
        drop(server);
        ending
    };
    let asking = async {
        questions.write_all(&[b'a'; 250]).await.unwrap();
        questions.shutdown().await.unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let mut heard = Vec::new();
        answers.read_to_end(&mut heard).await.unwrap();
        heard
    };
    let (ending, heard) = tokio::join!(serving, asking);
    assert_eq!((ending, heard), (Ending::Eof, vec![b'A'; 250]));
}

#[tokio::test(start_paused = true)]
async fn each_message_postpones_the_idle_time_and_silence_ends_the_connection() {
    let (mut client, mut server) = duplex(64);
    let mut session = session("line");
    session.idle = Some(Duration::from_secs(10));
    let start = tokio::time::Instant::now();
    let speaking = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(9)).await;
            client.write_all(b"still here\n").await.unwrap();
            client.read_exact(&mut [0; 11]).await.unwrap();
        }
    };
    let (ending, ()) = tokio::join!(converse(&mut server, &mut session, Reply::Echo), speaking);
    assert_eq!(ending, Ending::Timeout);
    let lasted = start.elapsed();
    assert!((55..56).contains(&lasted.as_secs()), "{lasted:?}");
}

#[tokio::test]
async fn a_stream_that_takes_nothing_again_and_again_ends_the_connection() {
    struct Full(Script);
    impl AsyncRead for Full {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            space: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, space)
        }
    }
    impl AsyncWrite for Full {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(0))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let mut stream = Full(Script::new(&[b"one\n"], None));
    let ending = converse(&mut stream, &mut session("line"), Reply::Echo).await;
    assert!(matches!(ending, Ending::Error(_)), "{ending}");
}
