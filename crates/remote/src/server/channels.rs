//! The channels of a connection: what each waits for, and what runs in it.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use russh::server::{Handle, Msg};
use russh::{ChannelId, ChannelWriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::access::Grant;
use super::event::{Event, Exit, What};
use super::input::{Input, InputError};
use super::process::{self, Job, Origin};
use super::session::{self, Counters};
use super::terminal::Terminal;
use super::{Line, sftp};

/// A forced command of this name is the SFTP server in here; sshd_config(5) has the same.
const INTERNAL_SFTP: &str = "internal-sftp";

/// Signals that may wait for a command: more are dropped, as the kernel does with those that are pending already.
const SIGNALS_WAITING: usize = 8;

/// The channels of a connection, and what it takes to run something in them.
pub(super) struct Channels {
    line: Arc<Line>,
    stages: HashMap<ChannelId, Stage>,
    /// Cancelled when the connection is gone, and this with it.
    over: CancellationToken,
    _over: DropGuard,
}

/// How far a channel has come.
enum Stage {
    /// It is open, and the client says what it wants.
    Opened(Opened),
    /// Something runs.
    Running(Running),
}

/// A channel in which nothing runs yet.
pub(super) struct Opened {
    channel: ChannelWriteHalf<Msg>,
    pub(super) env: Vec<(String, String)>,
    pub(super) terminal: Option<Terminal>,
}

/// A channel in which something runs.
pub(super) struct Running {
    pub(super) input: Input,
    pub(super) signals: mpsc::Sender<rustix::process::Signal>,
    /// Our end of its terminal.
    pub(super) terminal: Option<OwnedFd>,
    over: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

/// What a session is asked for.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    Shell,
    Exec(&'a [u8]),
    Sftp,
}

impl Channels {
    /// None yet; they end when `over` is cancelled.
    pub(super) fn new(line: Arc<Line>, over: CancellationToken) -> Self {
        Self { line, stages: HashMap::new(), _over: over.clone().drop_guard(), over }
    }

    /// One more channel.
    pub(super) fn open(&mut self, channel: ChannelWriteHalf<Msg>) {
        let opened = Opened { channel, env: Vec::new(), terminal: None };
        self.stages.insert(opened.channel.id(), Stage::Opened(opened));
    }

    /// The client has closed it.
    pub(super) fn close(&mut self, id: ChannelId) {
        match self.stages.get(&id) {
            // It counts until what ran in it is gone.
            Some(Stage::Running(running)) => running.over.cancel(),
            _ => drop(self.stages.remove(&id)),
        }
    }

    /// Takes input for what runs in a channel. What cannot be taken ends the channel.
    ///
    /// Input past the limit may make the connection wait while no other channel does: a slow disk at the end of a large
    /// copy is no reason to end it. Whoever takes nothing at all is ended all the same.
    pub(super) async fn push(&self, id: ChannelId, bytes: &[u8]) {
        let Some(running) = self.running(id) else { return };
        let stalled = self.line.server.config.limits.input_stalled;
        loop {
            match running.input.push(bytes) {
                Err(InputError::Full(_))
                    if self.is_alone() && Box::pin(running.takes_input(stalled)).await => {}
                Err(error) => {
                    running.input.fail(&error);
                    running.over.cancel();
                    return;
                }
                Ok(()) => return,
            }
        }
    }

    /// Starts what a channel is for. `false`: it may not, or could not be started.
    pub(super) async fn start(
        &mut self,
        id: ChannelId,
        asked: Asked<'_>,
        grant: &Grant,
        handle: Handle,
    ) -> bool {
        if self.opened(id).is_none() {
            return false;
        }
        let Some(Stage::Opened(opened)) = self.stages.remove(&id) else { return false };
        let (what, job) = match self.job(asked, grant, &opened).await {
            Ok(started) => started,
            Err(error) => {
                (self.line.report)(Event::NotStarted { session: id.number(), error: error.to_string() });
                self.stages.insert(id, Stage::Opened(opened));
                return false;
            }
        };
        let terminal = job.process.as_ref().and_then(process::Process::terminal);
        let grace = self.line.server.config.limits.hangup_grace;
        self.run(opened.channel, what, terminal, handle, move |ends| session::run(job, ends, grace));
        true
    }

    async fn job(&self, asked: Asked<'_>, grant: &Grant, opened: &Opened) -> std::io::Result<(What, Job)> {
        let config = &self.line.server.config;
        let terminal = opened.terminal.as_ref();
        let mut origin = Origin {
            account: &config.account,
            peer: self.line.peer,
            local: self.line.local,
            env: &opened.env,
            asked: None,
        };
        let home = config.account.home.clone();
        let serve_files =
            move || session::on_thread("sftp", move |input, output| sftp::serve(input, output, &home));
        match (grant.command.as_deref(), asked) {
            (Some(INTERNAL_SFTP), _) | (None, Asked::Sftp) => Ok((What::Sftp, serve_files()?)),
            (Some(forced), asked) => {
                let asked = match asked {
                    Asked::Shell => None,
                    Asked::Exec(command) => Some(command),
                    Asked::Sftp => Some(INTERNAL_SFTP.as_bytes()),
                };
                origin.asked = asked;
                let what =
                    What::Forced { command: forced.to_owned(), asked: asked.unwrap_or_default().to_vec() };
                Ok((what, process::start(Some(forced.as_bytes()), &origin, terminal).await?))
            }
            (None, Asked::Shell) => {
                let what = What::Shell { terminal: terminal.is_some() };
                Ok((what, process::start(None, &origin, terminal).await?))
            }
            (None, Asked::Exec(command)) => {
                let what = What::Exec { command: command.to_vec(), terminal: terminal.is_some() };
                Ok((what, process::start(Some(command), &origin, terminal).await?))
            }
        }
    }

    /// Does the work of a channel in a task of its own.
    pub(super) fn run<W: Future<Output = Exit> + Send + 'static>(
        &mut self,
        channel: ChannelWriteHalf<Msg>,
        what: What,
        terminal: Option<OwnedFd>,
        handle: Handle,
        work: impl FnOnce(session::Line) -> W,
    ) {
        let id = channel.id();
        let config = &self.line.server.config;
        let input = Input::new(&config.limits, self.line.budget.clone(), config.folder.clone());
        let (signals, waiting) = mpsc::channel(SIGNALS_WAITING);
        let over = self.over.child_token();
        let ends = session::Line {
            channel,
            handle,
            input: input.clone(),
            counters: Arc::new(Counters::default()),
            signals: waiting,
            over: over.clone(),
        };
        let counters = ends.counters.clone();
        // Boxed, since a task has room for it twice otherwise: where it comes from, and where it runs.
        let work = Box::pin(work(ends));
        let task = tell_and_do(self.line.clone(), id.number(), what, counters, work);
        let task = self.line.sessions.spawn(task);
        self.stages.insert(id, Stage::Running(Running { input, signals, terminal, over, task }));
    }

    pub(super) fn opened(&mut self, id: ChannelId) -> Option<&mut Opened> {
        match self.stages.get_mut(&id) {
            Some(Stage::Opened(opened)) => Some(opened),
            _ => None,
        }
    }

    pub(super) fn running(&self, id: ChannelId) -> Option<&Running> {
        match self.stages.get(&id) {
            Some(Stage::Running(running)) => Some(running),
            _ => None,
        }
    }

    /// Whether one more channel may be opened.
    pub(super) fn has_room(&mut self) -> bool {
        self.stages.retain(|_, stage| !stage.is_over());
        self.stages.len() < self.line.server.config.limits.max_channels
    }

    /// Whether no more than one channel is there.
    fn is_alone(&self) -> bool {
        self.stages.values().filter(|stage| !stage.is_over()).count() <= 1
    }
}

impl Stage {
    fn is_over(&self) -> bool {
        matches!(self, Self::Running(running) if running.task.is_finished())
    }
}

impl Running {
    /// Waits until some of the waiting input is taken. `false`: none is.
    async fn takes_input(&self, within: Duration) -> bool {
        tokio::select! {
            taken = tokio::time::timeout(within, self.input.taken()) => taken.is_ok(),
            () = self.over.cancelled() => false,
        }
    }
}

async fn tell_and_do(
    line: Arc<Line>,
    number: u32,
    what: What,
    counters: Arc<Counters>,
    work: impl Future<Output = Exit>,
) {
    let since = Instant::now();
    line.in_list(|entry| drop(entry.sessions.insert(number, what.clone())));
    (line.report)(Event::Started { session: number, what });
    let exit = match (work.await, line.put_out.get()) {
        (Exit::HungUp, Some(why)) => Exit::PutOut(why.clone()),
        (exit, _) => exit,
    };
    line.in_list(|entry| drop(entry.sessions.remove(&number)));
    let (received, sent) = counters.both();
    (line.report)(Event::Ended { session: number, exit, received, sent, took: since.elapsed() });
}
