//! What machines print, kept until all are done.

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::Hasher as _;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Bytes of a stream that are kept in memory; whenever there are so many, they go into the file. A thousand machines that
/// print much take 64 MiB.
const CHUNK: usize = 32 * 1024;

/// Bytes of a stream that are kept at all. Folded output is for reading, and a machine that prints without an end must not fill
/// the disk; `--out` keeps everything.
pub(super) const KEPT_MAX: u64 = 1024 * 1024 * 1024;

/// One file for the streams of all machines, which has no name: it is gone with the process. Without much output there is none.
#[derive(Debug, Default)]
pub(super) struct Spool {
    file: Option<File>,
    /// Chunks in the file.
    chunks: u64,
}

/// A stream that is kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Which chunks of the file are its beginning.
    chunks: Vec<u64>,
    /// What comes behind them.
    tail: Vec<u8>,
    /// Of all chunks.
    hash: DefaultHasher,
    len: u64,
    /// Bytes beyond the cap, here or where they were kept before.
    left_out: u64,
}

/// What two equal streams have in common, and different ones most probably not.
pub(super) type Digest = (u64, u64, u64);

impl Kept {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(super) fn leave_out(&mut self, bytes: u64) {
        self.left_out += bytes;
    }

    pub(super) fn digest(&self) -> Digest {
        let mut hash = self.hash.clone();
        hash.write(&self.tail);
        (self.len, self.left_out, hash.finish())
    }
}

impl Spool {
    /// Keeps some more of a stream.
    pub(super) fn append(&mut self, kept: &mut Kept, bytes: &[u8]) -> io::Result<()> {
        let room = usize::try_from(KEPT_MAX - kept.len).unwrap_or(usize::MAX);
        let (mut bytes, beyond) = bytes.split_at(bytes.len().min(room));
        kept.len += bytes.len() as u64;
        kept.left_out += beyond.len() as u64;
        while kept.tail.len() + bytes.len() >= CHUNK {
            let (front, rest) = bytes.split_at(CHUNK - kept.tail.len());
            kept.tail.extend_from_slice(front);
            bytes = rest;
            // Chunks have one size, so that the hash does not depend on how the stream came.
            kept.hash.write(&kept.tail);
            kept.chunks.push(self.write(&kept.tail)?);
            kept.tail = Vec::new();
        }
        kept.tail.extend_from_slice(bytes);
        Ok(())
    }

    /// Gives a stream, piece by piece.
    pub(super) fn read(&self, kept: &Kept, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut buffer = Vec::new();
        for &chunk in &kept.chunks {
            each(self.chunk(chunk, &mut buffer)?)?;
        }
        each(&kept.tail)
    }

    /// Whether two streams have the same bytes.
    pub(super) fn are_equal(&self, one: &Kept, other: &Kept) -> io::Result<bool> {
        if one.digest() != other.digest() || one.tail != other.tail {
            return Ok(false);
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (&one, &other) in one.chunks.iter().zip(&other.chunks) {
            if self.chunk(one, &mut left)? != self.chunk(other, &mut right)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let place = self.chunks;
        file.write_all_at(chunk, place * CHUNK as u64)?;
        self.chunks += 1;
        Ok(place)
    }

    fn chunk<'a>(&self, place: u64, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        buffer.resize(CHUNK, 0);
        let file = self.file.as_ref().ok_or(io::ErrorKind::UnexpectedEof)?;
        file.read_exact_at(buffer, place * CHUNK as u64)?;
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(spool: &mut Spool, bytes: &[u8], size: usize) -> Kept {
        let mut kept = Kept::default();
        for piece in bytes.chunks(size) {
            spool.append(&mut kept, piece).unwrap();
        }
        kept
    }

    fn read(spool: &Spool, kept: &Kept) -> Vec<u8> {
        let mut bytes = Vec::new();
        spool
            .read(kept, |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
        bytes
    }

    #[test]
    fn much_output_takes_little_memory() {
        let mut spool = Spool::default();
        let bytes: Vec<u8> =
            (0..3_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let kept = kept(&mut spool, &bytes, 10_000);
        assert!(kept.tail.capacity() <= 2 * CHUNK);
        assert!(read(&spool, &kept) == bytes);
    }

    #[test]
    fn an_attacker_who_prints_without_an_end_fills_a_bounded_file_and_the_rest_is_counted() {
        let mut spool = Spool::default();
        let mut kept = Kept { len: KEPT_MAX - 3, ..Kept::default() };
        spool.append(&mut kept, b"12345").unwrap();
        spool.append(&mut kept, b"6").unwrap();
        assert_eq!((kept.tail.as_slice(), kept.len(), kept.left_out()), (&b"123"[..], KEPT_MAX, 3));
    }

    #[test]
    fn streams_that_differ_in_the_file_or_behind_it_are_not_equal() {
        let mut spool = Spool::default();
        let long = vec![b'x'; 3 * CHUNK + 5];
        let of = |spool: &mut Spool, change: Option<usize>| {
            let mut bytes = long.clone();
            change.into_iter().for_each(|at| bytes[at] = b'y');
            kept(spool, &bytes, 1000)
        };
        let (one, same) = (of(&mut spool, None), of(&mut spool, None));
        assert!(spool.are_equal(&one, &same).unwrap());
        for at in [0, 2 * CHUNK, 3 * CHUNK + 4] {
            let other = of(&mut spool, Some(at));
            assert!(one.digest() != other.digest() && !spool.are_equal(&one, &other).unwrap());
        }
    }

    proptest! {
        #[test]
        fn whatever_pieces_a_stream_came_in_it_is_the_same(
            len in 0..3 * CHUNK, one in 1..CHUNK, other in 1..2 * CHUNK,
        ) {
            let mut spool = Spool::default();
            let bytes: Vec<u8> = b"trunkline".iter().copied().cycle().take(len).collect();
            let (one, other) = (kept(&mut spool, &bytes, one), kept(&mut spool, &bytes, other));
            prop_assert_eq!(one.digest(), other.digest());
            prop_assert!(spool.are_equal(&one, &other).unwrap());
            prop_assert!(read(&spool, &one) == bytes);
        }
    }
}
