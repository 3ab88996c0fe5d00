//! Times as people say them.

use anyhow::{Context as _, anyhow};
use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp, Zoned};

/// The moment that a text means: so long ago, a time by the clock here, or one that says its zone.
pub(super) fn moment(text: &str, now: &Zoned) -> anyhow::Result<Timestamp> {
    if let Ok(timestamp) = text.parse() {
        return Ok(timestamp);
    }
    let moment = match by_the_clock(text, now) {
        Some(datetime) => datetime.to_zoned(now.time_zone().clone()),
        None => {
            let ago: Option<Span> = text.parse().ok();
            now.checked_sub(ago.filter(|ago| !ago.is_negative()).ok_or_else(|| {
                anyhow!(
                    "{text} is not a time: write 2h, 3d, 14:30, yesterday, 2026-11-22 or '2026-11-22 14:30'"
                )
            })?)
        }
    };
    Ok(moment.with_context(|| format!("{text} is too long ago, or too far ahead"))?.timestamp())
}

fn by_the_clock(text: &str, now: &Zoned) -> Option<DateTime> {
    let today = now.date();
    match text {
        "today" => Some(today.into()),
        "yesterday" => Some(today.yesterday().ok()?.into()),
        // Digits alone would do, but who writes 2026 does not mean 20:26.
        _ if text.contains('-') => text.parse().ok(),
        _ if text.contains(':') => text.parse().ok().map(|time: Time| today.to_datetime(time)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-22T15:04:05+08:00[Asia/Shanghai]";

    fn at(text: &str) -> Result<String, String> {
        moment(text, &NOW.parse().unwrap()).map(|at| at.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_time_may_be_so_long_ago() {
        assert_eq!(at("2h").as_deref(), Ok("2026-11-22T05:04:05Z"));
        assert_eq!(at("90min").as_deref(), Ok("2026-11-22T05:34:05Z"));
        assert_eq!(at("1w 2d").as_deref(), Ok("2026-11-13T07:04:05Z"));
        assert_eq!(at("1 month").as_deref(), Ok("2026-10-22T07:04:05Z"));
    }

    #[test]
    fn a_time_may_be_one_of_the_clock_here() {
        assert_eq!(at("14:30").as_deref(), Ok("2026-11-22T06:30:00Z"));
        assert_eq!(at("today").as_deref(), Ok("2026-11-21T16:00:00Z"));
        assert_eq!(at("yesterday").as_deref(), Ok("2026-11-20T16:00:00Z"));
        assert_eq!(at("2026-11-01").as_deref(), Ok("2026-10-31T16:00:00Z"));
        assert_eq!(at("2026-11-01 14:30").as_deref(), Ok("2026-11-01T06:30:00Z"));
        assert_eq!(at("2026-11-01T14:30:01.5").as_deref(), Ok("2026-11-01T06:30:01.5Z"));
    }

    #[test]
    fn a_time_may_say_its_zone() {
        assert_eq!(at("2026-11-22T06:30:00Z").as_deref(), Ok("2026-11-22T06:30:00Z"));
        assert_eq!(at("2026-11-22T06:30:00+01:00").as_deref(), Ok("2026-11-22T05:30:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_ways_to_write_one() {
        for text in ["", "2026", "1430", "soon", "2 parsecs", "-2h", "25:00", "2026-13-01", "2h\x1b[2J"] {
            assert!(at(text).is_err_and(|error| error.contains("write 2h, 3d, 14:30")), "{text}");
        }
        assert_eq!(at("15000y"), Err("15000y is too long ago, or too far ahead".to_owned()));
    }
}
