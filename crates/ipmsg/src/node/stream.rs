//! What one of ours sends, put back into its order and together again.
//!
//! Between two of ours a window of datagrams is under way at once. Each says which one it comes after: the last of those
//! before it that were not acknowledged when it was sent. A receiver that has taken that one, or one behind it, takes
//! this one too. That holds over restarts of both sides without anything kept: who has nothing under way says 0, and
//! what was not acknowledged is sent again.

use std::collections::BTreeMap;

use crate::command::{MessageOptions, Options};
use crate::extension::{MessageId, Part};
use crate::file::{Offer, OfferError};

/// Datagrams that wait in one stream for others before them: what a sender has under way.
pub(super) const WINDOW: usize = 64;

/// A datagram of a message.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) number: u32,
    pub(super) after: u32,
    pub(super) id: MessageId,
    pub(super) part: Part,
    pub(super) content: Content,
}

/// What a message says, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) options: Options<MessageOptions>,
    pub(super) text: String,
    pub(super) offers: Vec<Result<Offer, OfferError>>,
    pub(super) recipients: Vec<(String, String)>,
}

/// A message with all its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) id: MessageId,
    /// The number of its first part; those of the others follow.
    pub(super) number: u32,
    pub(super) count: u16,
    pub(super) content: Content,
}

/// One sender's datagrams.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The number of the last datagram that was taken.
    last: u32,
    /// Those that wait for others before them.
    held: BTreeMap<u32, Piece>,
    /// The parts of a message of which more are to come.
    begun: Option<(Whole, u16)>,
}

impl Stream {
    /// Takes a datagram of a message that is not whole yet, and gives the messages that are whole now. What is not taken is
    /// sent again.
    pub(super) fn take(&mut self, piece: Piece) -> Vec<Whole> {
        if piece.number <= self.last {
            if piece.part.index() > 0 {
                return Vec::new();
            }
            // It was taken before and has been lost here since, or its sender's numbers went back.
            self.last = piece.number.saturating_sub(1);
        }
        if self.held.len() < WINDOW || piece.after <= self.last {
            self.held.insert(piece.number, piece);
        }
        let mut whole = Vec::new();
        while let Some(piece) = self.next() {
            whole.extend(self.add(piece));
        }
        whole
    }

    /// Datagrams that wait here.
    pub(super) fn waiting(&self) -> usize {
        self.held.len() + self.begun.as_ref().map_or(0, |(_, parts)| (*parts).into())
    }

    /// Drops what waits: it is sent again.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        if let Some((begun, _)) = self.begun.take() {
            self.last = begun.number.saturating_sub(1);
        }
    }

    fn next(&mut self) -> Option<Piece> {
        let (&number, _) = self.held.iter().find(|(_, piece)| piece.after <= self.last)?;
        let piece = self.held.remove(&number)?;
        self.held.retain(|other, _| *other > number);
        self.last = number;
        Some(piece)
    }

    /// Adds a part to those before it.
    fn add(&mut self, piece: Piece) -> Option<Whole> {
        let (index, count) = (piece.part.index(), piece.part.count());
        let first = piece.number.wrapping_sub(index.into());
        let (whole, parts) = match self.begun.take() {
            _ if index == 0 => (Whole { id: piece.id, number: first, count, content: piece.content }, 1),
            Some((mut whole, parts)) if (whole.id, whole.number, parts) == (piece.id, first, index) => {
                whole.content.text.push_str(&piece.content.text);
                whole.content.offers.extend(piece.content.offers);
                whole.content.recipients.extend(piece.content.recipients);
                (whole, parts + 1)
            }
            // The parts before it were lost here: none is acknowledged, so all are sent again.
            _ => {
                self.last = first.saturating_sub(1);
                return None;
            }
        };
        if parts == count {
            return Some(whole);
        }
        self.begun = Some((whole, parts));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message in one datagram; its id is its number.
    fn piece(number: u32, after: u32) -> Piece {
        part(number, after, number, Part::WHOLE)
    }

    /// Part `part` of the message whose first number is `first`.
    fn part(number: u32, after: u32, first: u32, part: Part) -> Piece {
        let content = Content {
            options: Options::SENDCHECK,
            text: format!("{number} "),
            offers: vec![],
            recipients: vec![],
        };
        Piece { number, after, id: MessageId(first.into()), part, content }
    }

    fn parts(first: u32, after: u32, count: u16) -> Vec<Piece> {
        (0..count)
            .map(|index| {
                let number = first + u32::from(index);
                let after = if index == 0 { after } else { number - 1 };
                part(number, after, first, Part::new(index, count).unwrap())
            })
            .collect()
    }

    /// The texts of the messages that become whole, in their order.
    fn texts(stream: &mut Stream, pieces: impl IntoIterator<Item = Piece>) -> Vec<String> {
        pieces.into_iter().flat_map(|piece| stream.take(piece)).map(|whole| whole.content.text).collect()
    }

    #[test]
    fn datagrams_that_come_in_another_order_are_put_back_into_theirs() {
        let mut stream = Stream::default();
        assert_eq!(texts(&mut stream, [piece(12, 11), piece(11, 10)]), [""; 0]);
        assert_eq!(texts(&mut stream, [piece(10, 0)]), ["10 ", "11 ", "12 "]);
    }

    #[test]
    fn numbers_need_not_be_in_a_row() {
        let mut stream = Stream::default();
        let pieces = [piece(10, 0), piece(900, 500), piece(500, 10)];
        assert_eq!(texts(&mut stream, pieces), ["10 ", "500 ", "900 "]);
    }

    #[test]
    fn what_was_acknowledged_before_a_restart_is_not_waited_for() {
        let mut stream = Stream::default();
        assert_eq!(texts(&mut stream, [piece(12, 11)]), [""; 0], "sent before 11 was acknowledged");
        assert_eq!(texts(&mut stream, [piece(12, 0)]), ["12 "], "sent again since");
    }

    #[test]
    fn what_comes_after_a_cancelled_message_is_not_held_up_by_it() {
        let mut stream = Stream::default();
        assert_eq!(texts(&mut stream, [piece(10, 0), piece(12, 11), piece(13, 10)]), ["10 ", "13 "]);
        assert_eq!(stream.waiting(), 0);
    }

    #[test]
    fn parts_make_one_message_in_whatever_order_they_come() {
        let mut stream = Stream::default();
        let [first, second, third] = &parts(10, 0, 3)[..] else { panic!() };
        let pieces = [third.clone(), first.clone(), first.clone(), piece(13, 12), second.clone()];
        assert_eq!(texts(&mut stream, pieces), ["10 11 12 ", "13 "]);
    }

    #[test]
    fn a_message_whose_first_parts_were_lost_here_becomes_whole_when_all_come_again() {
        let mut stream = Stream::default();
        assert_eq!(texts(&mut stream, parts(10, 0, 3).into_iter().take(2)), [""; 0]);
        stream.clear();
        assert_eq!(texts(&mut stream, parts(10, 0, 3).into_iter().skip(2)), [""; 0]);
        assert_eq!(texts(&mut stream, parts(10, 0, 3)), ["10 11 12 "]);
    }

    #[test]
    fn a_sender_whose_numbers_went_back_is_still_heard() {
        let mut stream = Stream::default();
        assert_eq!(texts(&mut stream, [piece(1000, 0), piece(7, 0), piece(8, 7)]), ["1000 ", "7 ", "8 "]);
    }

    #[test]
    fn an_attacker_fills_no_more_than_a_window() {
        let mut stream = Stream::default();
        for number in 1000..3000 {
            assert_eq!(stream.take(piece(number, 999)), []);
        }
        assert_eq!(stream.waiting(), WINDOW);
        assert_eq!(texts(&mut stream, [piece(999, 0)]).len(), 1 + WINDOW);
    }

    proptest! {
        #[test]
        fn whatever_the_network_does_each_message_comes_once_and_in_order(
            counts in prop::collection::vec(1..5_u16, 1..12),
            chances in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8), 1..400),
        ) {
            let mut sender = Sender::default();
            for count in &counts {
                let first = sender.open.last().map_or(1, |last| last.number + 1);
                sender.open.extend(parts(first, 0, *count));
            }
            let firsts: Vec<u32> =
                sender.open.iter().filter(|piece| piece.part.index() == 0).map(|piece| piece.number).collect();
            for (which, fate) in &chances {
                if !sender.open.is_empty() {
                    let at = which.index(sender.open.len().min(WINDOW));
                    sender.send(at, *fate == 0);
                }
            }
            while !sender.open.is_empty() {
                for at in (0..sender.open.len()).rev() {
                    sender.send(at.min(sender.open.len().saturating_sub(1)), false);
                }
            }
            prop_assert_eq!(sender.came, firsts);
        }
    }

    /// A sender with everything under way, and the stream it sends to.
    #[derive(Default)]
    struct Sender {
        /// What is not acknowledged.
        open: Vec<Piece>,
        stream: Stream,
        /// The first numbers of the messages that became whole.
        came: Vec<u32>,
    }

    impl Sender {
        fn send(&mut self, at: usize, receipt_is_lost: bool) {
            let Some(mut piece) = self.open.get(at).cloned() else { return };
            piece.after = if at == 0 { 0 } else { self.open[at - 1].number };
            let first = piece.number - u32::from(piece.part.index());
            let mut acknowledged = vec![(first, piece.part.count())];
            // A message that came before is known by its id.
            if !self.came.contains(&first) {
                let whole = self.stream.take(piece);
                self.came.extend(whole.iter().map(|whole| whole.number));
                acknowledged = whole.iter().map(|whole| (whole.number, whole.count)).collect();
            }
            for (first, count) in acknowledged {
                let numbers = first..first + u32::from(count);
                self.open.retain(|piece| receipt_is_lost || !numbers.contains(&piece.number));
            }
        }
    }
}
