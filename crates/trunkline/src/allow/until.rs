//! Times to come, as people say them.

use anyhow::{Context as _, anyhow, bail};
use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, Timestamp, Zoned};

/// The moment that a text means: in so long, a time by the clock here, the end of a day, or one that says its zone.
pub(super) fn moment(text: &str, now: &Zoned) -> anyhow::Result<Timestamp> {
    let moment = match (text.parse::<Timestamp>(), by_the_clock(text, now)) {
        (Ok(timestamp), _) => timestamp,
        (_, Some(datetime)) => {
            let zoned = datetime.to_zoned(now.time_zone().clone());
            zoned.with_context(|| format!("{text} is too far ahead"))?.timestamp()
        }
        _ => {
            let span = text.parse::<Span>().ok().filter(|span| !span.is_negative());
            let ahead = span.and_then(|span| now.checked_add(span).ok());
            let ahead = ahead.ok_or_else(|| {
                anyhow!("{text} is not a time: write 17:00, 2h, 2026-11-30 or '2026-11-30 17:00'")
            })?;
            ahead.timestamp()
        }
    };
    if moment <= now.timestamp() {
        bail!("{text} is over already; a time of another day needs its date, as in '2026-11-30 17:00'");
    }
    Ok(moment)
}

fn by_the_clock(text: &str, now: &Zoned) -> Option<DateTime> {
    match (text.contains('-'), text.contains(':')) {
        // Through the day that is named.
        (true, false) => Some(text.parse::<Date>().ok()?.tomorrow().ok()?.into()),
        (true, true) => text.parse().ok(),
        (false, true) => text.parse().ok().map(|time: Time| now.date().to_datetime(time)),
        (false, false) => None,
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
    fn a_time_to_come_may_be_said_in_each_way() {
        assert_eq!(at("17:00").as_deref(), Ok("2026-11-22T09:00:00Z"));
        assert_eq!(at("90min").as_deref(), Ok("2026-11-22T08:34:05Z"));
        assert_eq!(at("2026-11-30 17:00").as_deref(), Ok("2026-11-30T09:00:00Z"));
        assert_eq!(at("2026-11-30").as_deref(), Ok("2026-11-30T16:00:00Z"), "the day belongs to it");
        assert_eq!(at("2026-11-22").as_deref(), Ok("2026-11-22T16:00:00Z"), "today, too");
        assert_eq!(at("2026-11-22T10:00:00Z").as_deref(), Ok("2026-11-22T10:00:00Z"));
    }

    #[test]
    fn a_time_that_is_over_is_refused_with_the_way_out() {
        for text in ["15:04", "2026-11-21", "2026-11-22 15:04", "2020-01-01T00:00:00Z", "0s"] {
            assert!(at(text).is_err_and(|error| error.contains("is over already")), "{text}: {:?}", at(text));
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_ways_to_write_one() {
        for text in ["", "17", "soon", "-2h", "25:00", "2026-13-01"] {
            assert!(at(text).is_err_and(|error| error.contains("write 17:00, 2h")), "{text}: {:?}", at(text));
        }
    }
}
