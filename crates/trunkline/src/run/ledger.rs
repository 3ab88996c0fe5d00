//! What `run` keeps in the journal: what was run where, how it ended, and the first of what was printed.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use node::journal::{Change, Journal, JournalError, NewRun, Recording, RunEnding, RunTarget, Writer};
use node::ssh::Machine;
use node::ssh::fan::{Event, What};

use super::plan::Plan;
use crate::failure;

/// Writes a run down while it goes on. A journal that fails is told once, and keeps nobody from his work.
pub(super) struct Ledger {
    /// None once it has failed.
    open: Option<Open>,
    begun: Instant,
    machines: Vec<Of>,
}

/// What is known of a machine.
struct Of {
    /// `user@host:port`.
    end: String,
    /// When its command began, or else the run.
    since: Instant,
}

struct Open {
    writer: Writer,
    recording: Recording,
}

impl Ledger {
    pub(super) async fn begin(plan: &Plan) -> Self {
        let begun = Instant::now();
        let open = Open::begin(plan).await.inspect_err(|error| tell(error)).ok();
        let machines = plan.shown.iter().map(|shown| Of { end: shown.end.clone(), since: begun }).collect();
        Self { open, begun, machines }
    }

    pub(super) async fn event(&mut self, event: &Event) {
        let Some(open) = &mut self.open else { return };
        let Some(machine) = self.machines.get_mut(event.machine) else { return };
        match &event.what {
            What::Started => machine.since = Instant::now(),
            What::Out(bytes) => open.recording.printed(event.machine, false, bytes),
            What::Err(bytes) => open.recording.printed(event.machine, true, bytes),
            What::Ended(outcome) => {
                let ending = RunEnding::of(outcome, &machine.end);
                open.recording.ended(event.machine, ending, machine.since.elapsed());
            }
        }
        if let Some(news) = open.recording.due()
            && let Err(error) = open.writer.keep(Change::RunWent(news)).await
        {
            tell(&error);
            self.open = None;
        }
    }

    /// The run is over; waits until that is on disk.
    pub(super) async fn finish(self, cancelled: bool) {
        if let Some(Open { writer, recording }) = self.open {
            let news = recording.over(self.begun.elapsed(), cancelled);
            if let Err(error) = writer.keep(Change::RunWent(news)).await {
                tell(&error);
            }
        }
    }
}

impl Open {
    async fn begin(plan: &Plan) -> Result<Self, Arc<JournalError>> {
        let target =
            |machine: &Machine| RunTarget { name: machine.name.clone(), host: machine.end.host.clone() };
        let run = NewRun {
            at: Timestamp::now(),
            by: plan.user.clone(),
            targets: plan.targets.clone(),
            command: plan.command.clone(),
            machines: plan.machines.iter().map(target).collect(),
        };
        // What cannot be kept is told by who asks for it.
        let writer = Writer::start(Journal::open(plan.home.state())?, |_| {})?;
        let written = writer.keep(Change::RunBegan(run)).await?;
        Ok(Self { writer, recording: Recording::new(written.row, plan.machines.len()) })
    }
}

fn tell(error: &JournalError) {
    failure::say(format_args!("trunkline: this run is not kept in the journal: {error}"));
}
