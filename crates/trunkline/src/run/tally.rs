//! How far a run is, and what became of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use net::Untrusted;
use node::ssh::fan::{Event, What};

use super::view::{Shown, folded};
use crate::ssh::{Kind, Verdict, exit_code};

/// Names that the status line shows of those that still run.
const SLOWEST: usize = 3;

/// Counts what happens.
pub(crate) struct Tally {
    machines: Vec<Machine>,
    begun: Instant,
    done: usize,
    failed: usize,
    /// Those that run, in the order in which they began.
    running: Vec<usize>,
}

struct Machine {
    shown: Shown,
    verdict: Option<Verdict>,
}

impl Tally {
    pub(crate) fn new(machines: &[Shown]) -> Self {
        let machine = |shown: &Shown| Machine { shown: shown.clone(), verdict: None };
        Self {
            machines: machines.iter().map(machine).collect(),
            begun: Instant::now(),
            done: 0,
            failed: 0,
            running: Vec::new(),
        }
    }

    pub(crate) fn event(&mut self, event: &Event) {
        let Some(machine) = self.machines.get_mut(event.machine) else { return };
        match &event.what {
            What::Started => self.running.push(event.machine),
            What::Out(_) | What::Err(_) => {}
            What::Ended(outcome) => {
                let verdict = Verdict::of(outcome, &machine.shown.end);
                self.ended(event.machine, verdict);
            }
        }
    }

    /// It ended on a machine.
    pub(crate) fn ended(&mut self, place: usize, verdict: Verdict) {
        let Some(machine) = self.machines.get_mut(place) else { return };
        self.done += 1;
        self.failed += usize::from(verdict.kind != Kind::Good);
        machine.verdict = Some(verdict);
        self.running.retain(|&running| running != place);
    }

    /// The status line: `12 of 40 done, 1 failed; running 27, longest n07, n12, n13`.
    pub(crate) fn status(&self) -> String {
        let mut line = format!("{} of {} done", self.done, self.machines.len());
        // Writing to a string does not fail.
        if self.failed > 0 {
            let _ = write!(line, ", {} failed", self.failed);
        }
        if !self.running.is_empty() {
            let slowest = self.running.iter().take(SLOWEST).map(|&place| self.name(place));
            let slowest = slowest.map(|name| Untrusted::from(name).to_string()).collect::<Vec<_>>();
            let _ = write!(line, "; running {}, longest {}", self.running.len(), slowest.join(", "));
        }
        line
    }

    /// The exit code of the run.
    pub(crate) fn exit_code(&self, largest: bool) -> u8 {
        exit_code(self.machines.iter().filter_map(|machine| machine.verdict.as_ref()), largest)
    }

    /// What a person is told at the end: of one machine only what the exit code does not tell, of many how many failed, and who
    /// for which reason.
    pub(super) fn summary(&self) -> String {
        match self.machines.as_slice() {
            [only] => match &only.verdict {
                Some(Verdict { kind: Kind::TimedOut | Kind::NoConnection, reason, .. }) => {
                    format!("trunkline: {}: {}\n", Untrusted::from(only.shown.name.as_str()), shown(reason))
                }
                _ => String::new(),
            },
            _ => self.summary_of_many(Some(self.begun.elapsed())),
        }
    }

    /// How many failed, and who for which reason; how long it took, where that is known.
    pub(crate) fn summary_of_many(&self, took: Option<Duration>) -> String {
        let all = self.machines.len();
        let took = took.map(|took| format!(" in {:.1} s", took.as_secs_f64())).unwrap_or_default();
        if self.failed == 0 {
            return format!("all {all} ok{took}\n");
        }
        let mut summary = format!("{} of {all} failed, {} ok{took}\n", self.failed, self.done - self.failed);
        for (reason, places) in self.failures() {
            let names = folded(places.iter().map(|&place| self.name(place)));
            let _ = writeln!(summary, "  {names}: {}", shown(reason));
        }
        summary
    }

    /// Who failed, by reason: the one that most have comes first.
    fn failures(&self) -> Vec<(&str, Vec<usize>)> {
        let mut failures: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, machine) in self.machines.iter().enumerate() {
            if let Some(verdict) = machine.verdict.as_ref().filter(|verdict| verdict.kind != Kind::Good) {
                failures.entry(&verdict.reason).or_default().push(place);
            }
        }
        let mut failures: Vec<_> = failures.into_iter().collect();
        failures.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
        failures
    }

    fn name(&self, place: usize) -> &str {
        &self.machines[place].shown.name
    }
}

/// A reason, which may hold text from outside, and of several lines.
fn shown(reason: &str) -> impl std::fmt::Display {
    Untrusted::from(reason).multiline()
}

#[cfg(test)]
mod tests {
    use node::ssh::{ConnectError, Outcome, Unreachable};

    use super::*;
    use crate::run::view::testing::{exit, machines, started};

    fn tally(names: &[&str], events: &[Event]) -> Tally {
        let mut tally = Tally::new(&machines(names, ""));
        events.iter().for_each(|event| tally.event(event));
        tally
    }

    fn ended(machine: usize, outcome: Outcome) -> Event {
        Event { machine, what: What::Ended(outcome) }
    }

    fn refused(machine: usize, name: &str) -> Event {
        let reason = ConnectError::Dial(std::io::ErrorKind::ConnectionRefused.into());
        ended(machine, Outcome::Unreachable(Unreachable { hop: format!("root@{name}:22"), reason }))
    }

    fn late(machine: usize) -> Event {
        ended(machine, Outcome::TimedOut(Duration::from_secs(5)))
    }

    #[test]
    fn the_summary_names_who_failed_by_reason() {
        let names = ["n1", "n2", "n3", "n4", "n5", "n6"];
        let events = [exit(0, 0), exit(1, 3), refused(2, "n3"), refused(3, "n4"), exit(4, 0), late(5)];
        let tally = tally(&names, &events);
        assert_eq!(
            tally.summary_of_many(Some(Duration::from_millis(1234))),
            "4 of 6 failed, 2 ok in 1.2 s\n  \
               n[3-4]: no connection: connection refused\n  \
               n6: ended after 5 s\n  \
               n2: exit 3\n"
        );
        assert_eq!((tally.exit_code(false), tally.exit_code(true)), (255, 255));
    }

    #[test]
    fn a_good_end_is_one_line() {
        let tally = tally(&["a", "b"], &[exit(0, 0), exit(1, 0)]);
        assert_eq!(tally.summary_of_many(Some(Duration::from_secs(2))), "all 2 ok in 2.0 s\n");
        assert_eq!(tally.exit_code(false), 0);
    }

    #[test]
    fn of_one_machine_only_that_is_told_which_its_exit_code_does_not_tell() {
        assert_eq!(tally(&["a"], &[exit(0, 3)]).summary(), "");
        assert_eq!(tally(&["a"], &[exit(0, 0)]).summary(), "");
        let summary = tally(&["a"], &[refused(0, "a")]).summary();
        assert_eq!(summary, "trunkline: a: no connection: connection refused\n");
        assert_eq!(tally(&["a"], &[late(0)]).summary(), "trunkline: a: ended after 5 s\n");
    }

    #[test]
    fn what_a_machine_says_steers_no_terminal() {
        let evil = ended(0, Outcome::Lost("\x1b[2J".to_owned()));
        assert_eq!(tally(&["a"], &[evil]).summary(), "trunkline: a: connection lost: \\x1b[2J\n");
    }

    #[test]
    fn the_status_line_counts_and_names_those_that_run_longest() {
        let names = ["a", "b", "c", "d", "e"];
        let begun: Vec<_> = (0..5).rev().map(started).collect();
        let mut tally = tally(&names, &[]);
        assert_eq!(tally.status(), "0 of 5 done");
        begun.iter().for_each(|event| tally.event(event));
        assert_eq!(tally.status(), "0 of 5 done; running 5, longest e, d, c");
        tally.event(&exit(4, 1));
        tally.event(&exit(3, 0));
        assert_eq!(tally.status(), "2 of 5 done, 1 failed; running 3, longest c, b, a");
    }
}
