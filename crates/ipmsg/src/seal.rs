//! A checksum over the datagrams of ours, as their last section: `trunkline-sum:XXXXXXXX\0`.
//!
//! UDP's own checksum has 16 bits and may be left out. Between two of ours a message is in the history once and as it
//! was written, which takes more than that; and a datagram that was cut short on its way is not read as a shorter one.
//! Nobody else looks at the section.

use crate::extension::PREFIX;

/// What the section begins with.
const WORD: &str = "trunkline-sum:";

/// How sections of ours begin: that which says who sends the datagram, and this checksum. One is left when a bit of the
/// other has turned. No text has a NUL in it, so that no message can feign them.
const MARKS: [&[u8]; 2] = [PREFIX, WORD.as_bytes()];

/// Bytes that [`seal`] adds: the word, eight digits, and a NUL.
pub(crate) const SEAL_LENGTH: usize = WORD.len() + 8 + 1;

/// What a datagram's seal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// It has none: it is not from one of ours.
    None,
    /// The bytes are those that were sealed.
    Whole,
    /// They are not.
    Broken,
}

/// Adds the checksum to a datagram that ends with a NUL: for whoever writes packets of ours by hand; those that
/// [`crate::Body::build`] makes have it.
pub fn seal(datagram: &mut Vec<u8>) {
    let section = section(datagram);
    datagram.extend_from_slice(section.as_bytes());
}

impl Seal {
    /// Looks at the end of a datagram, and for what is left of a seal within it.
    pub(crate) fn of(datagram: &[u8]) -> Self {
        let Some(start) = datagram.len().checked_sub(SEAL_LENGTH) else { return Self::None };
        let (sealed, last) = datagram.split_at(start);
        if last.starts_with(WORD.as_bytes()) && last == section(sealed).as_bytes() {
            return Self::Whole;
        }
        let is_ours = datagram.split(|byte| *byte == 0).skip(1).any(is_marked);
        if is_ours { Self::Broken } else { Self::None }
    }
}

/// Whether a section begins like one of ours. No other of a datagram may.
pub(crate) fn is_marked(section: &[u8]) -> bool {
    MARKS.iter().any(|mark| section.starts_with(mark))
}

fn section(sealed: &[u8]) -> String {
    format!("{WORD}{:08x}\0", crc32(sealed))
}

/// The CRC of Ethernet and zip (ITU-T V.42), bit by bit from the lowest.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        let index = usize::from(sum.to_le_bytes()[0] ^ byte);
        (sum >> 8) ^ TABLE[index]
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    let mut byte = 0;
    while index < table.len() {
        let mut sum = byte;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
            bit += 1;
        }
        table[index] = sum;
        index += 1;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealed() -> Vec<u8> {
        let mut datagram = b"1:7:bob:hostb:288:hello\0\0trunkline:1:1f\0".to_vec();
        seal(&mut datagram);
        datagram
    }

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_sealed_datagram_is_whole_and_has_the_promised_length() {
        assert_eq!(Seal::of(&sealed()), Seal::Whole);
        assert_eq!(sealed().len(), b"1:7:bob:hostb:288:hello\0\0trunkline:1:1f\0".len() + SEAL_LENGTH);
    }

    #[test]
    fn every_single_bit_that_flips_is_noticed() {
        for bit in 0..sealed().len() * 8 {
            let mut datagram = sealed();
            datagram[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Seal::of(&datagram), Seal::Broken, "bit {bit}");
        }
    }

    #[test]
    fn a_datagram_that_was_cut_is_broken_wherever_its_mark_is_left() {
        let datagram = sealed();
        let mark = "1:7:bob:hostb:288:hello\0\0trunkline:1:".len();
        for length in mark..datagram.len() {
            assert_eq!(Seal::of(&datagram[..length]), Seal::Broken, "{length} bytes");
        }
    }

    #[test]
    fn others_have_no_seal_whatever_they_write_about() {
        for datagram in [
            "",
            "x",
            "1:7:bob:hostb:288:hello\0",
            "1:7:bob:hostb:288:trunkline-sum:00000000\0",
            "1:7:bob:hostb:1:bob\0trunkline\0",
            "1:7:bob:hostb:1:bob\0trunkline-team of the third floor\0",
        ] {
            assert_eq!(Seal::of(datagram.as_bytes()), Seal::None, "{datagram:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_seal_or_none(bytes: Vec<u8>) {
            let _ = Seal::of(&bytes);
        }
    }
}
