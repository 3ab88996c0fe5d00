//! Values, and how a format turns them into bytes and back.

use thiserror::Error;

use super::{Field, Kind, StructFormat};

/// A value as Python would give or take it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `True` or `False`.
    Bool(bool),
    /// Any integer that fits a field, and many that do not.
    Int(i128),
    /// A `float`.
    Float(f64),
    /// A `bytes`.
    Bytes(Vec<u8>),
}

/// Why values cannot be packed.
#[derive(Debug, Error, PartialEq)]
pub enum PackError {
    /// Too few or too many values.
    #[error("the format takes {needed} values, {given} were given")]
    Count {
        /// Fields of the format.
        needed: usize,
        /// Values given.
        given: usize,
    },
    /// Text for a number, and the like.
    #[error("field {index}: '{code}' takes {takes}")]
    Kind {
        /// Which field, from 0.
        index: usize,
        /// Its character.
        code: char,
        /// What it would take.
        takes: &'static str,
    },
    /// An integer that the field has no room for.
    #[error("field {index}: '{code}' holds {lowest} to {highest}, not {value}")]
    Range {
        /// Which field, from 0.
        index: usize,
        /// Its character.
        code: char,
        /// The smallest integer it holds.
        lowest: i128,
        /// The largest integer it holds.
        highest: i128,
        /// The integer given.
        value: i128,
    },
    /// A finite float that would become infinite.
    #[error("field {index}: {value:e} is too large for '{code}'")]
    FloatRange {
        /// Which field, from 0.
        index: usize,
        /// Its character.
        code: char,
        /// The float given.
        value: f64,
    },
}

/// Bytes of the wrong length for the format.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the format describes {needed} bytes, {given} were given")]
pub struct UnpackError {
    /// Bytes of the format.
    pub needed: usize,
    /// Bytes given.
    pub given: usize,
}

impl StructFormat {
    /// Writes the values as [`Self::size`] bytes; what no value covers is zero.
    ///
    /// # Errors
    /// When the values are too few or too many, of the wrong kind, or out of a field's range.
    pub fn pack(&self, values: &[Value]) -> Result<Vec<u8>, PackError> {
        if values.len() != self.fields.len() {
            return Err(PackError::Count { needed: self.fields.len(), given: values.len() });
        }
        let mut bytes = vec![0; self.size];
        for (index, (field, value)) in self.fields.iter().zip(values).enumerate() {
            let place = &mut bytes[field.offset..][..field.width];
            self.store(index, field, value, place)?;
        }
        Ok(bytes)
    }

    /// Reads the values out of exactly [`Self::size`] bytes.
    ///
    /// # Errors
    /// When the bytes are fewer or more than that.
    pub fn unpack(&self, bytes: &[u8]) -> Result<Vec<Value>, UnpackError> {
        if bytes.len() != self.size {
            return Err(UnpackError { needed: self.size, given: bytes.len() });
        }
        Ok(self.fields.iter().map(|field| self.load(field, &bytes[field.offset..][..field.width])).collect())
    }

    fn store(&self, index: usize, field: &Field, value: &Value, place: &mut [u8]) -> Result<(), PackError> {
        let code = field.code;
        let wrong = |takes| PackError::Kind { index, code, takes };
        match (field.kind, value) {
            (Kind::Bool, value) => place[0] = u8::from(value.is_true()),
            (Kind::Signed | Kind::Unsigned | Kind::Pointer, value) => {
                let value = value.as_integer().ok_or_else(|| wrong("an integer"))?;
                let (lowest, highest) = field.range();
                if value < lowest || value > highest {
                    return Err(PackError::Range { index, code, lowest, highest, value });
                }
                store_integer(place, value, self.big_endian);
            }
            (Kind::Float, value) => {
                let value = value.as_float().ok_or_else(|| wrong("a number"))?;
                if !self.store_float(place, value) {
                    return Err(PackError::FloatRange { index, code, value });
                }
            }
            (Kind::Char, Value::Bytes(bytes)) if bytes.len() == 1 => place.copy_from_slice(bytes),
            (Kind::Char, _) => return Err(wrong("exactly one byte")),
            (Kind::Bytes, Value::Bytes(bytes)) => {
                let length = bytes.len().min(place.len());
                place[..length].copy_from_slice(&bytes[..length]);
            }
            (Kind::Pascal, Value::Bytes(bytes)) => {
                if let Some((length, room)) = place.split_first_mut() {
                    let kept = bytes.len().min(room.len());
                    room[..kept].copy_from_slice(&bytes[..kept]);
                    *length = u8::try_from(kept).unwrap_or(u8::MAX);
                }
            }
            (Kind::Bytes | Kind::Pascal, _) => return Err(wrong("bytes")),
        }
        Ok(())
    }

    /// False where a finite value would become infinite and Python refuses it: in `e` always, in `f` with a standard
    /// size. (In native mode C's cast makes it infinite, and Python lets it.)
    fn store_float(&self, place: &mut [u8], value: f64) -> bool {
        let bits = match place.len() {
            2 => match half_from_double(value) {
                Some(half) => i128::from(half),
                None => return false,
            },
            4 => {
                let single = value as f32;
                if single.is_infinite() && !value.is_infinite() && !self.native {
                    return false;
                }
                i128::from(single.to_bits())
            }
            _ => i128::from(value.to_bits()),
        };
        store_integer(place, bits, self.big_endian);
        true
    }

    fn load(&self, field: &Field, bytes: &[u8]) -> Value {
        let integer = |signed| load_integer(bytes, self.big_endian, signed);
        match field.kind {
            Kind::Char | Kind::Bytes => Value::Bytes(bytes.to_vec()),
            Kind::Pascal => Value::Bytes(match bytes.split_first() {
                Some((length, rest)) => rest[..rest.len().min(usize::from(*length))].to_vec(),
                None => Vec::new(),
            }),
            Kind::Bool => Value::Bool(bytes[0] != 0),
            Kind::Signed => Value::Int(integer(true)),
            Kind::Unsigned | Kind::Pointer => Value::Int(integer(false)),
            Kind::Float => Value::Float(load_float(bytes, self.big_endian)),
        }
    }
}

impl Value {
    fn is_true(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Bytes(bytes) => !bytes.is_empty(),
        }
    }

    fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Bool(value) => Some(i128::from(*value)),
            Self::Int(value) => Some(*value),
            Self::Float(_) | Self::Bytes(_) => None,
        }
    }

    fn as_float(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Bytes(_) => None,
        }
    }
}

fn load_integer(bytes: &[u8], big_endian: bool, signed: bool) -> i128 {
    let append = |high: i128, byte: &u8| (high << 8) | i128::from(*byte);
    let top = if big_endian { bytes.first() } else { bytes.last() };
    let sign = if signed && top.is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
    if big_endian { bytes.iter().fold(sign, append) } else { bytes.iter().rev().fold(sign, append) }
}

/// The caller has checked that the value fits.
fn store_integer(place: &mut [u8], value: i128, big_endian: bool) {
    let width = place.len();
    place.copy_from_slice(&value.to_le_bytes()[..width]);
    if big_endian {
        place.reverse();
    }
}

fn load_float(bytes: &[u8], big_endian: bool) -> f64 {
    let mut little = [0; 8];
    little[..bytes.len()].copy_from_slice(bytes);
    if big_endian {
        little[..bytes.len()].reverse();
    }
    let [a, b, c, d, ..] = little;
    match bytes.len() {
        2 => double_from_half(u16::from_le_bytes([a, b])),
        4 => f64::from(f32::from_le_bytes([a, b, c, d])),
        _ => f64::from_le_bytes(little),
    }
}

/// IEEE 754 binary16, rounded half to even; none where a finite value would round to infinity. `f16` is not stable.
fn half_from_double(value: f64) -> Option<u16> {
    const INFINITY: u16 = 0x7c00;
    const QUIET_NAN: u16 = 0x7e00;
    /// 2 to the -14th, the smallest normal number.
    const SMALLEST_NORMAL: f64 = 1.0 / 16_384.0;
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let size = value.abs();
    let magnitude = if size.is_nan() {
        QUIET_NAN
    } else if size.is_infinite() {
        INFINITY
    } else if size >= 65_536.0 {
        return None;
    } else {
        // A number is its exponent's place plus 1024ths. Scaling by a power of two is exact, so only
        // `round_ties_even` rounds; a mantissa that rounds up to the next power carries into the exponent by itself.
        let exponent = ((size.max(SMALLEST_NORMAL).to_bits() >> 52) & 0x7ff) as i32 - 1023;
        let mantissa = (size * 2_f64.powi(10 - exponent)).round_ties_even() as u16;
        (((exponent + 14) << 10) as u16) + mantissa
    };
    let rounded_to_infinity = magnitude == INFINITY && size.is_finite();
    (!rounded_to_infinity).then_some(sign | magnitude)
}

pub(super) fn double_from_half(half: u16) -> f64 {
    let exponent = i32::from(half >> 10 & 0x1f);
    let mantissa = f64::from(half & 0x3ff);
    let size = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + mantissa) * 2_f64.powi(exponent - 25),
    };
    if half & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> StructFormat {
        StructFormat::parse(text).expect(text)
    }

    #[test]
    fn a_pascal_string_says_its_length_in_one_byte() {
        let pack = |text, bytes: &[u8]| parse(text).pack(&[Value::Bytes(bytes.to_vec())]).unwrap();
        assert_eq!(pack("5p", b"abcdefgh"), b"\x04abcd");
        assert_eq!(pack("5p", b"ab"), b"\x02ab\0\0");
        assert_eq!(pack("0p", b"ab"), b"");
        assert_eq!(pack("300p", &[b'x'; 299])[..2], *b"\xffx");
        assert_eq!(parse("3p").unpack(b"\x09ab"), Ok(vec![Value::Bytes(b"ab".to_vec())]));
        assert_eq!(parse("0p").unpack(b""), Ok(vec![Value::Bytes(Vec::new())]));
    }

    #[test]
    fn what_cannot_be_packed_is_refused_with_the_field_and_the_reason() {
        let error = |text: &str, value: Value| parse(text).pack(&[value]).expect_err(text).to_string();
        assert_eq!(error("!H", Value::Int(70_000)), "field 0: 'H' holds 0 to 65535, not 70000");
        assert_eq!(error("!b", Value::Int(-129)), "field 0: 'b' holds -128 to 127, not -129");
        assert_eq!(error("!f", Value::Float(1e39)), "field 0: 1e39 is too large for 'f'");
        assert_eq!(error("!I", Value::Float(1.0)), "field 0: 'I' takes an integer");
        assert_eq!(error("c", Value::Bytes(b"ab".to_vec())), "field 0: 'c' takes exactly one byte");
        assert_eq!(error("2s", Value::Int(1)), "field 0: 's' takes bytes");
        assert_eq!(error("2B", Value::Int(1)), "the format takes 2 values, 1 were given");
        assert_eq!(
            parse("!I").unpack(&[1, 2, 3]).unwrap_err().to_string(),
            "the format describes 4 bytes, 3 were given"
        );
    }
}
