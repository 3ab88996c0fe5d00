//! How it ended on a machine, in words, and the exit code of the whole.

use node::journal::RunEnding;
use node::ssh::Outcome;

/// No connection, as ssh has it.
const NO_CONNECTION: u8 = 255;

/// Our own limit, as timeout(1) has it.
const TIMED_OUT: u8 = 124;

/// Ctrl-C, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Added to the number of a signal, as shells do.
const BY_SIGNAL: u8 = 128;

/// How it ended on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: Kind,
    /// What a verb for this machine alone ends with.
    pub(crate) code: u8,
    /// Why it is not good; machines with the same text stand together. May hold text from outside.
    pub(crate) reason: String,
}

/// From good to bad, as the exit code of many has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Good,
    Failed,
    TimedOut,
    NoConnection,
}

impl Verdict {
    /// Of the machine whose end is `user@host:port`.
    pub(crate) fn of(outcome: &Outcome, end: &str) -> Self {
        Self::of_ending(&RunEnding::of(outcome, end))
    }

    /// As the journal has it.
    pub(crate) fn of_ending(ending: &RunEnding) -> Self {
        let (kind, code, reason) = match ending {
            RunEnding::Exit(0) => (Kind::Good, 0, String::new()),
            RunEnding::Exit(status) => {
                (Kind::Failed, u8::try_from(*status).unwrap_or(u8::MAX), format!("exit {status}"))
            }
            RunEnding::Signal { name, core } => {
                let code = number(name).map_or(u8::MAX, |number| BY_SIGNAL + number);
                let core = if *core { ", core dumped" } else { "" };
                (Kind::Failed, code, format!("killed by SIG{name}{core}"))
            }
            RunEnding::Unreachable(why) => {
                (Kind::NoConnection, NO_CONNECTION, format!("no connection: {why}"))
            }
            RunEnding::Lost(why) => (Kind::NoConnection, NO_CONNECTION, format!("connection lost: {why}")),
            RunEnding::TimedOut(limit) => {
                (Kind::TimedOut, TIMED_OUT, format!("ended after {} s", limit.as_secs_f64()))
            }
            RunEnding::Cancelled => (Kind::Failed, INTERRUPTED, "cancelled".to_owned()),
        };
        Self { kind, code, reason }
    }

    /// Of a machine whose ending the journal does not have.
    pub(crate) fn unknown() -> Self {
        Self { kind: Kind::Failed, code: u8::MAX, reason: "nobody saw how it ended".to_owned() }
    }
}

/// The exit code of a run: of one machine that machine's, of many the worst kind, or with `largest` the largest code.
pub(crate) fn exit_code<'a>(verdicts: impl Iterator<Item = &'a Verdict> + Clone, largest: bool) -> u8 {
    if largest || verdicts.clone().nth(1).is_none() {
        return verdicts.map(|verdict| verdict.code).max().unwrap_or_default();
    }
    match verdicts.map(|verdict| verdict.kind).max().unwrap_or(Kind::Good) {
        Kind::Good => 0,
        Kind::Failed => 1,
        Kind::TimedOut => TIMED_OUT,
        Kind::NoConnection => NO_CONNECTION,
    }
}

/// The number of a signal on Linux (signal(7)), from the names that SSH knows (RFC 4254 section 6.10) and those that OpenSSH adds.
fn number(name: &str) -> Option<u8> {
    Some(match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ILL" => 4,
        "TRAP" => 5,
        "ABRT" => 6,
        "BUS" => 7,
        "FPE" => 8,
        "KILL" => 9,
        "USR1" => 10,
        "SEGV" => 11,
        "USR2" => 12,
        "PIPE" => 13,
        "ALRM" => 14,
        "TERM" => 15,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use node::ssh::{ConnectError, Unreachable};

    use super::*;

    fn verdict(outcome: &Outcome) -> Verdict {
        Verdict::of(outcome, "root@n1:22")
    }

    fn signal(name: &str) -> Outcome {
        Outcome::Signal { name: name.to_owned(), core: false }
    }

    fn unreachable(hop: &str) -> Outcome {
        let reason = ConnectError::Handshake("it speaks HTTP".to_owned());
        Outcome::Unreachable(Unreachable { hop: hop.to_owned(), reason })
    }

    fn code(outcomes: &[Outcome], largest: bool) -> u8 {
        exit_code(outcomes.iter().map(verdict).collect::<Vec<_>>().iter(), largest)
    }

    #[test]
    fn one_machine_gives_its_own_code() {
        let codes = [
            (Outcome::Exit(0), 0),
            (Outcome::Exit(3), 3),
            (Outcome::Exit(70_000), 255),
            (signal("KILL"), 137),
            (signal("TERM"), 143),
            (signal("RTMIN@example"), 255),
            (unreachable("root@n1:22"), 255),
            (Outcome::Lost("reset".to_owned()), 255),
            (Outcome::TimedOut(Duration::from_secs(1)), 124),
            (Outcome::Cancelled, 130),
        ];
        for (outcome, expected) in codes {
            assert_eq!(code(std::slice::from_ref(&outcome), false), expected, "{outcome:?}");
        }
    }

    #[test]
    fn many_give_the_worst_kind_and_s_the_largest_code() {
        let late = || Outcome::TimedOut(Duration::from_secs(1));
        assert_eq!(code(&[Outcome::Exit(0), Outcome::Exit(0)], false), 0);
        assert_eq!(code(&[Outcome::Exit(0), Outcome::Exit(3)], false), 1);
        assert_eq!(code(&[Outcome::Exit(200), late(), Outcome::Exit(0)], false), 124);
        assert_eq!(code(&[unreachable("x"), late(), Outcome::Exit(0)], false), 255);
        assert_eq!(code(&[Outcome::Exit(4), Outcome::Exit(3)], true), 4);
        assert_eq!(code(&[Outcome::Exit(4), late()], true), 124);
    }

    #[test]
    fn a_reason_names_the_machine_only_where_it_is_another_one() {
        let said = |hop| verdict(&unreachable(hop)).reason;
        assert_eq!(said("root@n1:22"), "no connection: the handshake failed: it speaks HTTP");
        assert_eq!(said("gate:22"), "no connection: gate:22: the handshake failed: it speaks HTTP");
        assert_eq!(verdict(&signal("SEGV")).reason, "killed by SIGSEGV");
        assert_eq!(verdict(&Outcome::TimedOut(Duration::from_millis(1500))).reason, "ended after 1.5 s");
    }
}
