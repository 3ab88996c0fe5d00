use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;
use crate::testing::session;

/// A room whose members' tasks run beside the test.
#[derive(Default)]
struct Visited {
    room: Arc<Room>,
    entered: u64,
}

impl Visited {
    async fn enter(&mut self, capacity: usize) -> (DuplexStream, JoinHandle<Ending>) {
        let (client, mut server) = duplex(capacity);
        let (room, mut session) = (Arc::clone(&self.room), session("line"));
        self.entered += 1;
        Arc::make_mut(&mut session.peer).id = self.entered;
        let id = self.entered;
        let member = tokio::spawn(async move { room.attend(&mut server, &mut session).await });
        while !self.room.members().contains_key(&id) {
            tokio::task::yield_now().await;
        }
        (client, member)
    }
}

async fn next(client: &mut DuplexStream, length: usize) -> String {
    let mut heard = vec![0; length];
    client.read_exact(&mut heard).await.unwrap();
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn what_one_says_all_others_hear_and_the_speaker_does_not() {
    let mut visited = Visited::default();
    let ((mut ann, _), (mut bob, _), (mut eve, _)) =
        (visited.enter(64).await, visited.enter(64).await, visited.enter(64).await);
    ann.write_all(b"hello\r\n").await.unwrap();
    assert_eq!((&next(&mut bob, 7).await[..], &next(&mut eve, 7).await[..]), ("hello\r\n", "hello\r\n"));
    bob.write_all(b"hi\n").await.unwrap();
    assert_eq!((&next(&mut ann, 3).await[..], &next(&mut eve, 3).await[..]), ("hi\n", "hi\n"));
}

#[tokio::test]
async fn a_last_line_without_its_newline_does_not_stick_to_the_next_one() {
    let mut visited = Visited::default();
    let ((mut ann, _), (mut bob, _), (mut eve, _)) =
        (visited.enter(64).await, visited.enter(64).await, visited.enter(64).await);
    ann.write_all(b"bye").await.unwrap();
    ann.shutdown().await.unwrap();
    assert_eq!(next(&mut eve, 4).await, "bye\n");
    bob.write_all(b"she left\n").await.unwrap();
    assert_eq!(next(&mut eve, 9).await, "she left\n");
}

#[tokio::test]
async fn who_says_no_more_leaves_the_seat_and_hears_what_was_said_before() {
    let mut visited = Visited::default();
    let ((mut ann, ann_stays), (mut bob, _)) = (visited.enter(8).await, visited.enter(64).await);
    bob.write_all(b"wait for this\nand this\n").await.unwrap();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    ann.shutdown().await.unwrap();
    let mut heard = String::new();
    ann.read_to_string(&mut heard).await.unwrap();
    assert_eq!((&heard[..], ann_stays.await.unwrap()), ("wait for this\nand this\n", Ending::Eof));
    assert_eq!(visited.room.members().len(), 1);
}

#[tokio::test]
async fn who_breaks_off_leaves_the_seat() {
    let mut visited = Visited::default();
    let ((ann, ann_stays), (mut bob, _)) = (visited.enter(64).await, visited.enter(64).await);
    drop(ann);
    ann_stays.await.unwrap();
    bob.write_all(b"anybody?\n").await.unwrap();
    assert_eq!(visited.room.members().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_a_room_where_nothing_moves_everybody_times_out() {
    let (_client, mut server) = duplex(64);
    let mut session = session("line");
    session.idle = Some(Duration::from_secs(10));
    assert_eq!(Room::default().attend(&mut server, &mut session).await, Ending::Timeout);
}

/// Says `message` often enough that more waits for a stuck member than may, while one good member listens.
async fn shout_at_a_stuck_member(message: &'static [u8], times: usize) {
    let mut visited = Visited::default();
    let ((mut ann, _), (_stuck, stuck_stays), (mut good, good_stays)) =
        (visited.enter(1024).await, visited.enter(16).await, visited.enter(1024).await);
    let listening = tokio::spawn(async move {
        let mut heard = vec![0; message.len() * times];
        good.read_exact(&mut heard).await.unwrap();
        // Kept, for it stays.
        (good, heard.chunks(message.len()).all(|heard| heard == message))
    });
    for _ in 0..times {
        ann.write_all(message).await.unwrap();
    }
    let ending = stuck_stays.await.unwrap();
    assert!(matches!(&ending, Ending::Limit(reason) if reason.contains("reads too slowly")), "{ending}");
    let (_good, heard_all) = listening.await.unwrap();
    assert!(heard_all && !good_stays.is_finished());
    assert_eq!(visited.room.members().len(), 2);
}

#[tokio::test]
async fn an_attacker_who_reads_nothing_is_shown_out_and_the_others_hear_all() {
    const MESSAGE: &[u8] = &{
        let mut message = [b'x'; 10_000];
        message[9_999] = b'\n';
        message
    };
    shout_at_a_stuck_member(MESSAGE, WAITING_FOR_MEMBER / MESSAGE.len() + 10).await;
}

#[tokio::test]
async fn an_attacker_with_empty_lines_does_not_get_round_the_limit() {
    shout_at_a_stuck_member(b"\n", WAITING_FOR_MEMBER / COST_OF_MESSAGE + 10).await;
}

#[tokio::test]
async fn a_member_who_says_much_at_once_does_not_have_good_readers_shown_out() {
    let mut visited = Visited::default();
    // All of it is there in one go, more than may wait.
    let ((mut ann, ann_stays), (mut bob, bob_stays)) =
        (visited.enter(4 * WAITING_FOR_MEMBER).await, visited.enter(64 * 1024).await);
    let text = [b'x'; 1023].iter().chain(b"\n").copied().collect::<Vec<u8>>().repeat(3 * 1024);
    ann.write_all(&text).await.unwrap();
    ann.shutdown().await.unwrap();
    let mut heard = vec![0; text.len()];
    bob.read_exact(&mut heard).await.unwrap();
    assert!(heard == text && !bob_stays.is_finished());
    assert_eq!(ann_stays.await.unwrap(), Ending::Eof);
}

#[tokio::test]
async fn one_message_larger_than_the_limit_still_passes() {
    let mut visited = Visited::default();
    let ((mut ann, _), (mut bob, _)) = (visited.enter(64 * 1024).await, visited.enter(64 * 1024).await);
    let mut text = vec![b'x'; WAITING_FOR_MEMBER];
    text.push(b'\n');
    let saying = tokio::spawn(async move {
        ann.write_all(&text).await.unwrap();
        ann
    });
    assert!(next(&mut bob, WAITING_FOR_MEMBER + 1).await.ends_with("x\n"));
    saying.await.unwrap();
}
