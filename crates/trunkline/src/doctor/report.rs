//! Findings as a person reads them.

use super::{Finding, Level, brief};

/// Where the second line of a finding begins.
const INDENT: &str = "         ";

/// What is good takes a line; the rest says how it was found and what to do. The last line sums up.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { level, what, how, remedy } in findings {
        text += &format!("{:<9}{what}\n", word(*level));
        if *level != Level::Good {
            text += &format!("{INDENT}found: {how}\n");
        }
        if let Some(remedy) = remedy {
            text += &format!("{INDENT}do:    {remedy}\n");
        }
    }
    text + "\n" + &brief(findings) + "\n"
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Good => "good",
        Level::Notice => "notice",
        Level::Problem => "problem",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_good_is_short_and_the_rest_says_how_it_was_found_and_what_to_do() {
        let findings = [
            Finding::new(Level::Good, "UDP 2425 is free", "/proc/net/udp"),
            Finding::new(Level::Problem, "it rains", "looked up").remedy("sudo close window"),
            Finding::new(Level::Notice, "it is late", "the clock"),
        ];
        assert_eq!(
            text(&findings),
            "\
good     UDP 2425 is free
problem  it rains
         found: looked up
         do:    sudo close window
notice   it is late
         found: the clock

1 problem, 1 notice
"
        );
    }

    #[test]
    fn where_all_is_good_the_last_line_says_so() {
        assert!(text(&[Finding::new(Level::Good, "fine", "")]).ends_with("\n\nnothing wrong was found\n"));
    }
}
