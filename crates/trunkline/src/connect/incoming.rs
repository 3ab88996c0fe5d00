//! What arrives on a stream, cut into messages.

use std::io;

use net::frame::{Decoder, FrameError};

use super::wire::Wire;

/// Bytes of one read: enough for any socket's usual buffer, little enough to stay in a processor's cache.
const READ: usize = 64 * 1024;

/// Bytes that wait for the rest of their message. They are at most the longest message and one read.
#[derive(Debug)]
pub(super) struct Incoming {
    decoder: Decoder,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Incoming {
    pub(super) fn new(decoder: Decoder) -> Self {
        Self { decoder, buffer: vec![0; READ], start: 0, end: 0 }
    }

    /// Waits for bytes and takes them in. Returns how many came, 0 at the end of the stream.
    pub(super) fn read(&mut self, wire: &Wire) -> io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() - self.end < READ {
            // Doubling keeps the copies of a long message in proportion to it.
            self.buffer.resize((self.buffer.len() * 2).max(self.end + READ), 0);
        }
        let bytes = wire.read(&mut self.buffer[self.end..])?;
        self.end += bytes;
        Ok(bytes)
    }

    /// The next whole message; none until more is read. Once the stream has ended, the last may lack its end.
    pub(super) fn next(&mut self, ended: bool) -> Result<Option<&[u8]>, FrameError> {
        let bytes = &self.buffer[self.start..self.end];
        let frame = if ended { self.decoder.finish(bytes)? } else { self.decoder.next(bytes)? };
        Ok(frame.map(|frame| {
            self.start += frame.len();
            frame.payload
        }))
    }
}
