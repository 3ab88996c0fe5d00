//! What the client asks for, and what it is answered. The protocol's library calls this, one message at a time.
//!
//! Nothing here waits for a command: whoever is slow has a task of his own. Channels' receiving halves are dropped when
//! they open, and bytes are taken where they are reported, since otherwise the library makes the whole connection wait for
//! a channel whose bytes nobody takes.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use russh::keys::{Algorithm, Certificate};
use russh::server::{
    Auth, ChannelOpenHandle, Handler as Protocol, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, ChannelWriteHalf, Error, Pty, Sig};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::access::{Credential, Grant, Login, Refusal};
use super::event::{Event, Exit, What};
use super::input::Input;
use super::process::{self, Job, Origin};
use super::session::{self, Counters};
use super::terminal::{self, Terminal};
use super::{Line, forward, limits, sftp};

/// The name of the SFTP subsystem, and of a forced command that stands for it.
const SFTP: &str = "sftp";
const INTERNAL_SFTP: &str = "internal-sftp";

/// Signals that may wait for a command: more are dropped, as the kernel does with those that are pending already.
const SIGNALS_WAITING: usize = 8;

pub(super) struct Handler {
    line: Arc<Line>,
    /// What whoever is logged in may do.
    grant: Option<Arc<Grant>>,
    /// As whom the grant was given, and with which key, until it is told.
    credential: Option<(String, String)>,
    offers: usize,
    login: Option<oneshot::Sender<Option<Timestamp>>>,
    channels: HashMap<ChannelId, Stage>,
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

struct Opened {
    channel: ChannelWriteHalf<Msg>,
    env: Vec<(String, String)>,
    terminal: Option<Terminal>,
}

struct Running {
    input: Input,
    signals: mpsc::Sender<rustix::process::Signal>,
    /// Our end of its terminal.
    terminal: Option<OwnedFd>,
    over: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Handler {
    pub(super) fn new(line: Line, login: oneshot::Sender<Option<Timestamp>>) -> Self {
        let over = CancellationToken::new();
        Self {
            line: Arc::new(line),
            grant: None,
            credential: None,
            offers: 0,
            login: Some(login),
            channels: HashMap::new(),
            _over: over.clone().drop_guard(),
            over,
        }
    }

    /// Decides on a key or a certificate.
    async fn judge(&self, user: &str, credential: Credential) -> Result<Grant, Refusal> {
        let server = &self.line.server;
        let account = &server.config.account;
        if user != account.name {
            return Err(Refusal::User(account.name.clone()));
        }
        if account.uid == 0 && !server.config.allow_root {
            return Err(Refusal::Root);
        }
        let address = self.line.peer.ip();
        server.access.judge(Login { user: user.to_owned(), credential, address, now: Timestamp::now() }).await
    }

    fn refuse(&self, user: &str, fingerprint: String, reason: Refusal) -> Auth {
        (self.line.report)(Event::Refused { user: user.to_owned(), fingerprint, reason });
        Auth::reject()
    }

    async fn admit(&mut self, user: &str, credential: Credential) -> Auth {
        let fingerprint = credential.fingerprint();
        match self.judge(user, credential).await {
            Ok(grant) => {
                self.grant = Some(Arc::new(grant));
                self.credential = Some((user.to_owned(), fingerprint));
                Auth::Accept
            }
            Err(reason) => self.refuse(user, fingerprint, reason),
        }
    }

    /// Starts what a channel is for. `false`: it may not, or could not be started.
    fn start(&mut self, id: ChannelId, asked: Asked<'_>, session: &Session) -> bool {
        let Some(grant) = self.grant.clone() else { return false };
        let Some(Stage::Opened(opened)) = self.channels.remove(&id) else { return false };
        let (what, job) = match self.job(asked, &grant, &opened) {
            Ok(started) => started,
            Err(error) => {
                (self.line.report)(Event::NotStarted { session: id.number(), error: error.to_string() });
                self.channels.insert(id, Stage::Opened(opened));
                return false;
            }
        };
        let terminal = job.process.as_ref().and_then(process::Process::terminal);
        let grace = self.line.server.config.limits.hangup_grace;
        self.run(opened.channel, what, terminal, session, move |ends| session::run(job, ends, grace));
        true
    }

    fn job(&self, asked: Asked<'_>, grant: &Grant, opened: &Opened) -> std::io::Result<(What, Job)> {
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
            move || session::on_thread(SFTP, move |input, output| sftp::serve(input, output, &home));
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
                Ok((what, process::start(Some(forced.as_bytes()), &origin, terminal)?))
            }
            (None, Asked::Shell) => {
                let what = What::Shell { terminal: terminal.is_some() };
                Ok((what, process::start(None, &origin, terminal)?))
            }
            (None, Asked::Exec(command)) => {
                let what = What::Exec { command: command.to_vec(), terminal: terminal.is_some() };
                Ok((what, process::start(Some(command), &origin, terminal)?))
            }
        }
    }

    /// Does the work of a channel in a task of its own.
    fn run<W: Future<Output = Exit> + Send + 'static>(
        &mut self,
        channel: ChannelWriteHalf<Msg>,
        what: What,
        terminal: Option<OwnedFd>,
        session: &Session,
        work: impl FnOnce(session::Line) -> W,
    ) {
        let id = channel.id();
        let config = &self.line.server.config;
        let input = Input::new(&config.limits, config.folder.clone());
        let (signals, waiting) = mpsc::channel(SIGNALS_WAITING);
        let over = self.over.child_token();
        let ends = session::Line {
            channel,
            handle: session.handle(),
            input: input.clone(),
            counters: Arc::new(Counters::default()),
            signals: waiting,
            over: over.clone(),
        };
        let counters = ends.counters.clone();
        let task = tell_and_do(self.line.clone(), id.number(), what, counters, work(ends));
        let task = self.line.sessions.spawn(task);
        self.channels.insert(id, Stage::Running(Running { input, signals, terminal, over, task }));
    }

    fn opened(&mut self, id: ChannelId) -> Option<&mut Opened> {
        match self.channels.get_mut(&id) {
            Some(Stage::Opened(opened)) => Some(opened),
            _ => None,
        }
    }

    fn running(&self, id: ChannelId) -> Option<&Running> {
        match self.channels.get(&id) {
            Some(Stage::Running(running)) => Some(running),
            _ => None,
        }
    }

    /// Whether one more channel may be opened. Those that ended from this side are forgotten here.
    fn has_room(&mut self) -> bool {
        self.channels
            .retain(|_, stage| !matches!(stage, Stage::Running(running) if running.task.is_finished()));
        self.channels.len() < self.line.server.config.limits.max_channels
    }
}

/// What a session is asked for.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Shell,
    Exec(&'a [u8]),
    Sftp,
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
    let exit = work.await;
    line.in_list(|entry| drop(entry.sessions.remove(&number)));
    let (received, sent) = counters.both();
    (line.report)(Event::Ended { session: number, exit, received, sent, took: since.elapsed() });
}

fn answer(session: &mut Session, channel: ChannelId, good: bool) -> Result<(), Error> {
    if good { session.channel_success(channel) } else { session.channel_failure(channel) }
}

impl Protocol for Handler {
    type Error = Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Error> {
        let credential = Credential::Key(offer.public_key.clone());
        let fingerprint = credential.fingerprint();
        self.offers += 1;
        let max = self.line.server.config.limits.max_offers;
        if self.offers > max {
            self.refuse(user, fingerprint, Refusal::Offers(max));
            return Err(Error::Disconnect);
        }
        if *offer.algorithm == (Algorithm::Rsa { hash: None }) {
            return Ok(self.refuse(user, fingerprint, Refusal::Algorithm));
        }
        match self.judge(user, credential).await {
            Ok(_) => Ok(Auth::Accept),
            Err(Refusal::Unknown) if self.line.server.access.takes_certificates().await => Ok(Auth::Accept),
            Err(reason) => Ok(self.refuse(user, fingerprint, reason)),
        }
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Error> {
        Ok(self.admit(user, Credential::Key(key.public_key.clone())).await)
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Result<Auth, Error> {
        Ok(self.admit(user, Credential::Certificate(Box::new(certificate.clone()))).await)
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), Error> {
        let (Some(grant), Some((user, fingerprint))) = (&self.grant, self.credential.take()) else {
            return Err(Error::Inconsistent);
        };
        let key = grant.label.clone();
        self.line.in_list(|entry| entry.key = Some(key.clone()));
        (self.line.report)(Event::LoggedIn { user, key, fingerprint });
        if let Some(login) = self.login.take() {
            // Who waits for it may have ended the connection already.
            let _ = login.send(grant.until);
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Error> {
        if !self.has_room() {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        let id = channel.id();
        let (_, channel) = channel.split();
        self.channels.insert(id, Stage::Opened(Opened { channel, env: Vec::new(), terminal: None }));
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), Error> {
        let dial = self.line.server.config.dial.clone();
        let port = u16::try_from(port).unwrap_or(0);
        let permitted = self.grant.as_ref().is_some_and(|grant| grant.forwarding.permits(host, port));
        let Some(dial) = dial.filter(|_| permitted) else {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        };
        if !self.has_room() {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        let (_, channel) = channel.split();
        let what = What::Forward { host: host.to_owned(), port };
        let host = host.to_owned();
        self.run(channel, what, None, session, |ends| forward::run(dial, host, port, reply, ends));
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Error> {
        if let Some(Stage::Running(running)) = self.channels.remove(&channel) {
            running.over.cancel();
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Error> {
        if let Some(running) = self.running(channel) {
            running.input.end();
        }
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Error> {
        let Some(running) = self.running(channel) else { return Ok(()) };
        if let Err(error) = running.input.push(data) {
            running.over.cancel();
            session.extended_data(channel, 1, format!("trunkline: {error}\r\n").into_bytes())?;
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Error> {
        let allowed = self.grant.as_ref().is_some_and(|grant| grant.pty);
        let terminal = Terminal::new(name, terminal::size(columns, rows, width, height), modes);
        let good = match (self.opened(channel), terminal) {
            (Some(opened), Some(terminal)) if allowed => {
                opened.terminal = Some(terminal);
                true
            }
            _ => false,
        };
        answer(session, channel, good)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Error> {
        let good = limits::env_is_allowed(name)
            && value.len() <= limits::MAX_ENV_VALUE
            && !name.contains(['=', '\0'])
            && !value.contains('\0');
        let set = match self.opened(channel) {
            Some(opened) if good && opened.env.len() < limits::MAX_ENV => {
                opened.env.push((name.to_owned(), value.to_owned()));
                true
            }
            _ => false,
        };
        answer(session, channel, set)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Error> {
        let started = self.start(channel, Asked::Shell, session);
        answer(session, channel, started)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Error> {
        let good = command.len() <= limits::MAX_COMMAND && !command.contains(&0);
        let started = good && self.start(channel, Asked::Exec(command), session);
        answer(session, channel, started)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Error> {
        let started = name == SFTP && self.start(channel, Asked::Sftp, session);
        answer(session, channel, started)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        session: &mut Session,
    ) -> Result<(), Error> {
        let terminal = self.running(channel).and_then(|running| running.terminal.as_ref());
        if let Some(terminal) = terminal {
            terminal::resize(terminal, terminal::size(columns, rows, width, height));
        }
        let good = terminal.is_some();
        answer(session, channel, good)
    }

    async fn signal(&mut self, channel: ChannelId, signal: Sig, session: &mut Session) -> Result<(), Error> {
        let sent = match (self.running(channel), session::signal_meant(&signal)) {
            (Some(running), Some(signal)) => running.signals.try_send(signal).is_ok(),
            _ => false,
        };
        answer(session, channel, sent)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        session: &mut Session,
    ) -> Result<(), Error> {
        answer(session, channel, false)
    }
}
