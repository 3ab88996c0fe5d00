//! Numbers as the protocol writes them: digits and nothing else. One that does not fit is refused, never wrapped
//! (iptux wraps packet numbers and then takes a message for an old one).

/// A decimal number of 32 bits.
pub(crate) fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, digit| {
        let digit = u32::from(digit.wrapping_sub(b'0'));
        if digit < 10 { value.checked_mul(10)?.checked_add(digit) } else { None }
    })
}

/// Appends a number in decimal. Every packet has two, and formatting them would take longer than all the rest of its
/// head.
pub(crate) fn push_decimal(bytes: &mut Vec<u8>, number: u32) {
    let start = bytes.len();
    let mut rest = number;
    loop {
        bytes.push(b'0' + (rest % 10).to_le_bytes()[0]);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    bytes[start..].reverse();
}

/// The number of a packet that an answer names, in decimal. IP Messenger prints it as a signed number, so that from
/// 2^31 on it has a minus in front.
pub(crate) fn answered(digits: &[u8]) -> Option<u32> {
    match digits.strip_prefix(b"-") {
        Some(digits) => decimal(digits).filter(|value| *value <= 1 << 31).map(u32::wrapping_neg),
        None => decimal(digits),
    }
}

/// A hexadecimal number of 32 bits, in either case.
pub(crate) fn hex32(digits: &[u8]) -> Option<u32> {
    hex(digits, u32::MAX.into()).and_then(|value| u32::try_from(value).ok())
}

/// A hexadecimal number of 64 bits, in either case.
pub(crate) fn hex64(digits: &[u8]) -> Option<u64> {
    hex(digits, u64::MAX.into()).and_then(|value| u64::try_from(value).ok())
}

/// A hexadecimal number of 128 bits, in either case.
pub(crate) fn hex128(digits: &[u8]) -> Option<u128> {
    hex(digits, u128::MAX)
}

fn hex(digits: &[u8], most: u128) -> Option<u128> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u128, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        value.checked_mul(16)?.checked_add(digit.into()).filter(|value| *value <= most)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_number() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"007"), Some(7));
        for no_number in ["", "+1", "-1", " 1", "1 ", "0x1", "1:", "1\0", "a", "/", "\u{661}"] {
            assert_eq!(decimal(no_number.as_bytes()), None, "{no_number:?}");
        }
        assert_eq!(hex32(b"6b02EE8e"), Some(0x6b02_ee8e));
        for no_number in ["", "+1", "-1", " 1", "0x1", "g", "1:", "\u{ff11}"] {
            assert_eq!(hex32(no_number.as_bytes()), None, "{no_number:?}");
        }
    }

    #[test]
    fn a_number_is_written_in_its_digits() {
        for number in [0, 9, 10, 1_795_353_652, u32::MAX] {
            let mut bytes = b"#".to_vec();
            push_decimal(&mut bytes, number);
            assert_eq!(bytes, format!("#{number}").as_bytes());
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused_and_not_wrapped() {
        assert_eq!(decimal(b"4294967295"), Some(u32::MAX));
        assert_eq!(decimal(b"4294967296"), None);
        assert_eq!(decimal(b"5000000001"), None, "iptux takes it for 705032705");
        assert_eq!(decimal(&[b'9'; 1000]), None);
        assert_eq!(answered(b"-294967295"), Some(4_000_000_001));
        assert_eq!(answered(b"-2147483648"), Some(1 << 31));
        assert_eq!(answered(b"-2147483649"), None);
        assert_eq!(hex32(b"ffffffff"), Some(u32::MAX));
        assert_eq!(hex32(b"100000000"), None);
        assert_eq!(hex64(b"ffffffffffffffff"), Some(u64::MAX));
        assert_eq!(hex64(b"10000000000000000"), None);
        assert_eq!(hex128(&[b'f'; 32]), Some(u128::MAX));
        assert_eq!(hex128(&[b'f'; 33]), None);
    }
}
