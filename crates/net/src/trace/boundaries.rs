//! Where messages lie in the reads or writes of one direction.

use std::sync::Arc;

use crate::frame::{Decoder, Frame, FrameError, Framing};

/// Follows the messages of one direction through reads or writes that do not keep their boundaries. It reads along
/// with a decoder of its own, because the service may take a message out long after it came.
#[derive(Debug)]
pub(super) struct Boundaries {
    decoder: Decoder,
    /// The message that is not whole yet; the decoder's limits bound it.
    unfinished: Vec<u8>,
    /// In how many pieces it has come so far.
    pieces: u64,
    /// Whole messages so far.
    messages: u64,
    /// A frame was wrong, so there is nothing to follow any more.
    lost: bool,
}

/// A whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole<'a> {
    /// Which one in this direction, from 1.
    pub(super) number: u64,
    /// In how many reads or writes it came.
    pub(super) pieces: u64,
    /// The message itself.
    pub(super) frame: Frame<'a>,
}

/// What one read or write was to the messages, besides those that it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Messages that it ended.
    pub(super) ended: u64,
    /// The message that is left without its end.
    pub(super) split: Option<Split>,
    /// The frame is wrong.
    pub(super) error: Option<FrameError>,
}

/// A message of which a part has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Which one in this direction, from 1.
    pub(super) number: u64,
    /// Bytes so far, its mark included.
    pub(super) so_far: usize,
    /// Bytes of the whole, where its mark says so.
    pub(super) needed: Option<usize>,
}

impl Boundaries {
    pub(super) fn new(framing: Arc<Framing>, max_frame: usize) -> Self {
        let decoder = Decoder::new(framing, max_frame);
        Self { decoder, unfinished: Vec::new(), pieces: 0, messages: 0, lost: false }
    }

    /// Takes the bytes of one read or write, and shows each message that is whole with them.
    pub(super) fn feed(&mut self, bytes: &[u8], show: impl FnMut(Whole<'_>)) -> Left {
        if !self.lost && !bytes.is_empty() {
            self.unfinished.extend_from_slice(bytes);
            self.pieces += 1;
        }
        self.take(Decoder::next, show)
    }

    /// The direction has ended: what is left is a message only where it needs no end.
    pub(super) fn finish(&mut self, show: impl FnMut(Whole<'_>)) -> Left {
        self.take(Decoder::finish, show)
    }

    fn take<N>(&mut self, next: N, mut show: impl FnMut(Whole<'_>)) -> Left
    where
        N: for<'a> Fn(&mut Decoder, &'a [u8]) -> Result<Option<Frame<'a>>, FrameError>,
    {
        let before = self.messages;
        let mut taken = 0;
        let mut error = None;
        while !self.lost {
            match next(&mut self.decoder, &self.unfinished[taken..]) {
                Ok(Some(frame)) => {
                    self.messages += 1;
                    taken += frame.len();
                    show(Whole { number: self.messages, pieces: self.pieces, frame });
                    // The next one begins in this read.
                    self.pieces = 1;
                }
                Ok(None) => break,
                Err(wrong) => {
                    self.lost = true;
                    error = Some(wrong);
                }
            }
        }
        self.unfinished.drain(..taken);
        if self.lost || self.unfinished.is_empty() {
            self.unfinished.clear();
            self.pieces = 0;
        }
        let split = (!self.unfinished.is_empty()).then(|| Split {
            number: self.messages + 1,
            so_far: self.unfinished.len(),
            needed: self.decoder.needed(&self.unfinished),
        });
        Left { ended: self.messages - before, split, error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reads of a stream in short: each message as `number*pieces`, what is left as `number:so far/needed`.
    fn follow(frame: &str, reads: &[&[u8]]) -> Vec<String> {
        let framing = Framing::parse(frame, None).unwrap();
        let mut boundaries = Boundaries::new(framing.into(), 100);
        let mut seen: Vec<String> = Vec::new();
        for read in reads {
            let mut parts = Vec::new();
            let left =
                boundaries.feed(read, |whole| parts.push(format!("{}*{}", whole.number, whole.pieces)));
            seen.push(summary(parts, &left));
        }
        let mut parts = Vec::new();
        let left = boundaries.finish(|whole| parts.push(format!("{}*{}", whole.number, whole.pieces)));
        seen.push(summary(parts, &left));
        seen
    }

    fn summary(mut parts: Vec<String>, left: &Left) -> String {
        assert_eq!(parts.len(), usize::try_from(left.ended).unwrap());
        if let Some(Split { number, so_far, needed }) = left.split {
            parts.push(format!(
                "{number}:{so_far}/{}",
                needed.map_or("?".to_owned(), |needed| needed.to_string())
            ));
        }
        if left.error.is_some() {
            parts.push("error".to_owned());
        }
        parts.join(" ")
    }

    #[test]
    fn each_message_is_found_in_the_read_that_ends_it() {
        // Frame, reads, and what each of them was; the last is the end of the stream.
        type Case = (&'static str, &'static [&'static [u8]], &'static [&'static str]);
        let cases: &[Case] = &[
            ("raw", &[b"hello", b"world"], &["1*1", "2*1", ""]),
            ("raw", &[b"helloworld"], &["1*1", ""]),
            ("!H", &[b"\0\x01a"], &["1*1", ""]),
            ("!H", &[b"\0\x01a\0\x01b"], &["1*1 2*1", ""]),
            ("!H", &[b"\0\x05he", b"l", b"lo"], &["1:4/7", "1:5/7", "1*3", ""]),
            ("!H", &[b"\0", b"\x01a\0"], &["1:1/?", "1*2 2:1/?", "error"]),
            ("!H", &[b"\0\x01a\0\x02b", b"c\0\0"], &["1*1 2:3/4", "2*2 3*1", ""]),
            ("line", &[b"a\nb", b"\n"], &["1*1 2:1/?", "2*2", ""]),
            ("line", &[b"a\nb"], &["1*1 2:1/?", "2*1"]),
            ("netstring", &[b"5:hel", b"lo,3:"], &["1:5/8", "1*2 2:2/6", "error"]),
            ("varint", &[b"\x05hello\x80"], &["1*1 2:1/?", "error"]),
            ("nul", &[b"a\0b\0c\0"], &["1*1 2*1 3*1", ""]),
            ("!I", &[b"\xff\xff\xff\xff", b"more", b"and more"], &["error", "", "", ""]),
            ("!H", &[], &[""]),
        ];
        for (frame, reads, seen) in cases {
            assert_eq!(follow(frame, reads), *seen, "{frame} {reads:?}");
        }
    }

    #[test]
    fn a_message_that_comes_byte_by_byte_has_as_many_pieces() {
        let bytes: Vec<[u8; 1]> = b"\0\0\0\x02ab".map(|byte| [byte]).to_vec();
        let reads: Vec<&[u8]> = bytes.iter().map(<[u8; 1]>::as_slice).collect();
        assert_eq!(follow("!I", &reads), ["1:1/?", "1:2/?", "1:3/?", "1:4/6", "1:5/6", "1*6", ""]);
    }

    #[test]
    fn a_stream_without_an_end_is_not_kept() {
        let framing = Framing::parse("line", None).unwrap();
        let mut boundaries = Boundaries::new(framing.into(), 1000);
        for _ in 0..100 {
            boundaries.feed(&[b'x'; 100], |_| ());
            assert!(boundaries.unfinished.len() <= 1100);
        }
        assert!(boundaries.lost);
    }
}
