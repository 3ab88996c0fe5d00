//! Values that flags take: sizes and times.

use std::time::Duration;

use net::{Address, SocketKind, SocketOption};

/// A number of bytes, as in `512`, `64k`, `16M` or `1G`; the letters count in 1024s.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text} is not a size: write a number of bytes, as in 512, 64k, 16M or 1G");
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        _ => (text, 0),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes.filter(|&bytes| bytes > 0).ok_or_else(wrong)
}

/// A time in seconds, with fractions, as in `5` or `0.2`.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number).ok())
        .ok_or_else(|| format!("{text} is not a time: write seconds, as in 5 or 0.2"))
}

/// As [`seconds`], but more than none.
pub(super) fn some_seconds(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    if time.is_zero() { Err("0 is no time: leave the option out for no limit".to_owned()) } else { Ok(time) }
}

/// A number of things, or `all`.
pub(super) fn number_or_all(text: &str) -> Result<usize, String> {
    if text == "all" {
        return Ok(usize::MAX);
    }
    text.parse().map_err(|_| format!("{text} is not a number: write one, as in 100, or all"))
}

/// The permissions of a file in octal, as chmod takes them.
pub(super) fn mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8).ok().filter(|&mode| mode <= 0o777 && !text.starts_with('+')).ok_or_else(
        || format!("{text} is not a mode: write octal digits as chmod takes them, such as 0600 or 660"),
    )
}

/// An option of `--sockopt`, if it fits the kind of socket.
pub(crate) fn socket_option(text: &str, at: &Address) -> anyhow::Result<SocketOption> {
    let option: SocketOption = text.parse()?;
    option.applies_to(SocketKind::from(at))?;
    Ok(option)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_no_time_is_none() {
        assert_eq!(some_seconds("0.5"), Ok(Duration::from_millis(500)));
        assert!(some_seconds("0").is_err_and(|error| error.contains("leave the option out")));
    }

    #[test]
    fn a_number_may_be_all_of_them() {
        assert_eq!((number_or_all("0"), number_or_all("all")), (Ok(0), Ok(usize::MAX)));
        for text in ["", "-1", "ALL", "1.5"] {
            assert!(number_or_all(text).is_err_and(|error| error.contains("or all")), "{text}");
        }
    }

    #[test]
    fn modes_are_read_as_chmod_reads_them() {
        assert_eq!((mode("0660"), mode("600")), (Ok(0o660), Ok(0o600)));
        for text in ["", "8", "1777", "+600", "u+w"] {
            assert!(mode(text).is_err_and(|error| error.contains("0600")), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_with_and_without_a_letter() {
        assert_eq!(size("512"), Ok(512));
        assert_eq!(size("64k"), Ok(64 << 10));
        assert_eq!(size("16M"), Ok(16 << 20));
        assert_eq!(size("1G"), Ok(1 << 30));
    }

    #[test]
    fn what_is_no_size_is_refused_with_the_way_to_write_one() {
        for text in ["", "0", "-1", "+1", "k", "1.5M", "16MB", "99999999999999999999", "99999999999999999G"] {
            assert!(size(text).is_err_and(|error| error.contains("64k")), "{text}");
        }
    }

    #[test]
    fn seconds_may_have_fractions_and_are_never_negative() {
        assert_eq!(seconds("5"), Ok(Duration::from_secs(5)));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["", "-1", "inf", "nan", "5s", "1e300"] {
            assert!(seconds(text).is_err_and(|error| error.contains("0.2")), "{text}");
        }
    }
}
