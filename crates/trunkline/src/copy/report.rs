//! What a person, or a program, is told of copies.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use net::Untrusted;
use node::ssh::fan::{Event, What};
use node::ssh::sftp::Meter;
use serde_json::json;

use super::Plan;
use crate::failure::{self, Failure};
use crate::json;
use crate::run::{Shown, Tally};
use crate::ssh::{Floor, Kind, Verdict};

/// Listens to copies.
pub(super) struct Report {
    machines: Vec<Told>,
    tally: Tally,
    meter: Arc<Meter>,
    floor: Floor,
    begun: Instant,
    quiet: bool,
    json: bool,
}

/// What a machine has told of files that were not copied.
struct Told {
    name: String,
    end: String,
    /// Not said yet: if it stays the only one, it is the reason for all.
    first: Option<String>,
    failures: usize,
}

impl Report {
    pub(super) fn new(plan: &Plan, meter: Arc<Meter>, floor: Floor) -> Self {
        let shown = plan.machines.iter().map(|machine| Shown {
            name: machine.name.clone(),
            end: machine.end.to_string(),
            charset: None,
        });
        let shown: Vec<_> = shown.collect();
        let told = |shown: &Shown| Told {
            name: shown.name.clone(),
            end: shown.end.clone(),
            first: None,
            failures: 0,
        };
        Self {
            machines: shown.iter().map(told).collect(),
            tally: Tally::new(&shown),
            meter,
            floor,
            begun: Instant::now(),
            quiet: plan.quiet,
            json: plan.json,
        }
    }

    /// Something has happened.
    pub(super) async fn event(&mut self, event: Event) -> Result<(), Failure> {
        let Some(told) = self.machines.get_mut(event.machine) else { return Ok(()) };
        match &event.what {
            What::Started => self.tally.event(&event),
            What::Out(_) => {}
            What::Err(bytes) => {
                let text = String::from_utf8_lossy(bytes).trim_end().to_owned();
                if self.json {
                    print(&json!({ "machine": told.name, "kind": "error", "text": text }))?;
                }
                told.failures += 1;
                let lines = match (told.failures, told.first.take()) {
                    (1, _) => {
                        told.first = Some(text);
                        return Ok(());
                    }
                    (_, first) => first.into_iter().chain([text]),
                };
                let _floor = self.floor.taken().await;
                lines.for_each(|line| failure::say(about(&told.name, &line)));
            }
            What::Ended(outcome) => {
                let mut verdict = Verdict::of(outcome, &told.end);
                if verdict.kind == Kind::Failed && told.failures > 0 {
                    let several = || format!("{} were not copied", told.failures);
                    verdict.reason = told.first.take().unwrap_or_else(several);
                }
                if self.json {
                    let outcome = match verdict.kind {
                        Kind::Good => "copied",
                        Kind::NoConnection => "unreachable",
                        Kind::Failed | Kind::TimedOut => "failed",
                    };
                    let Told { name, .. } = told;
                    print(
                        &json!({ "machine": name, "kind": "end", "outcome": outcome, "reason": verdict.reason }),
                    )?;
                }
                if self.machines.len() == 1 && verdict.kind != Kind::Good {
                    let _floor = self.floor.taken().await;
                    let name = &self.machines[event.machine].name;
                    failure::say(format_args!("trunkline: {}", about(name, &verdict.reason)));
                }
                self.tally.ended(event.machine, verdict);
            }
        }
        Ok(())
    }

    /// The line that stands while it goes on.
    pub(super) fn status(&self) -> String {
        let moved = progress(&self.meter, self.begun.elapsed(), self.machines.len() == 1);
        if self.machines.len() == 1 { moved } else { format!("{}; {moved}", self.tally.status()) }
    }

    /// Tells what became of all, and gives the exit code.
    pub(super) async fn finish(self) -> u8 {
        let code = self.tally.exit_code(false);
        let _floor = self.floor.taken().await;
        if self.machines.len() > 1 && (!self.quiet || code != 0) {
            failure::say(self.tally.summary_of_many(Some(self.begun.elapsed())).trim_end());
        } else if code == 0 && self.floor.has_status() {
            failure::say(progress(&self.meter, self.begun.elapsed(), false));
        }
        code
    }
}

fn print(line: &serde_json::Value) -> Result<(), Failure> {
    let line = json::line(line).map_err(io::Error::from);
    let written = line.and_then(|line| writeln!(io::stdout(), "{line}"));
    Ok(written.context("writing to standard output")?)
}

fn about(machine: &str, text: &str) -> String {
    format!("{}: {}", Untrusted::from(machine), Untrusted::from(text).multiline())
}

/// `3 files, 120.0 MB of 1.0 GB, 85.0 MB/s, 11 s left`. How long it takes is known only of what has begun.
fn progress(meter: &Meter, took: Duration, with_rest: bool) -> String {
    let (files, bytes, expected) = (meter.files(), meter.bytes(), meter.expected());
    let rate = u128::from(bytes) * 1000 / took.as_millis().max(1);
    let rate = u64::try_from(rate).unwrap_or(u64::MAX);
    let mut line = format!("{files} file{}, {}", if files == 1 { "" } else { "s" }, size(bytes));
    let rest = expected.saturating_sub(bytes);
    if with_rest && rest > 0 {
        line += &format!(" of {}", size(expected));
    }
    line += &format!(", {}/s", size(rate));
    if let Some(seconds) = rest.checked_div(rate).filter(|_| with_rest && rest > 0) {
        line += &format!(", {seconds} s left");
    }
    line
}

/// Bytes for people, in thousands.
pub(crate) fn size(bytes: u64) -> String {
    let mut thousandths = bytes.saturating_mul(1000);
    for unit in ["B", "kB", "MB", "GB"] {
        if thousandths < 1_000_000 {
            return written(thousandths, unit);
        }
        thousandths /= 1000;
    }
    written(thousandths, "TB")
}

fn written(thousandths: u64, unit: &str) -> String {
    let tenth = if unit == "B" { String::new() } else { format!(".{}", thousandths % 1000 / 100) };
    format!("{}{tenth} {unit}", thousandths / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_for_people() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1_250_000, "1.2 MB"),
            (64 << 20, "67.1 MB"),
            (3_000_000_000_000, "3.0 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn what_a_machine_says_steers_no_terminal() {
        assert_eq!(about("n1", "/tmp/\x1b[2J: no"), "n1: /tmp/\\x1b[2J: no");
    }
}
