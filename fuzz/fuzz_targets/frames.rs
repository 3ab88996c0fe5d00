//! Any bytes in any pieces are the same messages, or the same error, as in one piece.
#![no_main]

use std::sync::Arc;

use net::frame::{Decoder, FrameError, Framing};

libfuzzer_sys::fuzz_target!(|input: (&str, Option<u8>, u8, &[u8])| {
    let (frame, field, piece, stream) = input;
    let Ok(framing) = Framing::parse(frame, field.map(usize::from)) else { return };
    if framing != Framing::Raw {
        let decoder = Decoder::new(Arc::new(framing), 100);
        let in_pieces = messages(decoder.clone(), stream, usize::from(piece).max(1));
        assert_eq!(in_pieces, messages(decoder, stream, usize::MAX));
    }
});

fn messages(mut decoder: Decoder, stream: &[u8], piece: usize) -> (Vec<&[u8]>, Result<(), FrameError>) {
    let (mut messages, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        let bytes = &stream[start..end];
        match if end < stream.len() { decoder.next(bytes) } else { decoder.finish(bytes) } {
            Ok(Some(frame)) => {
                messages.push(frame.payload);
                start += frame.len();
            }
            Ok(None) if end < stream.len() => end = end.saturating_add(piece).min(stream.len()),
            end => return (messages, end.map(drop)),
        }
    }
}
