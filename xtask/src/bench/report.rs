//! What a benchmark prints: a table of ratios, each the median of rounds taken in turns.

use std::fmt;

/// One figure of ours and of the peer's, in every round.
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// The program that ours is held against; empty where there is none, and the peer's figure means nothing.
    pub(crate) against: &'static str,
    pub(crate) rounds: Vec<Round>,
    pub(crate) goal: Goal,
}

/// The figures of one round: ours, and right after it the peer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) ours: f64,
    pub(crate) peer: f64,
}

impl Round {
    /// Of ours alone.
    pub(crate) fn without_peer(ours: f64) -> Self {
        Self { ours, peer: f64::NAN }
    }
}

/// What is to be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// The ratio of ours to the peer's is at most this.
    RatioAtMost(f64),
    /// The ratio of ours to the peer's is at least this.
    RatioAtLeast(f64),
    /// Ours is at most the peer's and so much more.
    PeerAnd(f64),
    /// Ours is at most this, whatever the peer's.
    AtMost(f64),
    /// None: the figure is only told.
    Told,
}

impl Line {
    fn ours(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.ours))
    }

    fn peer(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.peer))
    }

    fn ratio(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.ours / round.peer))
    }

    /// Whether the goal is reached; none where there is no goal.
    pub(crate) fn is_met(&self) -> Option<bool> {
        match self.goal {
            Goal::RatioAtMost(most) => Some(self.ratio() <= most),
            Goal::RatioAtLeast(least) => Some(self.ratio() >= least),
            Goal::PeerAnd(more) => Some(self.ours() <= self.peer() + more),
            Goal::AtMost(most) => Some(self.ours() <= most),
            Goal::Told => None,
        }
    }
}

/// The head of a table made of [`Line`]s, in Markdown.
pub(crate) const HEAD: &str = "\
| what | unit | ours | peer | ratio | goal | |
|---|---|---:|---:|---:|---|---|";

/// A row of the table.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.is_met() {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "",
        };
        let peer = match self.against {
            "" => String::new(),
            against => format!("{against} {}", figure(self.peer())),
        };
        let ratio = match self.ratio() {
            ratio if ratio.is_finite() => format!("{ratio:.2}"),
            _ => String::new(), // of nothing to nothing, or there is no peer
        };
        let (what, unit, ours) = (&self.what, self.unit, figure(self.ours()));
        write!(f, "| {what} | {unit} | {ours} | {peer} | {ratio} | {} | {verdict} |", self.goal)
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RatioAtMost(most) => write!(f, "ratio at most {most}"),
            Self::RatioAtLeast(least) => write!(f, "ratio at least {least}"),
            Self::PeerAnd(more) => write!(f, "at most the peer's + {more}"),
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::Told => f.write_str("reported"),
        }
    }
}

/// The middle one; of an even number, the upper of the two. Not a number when there is none.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Three digits or more, and thousands apart.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => {
            let digits = format!("{value:.0}");
            let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
            groups.join(",")
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(goal: Goal, rounds: &[(f64, f64)]) -> Line {
        let rounds = rounds.iter().map(|&(ours, peer)| Round { ours, peer }).collect();
        Line { what: "CPU per message".to_owned(), unit: "us", against: "C", rounds, goal }
    }

    #[test]
    fn the_ratio_is_the_median_of_each_rounds_ratio_not_the_ratio_of_medians() {
        let line = line(Goal::RatioAtMost(0.9), &[(1.0, 2.0), (10.0, 11.0), (8.0, 100.0)]);
        assert_eq!(
            line.to_string(),
            "| CPU per message | us | 8.00 | C 11.0 | 0.50 | ratio at most 0.9 | met |"
        );
    }

    #[test]
    fn nothing_lost_on_either_side_has_no_ratio() {
        let line = line(Goal::AtMost(0.0), &[(0.0, 0.0)]);
        assert_eq!(line.to_string(), "| CPU per message | us | 0.00 | C 0.00 |  | at most 0 | met |");
    }

    #[test]
    fn what_has_no_peer_has_neither_its_figure_nor_a_ratio() {
        let rounds = vec![Round::without_peer(12.0)];
        let what = "start".to_owned();
        let line = Line { what, unit: "ms", against: "", rounds, goal: Goal::AtMost(100.0) };
        assert_eq!(line.to_string(), "| start | ms | 12.0 |  |  | at most 100 | met |");
    }

    #[test]
    fn every_kind_of_goal_can_be_missed() {
        for goal in [Goal::RatioAtMost(0.9), Goal::PeerAnd(1.0), Goal::AtMost(11.0)] {
            assert_eq!(line(goal, &[(12.0, 10.0)]).is_met(), Some(false), "{goal}");
            assert_eq!(line(goal, &[(8.0, 10.0)]).is_met(), Some(true), "{goal}");
        }
        assert_eq!(line(Goal::RatioAtLeast(1.0), &[(8.0, 10.0)]).is_met(), Some(false));
        assert_eq!(line(Goal::RatioAtLeast(1.0), &[(12.0, 10.0)]).is_met(), Some(true));
        assert_eq!(line(Goal::Told, &[(12.0, 10.0)]).is_met(), None);
    }

    #[test]
    fn figures_show_three_digits_or_more() {
        assert_eq!(
            [1_234_567.8, 123.4, 12.34, 1.234, 0.0].map(figure),
            ["1,234,568", "123", "12.3", "1.23", "0.00"]
        );
    }
}
