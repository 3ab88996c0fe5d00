use super::*;
use crate::extension::Part;
use crate::file::Offer;

fn content(text: &str) -> Content {
    let offers: Vec<Result<Offer, _>> = Vec::new();
    Content { options: Options::NONE, text: text.to_owned(), offers, recipients: Vec::new() }
}

/// A message that comes after another, which never comes.
fn early(number: u32) -> Piece {
    let number = 10 * number;
    Piece {
        number,
        after: number - 1,
        id: MessageId(number.into()),
        part: Part::WHOLE,
        content: content("early"),
    }
}

#[test]
fn whoever_sends_what_comes_after_something_that_never_comes_fills_a_bounded_memory() {
    let mut inbox = Inbox::default();
    let mut most = 0;
    for number in 1..5 * u32::try_from(MAX_HELD).unwrap() {
        // From many, each with a stream of his own.
        inbox.take(PeerId(number % 1000), early(number));
        let held: usize = inbox.talks.values().map(|talk| talk.stream.waiting()).sum();
        assert_eq!(held, inbox.held, "the count is right");
        most = most.max(held);
    }
    assert_eq!(most, MAX_HELD);
}

#[test]
fn who_is_forgotten_holds_nothing() {
    let mut inbox = Inbox::default();
    for number in 1..100 {
        inbox.take(PeerId(number % 2), early(number));
    }
    inbox.forget(PeerId(0));
    inbox.forget(PeerId(1));
    assert_eq!((inbox.held, inbox.talks.len()), (0, 0));
}

#[test]
fn a_bounded_number_of_messages_is_remembered_and_the_oldest_is_forgotten() {
    let mut inbox = Inbox::default();
    let key = |number: usize| (NodeId(1), MessageId(number as u128));
    for number in 0..REMEMBERED + 1000 {
        inbox.remember(key(number));
    }
    assert_eq!((inbox.known.len(), inbox.order.len()), (REMEMBERED, REMEMBERED));
    assert!(!inbox.known.contains_key(&key(999)) && inbox.known.contains_key(&key(1000)));
}
