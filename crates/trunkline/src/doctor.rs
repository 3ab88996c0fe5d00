//! `doctor`: what is wrong with this machine's network set-up, and the command that mends it.
//!
//! A check is a file. It gathers what the machine says with as little code as it can, and judges that in a function
//! without side effects, so that each verdict is tested with what real machines said.

mod broadcast;
mod clock;
mod descriptors;
mod firewall;
mod interfaces;
mod kernel;
mod ports;
mod report;
mod state;
#[cfg(test)]
mod testing;

use anyhow::Context as _;
use net::Untrusted;
use node::home::Home;
use serde::Serialize;

use crate::cli::DoctorFlags;
use crate::control::Client;
use crate::failure::{Exit, Failure, Outcome};
use crate::stdout;

/// One thing that was looked at. Its texts are safe to print.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    level: Level,
    what: String,
    how: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it should be.
    Good,
    /// Worth knowing; something may not work one day, or could not be looked at.
    Notice,
    /// Something does not work.
    Problem,
}

impl Finding {
    /// What is found, and how.
    fn new(level: Level, what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { level, what: what.into(), how: how.into(), remedy: None }
    }

    /// The command that mends it.
    fn remedy(self, command: impl Into<String>) -> Self {
        Self { remedy: Some(command.into()), ..self }
    }
}

/// Shows what is found. A problem is a failure.
pub(crate) async fn run(flags: &DoctorFlags) -> Outcome {
    let home = Home::of_this_user().map_err(Failure::usage)?;
    let mut findings = examine(&home)?;
    findings.extend(known_to_the_node(&home).await);
    let printed =
        if flags.json { stdout::print_json(&findings) } else { stdout::print(report::text(&findings)) };
    printed.map(|printed| if has_problem(&findings) { Exit::Failed } else { printed })
}

/// Whether something does not work.
pub(crate) fn has_problem(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Problem)
}

/// What the running node has met, such as two people of one name. Nothing where none runs.
async fn known_to_the_node(home: &Home) -> Vec<Finding> {
    // Where the node does not answer, the check of the state folder has said who holds it.
    let Ok(Some(node)) = Client::connect(home).await else { return Vec::new() };
    let safe = |trouble: &String| Untrusted::from(trouble.as_str()).to_string();
    let troubles = node.snapshot().troubles.iter().map(safe);
    troubles.map(|trouble| Finding::new(Level::Notice, trouble, "the running node")).collect()
}

/// Looks at this machine, which takes at most a second.
pub(crate) fn examine(home: &Home) -> anyhow::Result<Vec<Finding>> {
    let all = net::interfaces().context("reading the addresses of this machine (getifaddrs)")?;
    let firewall = firewall::Firewall::read();
    Ok([
        interfaces::judge(&all),
        ports::look(),
        firewall.look(&all),
        broadcast::look(&all, &firewall),
        clock::look(),
        kernel::look(),
        descriptors::look(),
        state::look(home.state()),
    ]
    .into_iter()
    .flatten()
    .collect())
}

/// How many are not good, in a few words for one line.
pub(crate) fn brief(findings: &[Finding]) -> String {
    let count = |level, one: &str| {
        let count = findings.iter().filter(|finding| finding.level == level).count();
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {one}{plural}"))
    };
    let counts: Vec<_> =
        [count(Level::Problem, "problem"), count(Level::Notice, "notice")].into_iter().flatten().collect();
    if counts.is_empty() { "nothing wrong was found".to_owned() } else { counts.join(", ") }
}
