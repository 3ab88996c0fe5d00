//! Whether the clock is set: packets of IP Messenger are numbered by it, and a number must not come twice.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Finding, Level};

/// No clock that is right shows an earlier year; one that was never set shows 1970, or when its firmware was made.
const FIRST_YEAR: i16 = 2025;

pub(super) fn look() -> Vec<Finding> {
    vec![judge(Timestamp::now(), is_synchronised())]
}

fn judge(now: Timestamp, is_synchronised: bool) -> Finding {
    let shown = now.strftime("%Y-%m-%d %H:%M:%S UTC");
    if now.to_zoned(TimeZone::UTC).year() < FIRST_YEAR {
        let what =
            format!("the clock shows {shown}: packets are numbered by it, and others take ours for old ones");
        return Finding::new(Level::Problem, what, "clock_gettime").remedy("sudo timedatectl set-ntp true");
    }
    if is_synchronised {
        Finding::new(Level::Good, format!("the clock follows a time server ({shown})"), "adjtimex")
    } else {
        let what = format!("the clock follows no time server: is it {shown}?");
        Finding::new(Level::Notice, what, "adjtimex").remedy("sudo timedatectl set-ntp true")
    }
}

/// What whoever sets the clock has told the kernel (adjtimex(2)).
fn is_synchronised() -> bool {
    #[allow(unsafe_code, reason = "no safe crate asks the kernel for this")]
    // SAFETY: `timex` is numbers only, for which zeros are good; with `modes` 0 the kernel only writes to it.
    let state = unsafe {
        let mut asked: libc::timex = std::mem::zeroed();
        libc::adjtimex(&raw mut asked)
    };
    (libc::TIME_OK..libc::TIME_ERROR).contains(&state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(now: &str, is_synchronised: bool) -> Level {
        judge(now.parse().unwrap(), is_synchronised).level
    }

    #[test]
    fn a_clock_that_was_never_set_is_a_problem() {
        assert_eq!(level("1970-01-01T00:02:00Z", true), Level::Problem);
        assert_eq!(level("2024-12-31T23:59:59Z", false), Level::Problem);
    }

    #[test]
    fn a_clock_without_a_server_is_worth_a_notice_and_says_what_it_shows() {
        assert_eq!(level("2026-11-22T12:00:00Z", true), Level::Good);
        let alone = judge("2026-11-22T12:00:00Z".parse().unwrap(), false);
        assert_eq!(alone.level, Level::Notice);
        assert!(alone.what.ends_with("is it 2026-11-22 12:00:00 UTC?"), "{}", alone.what);
    }
}
