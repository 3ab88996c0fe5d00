//! What `run`, `shell` and `copy` keep in the journal: what was done where, by whom, and how it ended; of a run also the first
//! of what was printed.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use node::home::Home;
use node::journal::{
    Change, Copied, Journal, JournalError, NewRun, Recording, RunEnding, RunTarget, RunVerb, Writer,
};
use node::ssh::fan::{Event, What};
use node::ssh::{Machine, Outcome};

use crate::failure;

/// What is to stand in the journal.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) home: Home,
    /// Who does it.
    pub(crate) user: String,
    pub(crate) verb: RunVerb,
    /// The machines, as the person named them.
    pub(crate) targets: String,
    /// The command, or the paths of a copy; of a shell nothing.
    pub(crate) command: String,
}

/// Writes it down while it goes on. A journal that fails is told once, and keeps nobody from his work.
pub(crate) struct Ledger {
    /// None once it has failed.
    open: Option<Open>,
    verb: RunVerb,
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
    pub(crate) async fn begin(entry: &Entry, machines: &[Machine]) -> Self {
        let begun = Instant::now();
        let verb = entry.verb;
        let open = Open::begin(entry, machines).await.inspect_err(|error| tell(verb, error)).ok();
        let of = |machine: &Machine| Of { end: machine.end.to_string(), since: begun };
        Self { open, verb, begun, machines: machines.iter().map(of).collect() }
    }

    /// Something has happened. Only of a run it is kept what was printed.
    pub(crate) async fn event(&mut self, event: &Event) {
        match &event.what {
            What::Started => self.started(event.machine),
            What::Out(bytes) => self.printed(event.machine, false, bytes),
            What::Err(bytes) => self.printed(event.machine, true, bytes),
            What::Ended(outcome) => self.ended(event.machine, outcome),
        }
        if let Some(open) = &mut self.open
            && let Some(news) = open.recording.due()
            && let Err(error) = open.writer.keep(Change::RunWent(news)).await
        {
            tell(self.verb, &error);
            self.open = None;
        }
    }

    /// A machine's turn has come, and it was reached.
    pub(crate) fn started(&mut self, machine: usize) {
        if let Some(machine) = self.machines.get_mut(machine) {
            machine.since = Instant::now();
        }
    }

    /// It ended on a machine.
    pub(crate) fn ended(&mut self, machine: usize, outcome: &Outcome) {
        if let (Some(open), Some(Of { end, since })) = (&mut self.open, self.machines.get(machine)) {
            open.recording.ended(machine, RunEnding::of(outcome, end), since.elapsed());
        }
    }

    /// So much was copied, all in all.
    pub(crate) fn copied(&mut self, copied: Copied) {
        if let Some(open) = &mut self.open {
            open.recording.copied(copied);
        }
    }

    /// It is over; waits until that is on disk.
    pub(crate) async fn finish(self, cancelled: bool) {
        if let Some(Open { writer, recording }) = self.open {
            let news = recording.over(self.begun.elapsed(), cancelled);
            if let Err(error) = writer.keep(Change::RunWent(news)).await {
                tell(self.verb, &error);
            }
        }
    }

    fn printed(&mut self, machine: usize, is_error: bool, bytes: &[u8]) {
        if let Some(open) = self.open.as_mut().filter(|_| self.verb == RunVerb::Run) {
            open.recording.printed(machine, is_error, bytes);
        }
    }
}

impl Open {
    async fn begin(entry: &Entry, machines: &[Machine]) -> Result<Self, Arc<JournalError>> {
        let target =
            |machine: &Machine| RunTarget { name: machine.name.clone(), host: machine.end.host.clone() };
        let run = NewRun {
            verb: entry.verb,
            at: Timestamp::now(),
            by: entry.user.clone(),
            targets: entry.targets.clone(),
            command: entry.command.clone(),
            machines: machines.iter().map(target).collect(),
        };
        // What cannot be kept is told by who asks for it.
        let writer = Writer::start(Journal::open(entry.home.state())?, |_| {})?;
        let written = writer.keep(Change::RunBegan(run)).await?;
        Ok(Self { writer, recording: Recording::new(written.row, machines.len()) })
    }
}

fn tell(verb: RunVerb, error: &JournalError) {
    failure::say(format_args!("trunkline: this {} is not kept in the journal: {error}", verb.word()));
}
