//! A header in front of each message, one integer of which is the message's length.

use std::fmt;

use super::{EncodeError, FramingError};
use crate::structs::{Kind, StructFormat};

/// A struct format, and where in it the length lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    format: StructFormat,
    length_field: usize,
    // What reading the length takes, at hand: this is looked at for every message.
    size: usize,
    offset: usize,
    width: usize,
    signed: bool,
    big_endian: bool,
}

impl Header {
    /// A header whose field `length_field`, counted from 0, says how many payload bytes follow the header.
    ///
    /// # Errors
    /// When there is no such field, or it is no integer.
    pub fn new(format: StructFormat, length_field: usize) -> Result<Self, FramingError> {
        let Some(field) = format.fields().get(length_field).copied() else {
            return Err(FramingError::NoSuchField {
                format: format.to_string(),
                index: length_field,
                fields: format.fields().len(),
            });
        };
        if !field.is_integer() {
            return Err(FramingError::NotAnInteger { index: length_field, code: field.code });
        }
        Ok(Self {
            length_field,
            size: format.size(),
            offset: field.offset,
            width: field.width,
            signed: field.kind == Kind::Signed,
            big_endian: format.is_big_endian(),
            format,
        })
    }

    /// Bytes of the header.
    #[must_use]
    #[inline]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The format it was made of.
    #[must_use]
    pub fn format(&self) -> &StructFormat {
        &self.format
    }

    /// Which field is the length, from 0.
    #[must_use]
    pub fn length_field(&self) -> usize {
        self.length_field
    }

    /// The length a whole header announces, or, as the error, the negative number that stands there.
    #[inline]
    pub(super) fn announced(&self, header: &[u8]) -> Result<u64, i64> {
        let bytes = &header[self.offset..][..self.width];
        // Widths are matched so that each is one load.
        let unsigned = match (bytes, self.big_endian) {
            (&[a], _) => u64::from(a),
            (&[a, b], true) => u64::from(u16::from_be_bytes([a, b])),
            (&[a, b], false) => u64::from(u16::from_le_bytes([a, b])),
            (&[a, b, c, d], true) => u64::from(u32::from_be_bytes([a, b, c, d])),
            (&[a, b, c, d], false) => u64::from(u32::from_le_bytes([a, b, c, d])),
            (&[a, b, c, d, e, f, g, h], true) => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            (&[a, b, c, d, e, f, g, h], false) => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            // C has no integers of other widths.
            _ => 0,
        };
        let unused = 64 - 8 * self.width;
        let signed = (unsigned << unused).cast_signed() >> unused;
        if self.signed && signed < 0 { Err(signed) } else { Ok(unsigned) }
    }

    /// The largest length that the header can say.
    #[inline]
    pub(super) fn highest(&self) -> u64 {
        let bits = 8 * self.width - usize::from(self.signed);
        u64::MAX >> (64 - bits)
    }

    /// The payload's length, if the header can say it.
    #[inline]
    pub(super) fn length_of(&self, payload: &[u8]) -> Result<u64, EncodeError> {
        let highest = self.highest();
        u64::try_from(payload.len())
            .ok()
            .filter(|length| *length <= highest)
            .ok_or_else(|| EncodeError::TooLong { header: self.to_string(), highest, length: payload.len() })
    }

    /// Writes a length of [`Self::length_of`] into its field of a whole header.
    #[inline]
    pub(super) fn write(&self, header: &mut [u8], length: u64) {
        let place = &mut header[self.offset..][..self.width];
        let bytes = if self.big_endian {
            (length << (64 - 8 * self.width)).to_be_bytes()
        } else {
            length.to_le_bytes()
        };
        place.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.format.fmt(f)
    }
}
