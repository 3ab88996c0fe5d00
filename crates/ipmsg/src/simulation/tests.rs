//! Stories of many seeds, and what they must have in them. A failure names its seed, and the line that tells its story again:
//!
//! ```text
//! TRUNKLINE_SEED=123 cargo test -p ipmsg simulation
//! ```

mod storm;

use std::ops::Range;
use std::time::Duration;

use super::scenario::{Report, Size, run};

/// For every change: some hundreds take some seconds.
const SMALL: Size = Size {
    ours: (2, 6),
    others: 2,
    trouble: Duration::from_secs(60),
    patience: Duration::from_secs(24 * 3600),
    step: Duration::from_secs(10),
};

const LARGE: Size = Size { ours: (2, 20), others: 6, trouble: Duration::from_secs(120), ..SMALL };

const HUGE: Size = Size { ours: (1000, 1000), step: Duration::from_secs(60), ..LARGE };

#[test]
fn whatever_happens_messages_arrive_and_everybody_knows_who_is_there() {
    let reports = tell(0..300, SMALL);
    let sum = |figure: fn(&Report) -> usize| reports.iter().map(figure).sum::<usize>() / reports.len();
    let (messages, starts) = (sum(|report| report.messages), sum(|report| report.starts));
    assert!(
        messages >= 10 && starts >= 10,
        "the stories are dull: {messages} messages, {starts} starts each"
    );
}

#[test]
#[ignore = "cargo xtask soak ipmsg: minutes"]
fn five_thousand_stories_of_twenty_hosts() {
    summarise(&tell(0..5000, LARGE));
}

#[test]
#[ignore = "cargo xtask soak ipmsg: minutes"]
fn three_stories_of_a_thousand_hosts() {
    summarise(&tell(0..3, HUGE));
}

/// The reports of these seeds, or of the one that is asked for.
fn tell(seeds: Range<u64>, size: Size) -> Vec<Report> {
    #[allow(clippy::disallowed_methods, reason = "a test may be asked for one seed")]
    let asked = std::env::var("TRUNKLINE_SEED").ok().map(|seed| seed.parse().unwrap());
    let seeds = asked.map_or(seeds, |seed: u64| seed..seed + 1);
    let told = seeds.map(|seed| match run(seed, size) {
        Ok(report) => report,
        Err(wrong) => panic!(
            "{wrong}\nto see it again: TRUNKLINE_SEED={seed} cargo test -p ipmsg simulation{}",
            if size.ours == SMALL.ours { "" } else { " -- --ignored" }
        ),
    });
    told.collect()
}

#[allow(clippy::disallowed_macros, reason = "a soak prints its figures")]
fn summarise(reports: &[Report]) {
    let sum = |figure: fn(&Report) -> usize| reports.iter().map(figure).sum::<usize>();
    let mut settled: Vec<Duration> = reports.iter().map(|report| report.settled).collect();
    settled.sort_unstable();
    println!(
        "{} stories: {} messages delivered, {} starts, {} datagrams handled; all was right {:?} after the trouble \
         (the median; at most {:?})",
        reports.len(),
        sum(|report| report.messages),
        sum(|report| report.starts),
        sum(|report| report.handled),
        settled[settled.len() / 2],
        settled[settled.len() - 1],
    );
}
