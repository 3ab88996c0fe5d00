//! What the client asks for, and what it is answered. The protocol's library calls this, one message at a time.
//!
//! Whoever is slow has a task of his own, and nothing here waits for him; the exceptions are [`Channels::push`] and a
//! command until it has started. The receiving halves of channels are dropped when they open, and bytes are taken where they
//! are reported, since otherwise the library makes the whole connection wait for a channel whose bytes nobody takes.

use std::sync::Arc;

use jiff::Timestamp;
use russh::keys::{Algorithm, Certificate};
use russh::server::{
    Auth, ChannelOpenHandle, Handle, Handler as Protocol, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Error, Pty, Sig};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::access::{Credential, Grant, Login, Refusal};
use super::channels::{Asked, Channels};
use super::event::{Event, Key, What};
use super::terminal::{self, Terminal};
use super::{Line, forward, limits, session};

/// The name of the SFTP subsystem.
const SFTP: &str = "sftp";

/// The library keeps room for this four times over as long as the connection lasts, and twice for the future of each of its
/// functions. So what is large is boxed.
pub(super) struct Handler {
    line: Arc<Line>,
    /// What whoever is logged in may do.
    grant: Option<Arc<Grant>>,
    /// As whom the grant was given, and with which key, until it is told.
    credential: Option<Box<(String, Key)>>,
    offers: usize,
    refused: usize,
    login: Option<oneshot::Sender<Option<Timestamp>>>,
    channels: Box<Channels>,
}

impl Handler {
    /// Sends on `login` when somebody is in, and until when; what runs ends when `over` is cancelled.
    pub(super) fn new(
        line: Line,
        login: oneshot::Sender<Option<Timestamp>>,
        over: CancellationToken,
    ) -> Self {
        let line = Arc::new(line);
        Self {
            channels: Box::new(Channels::new(line.clone(), over)),
            line,
            grant: None,
            credential: None,
            offers: 0,
            refused: 0,
            login: Some(login),
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

    /// Starts what a channel is for. `false`: it may not, or could not be started.
    async fn start(&mut self, id: ChannelId, asked: Asked<'_>, handle: Handle) -> bool {
        let Some(grant) = self.grant.clone() else { return false };
        Box::pin(self.channels.start(id, asked, &grant, handle)).await
    }

    /// The library counts a client's first question, which is without a key, as a try, and most clients ask it. One that does
    /// not has no more tries than the others.
    fn may_try(&self) -> Result<(), Error> {
        let max = self.line.server.config.limits.max_tries;
        if self.refused < max { Ok(()) } else { Err(Error::Disconnect) }
    }

    fn refuse(&mut self, user: &str, fingerprint: String, reason: Refusal) -> Auth {
        let user = user[..user.floor_char_boundary(limits::MAX_USER)].to_owned();
        self.refused += 1;
        (self.line.report)(Event::Refused { user, fingerprint, reason });
        Auth::reject()
    }

    /// Tells whether a key would be let in.
    async fn offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Error> {
        self.may_try()?;
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

    async fn admit(&mut self, user: &str, credential: Credential) -> Auth {
        let (fingerprint, authority) = (credential.fingerprint(), credential.authority());
        match self.judge(user, credential).await {
            Ok(grant) => {
                let key = Key { label: grant.label.clone(), fingerprint, authority };
                self.grant = Some(Arc::new(grant));
                self.credential = Some(Box::new((user.to_owned(), key)));
                Auth::Accept
            }
            Err(reason) => self.refuse(user, fingerprint, reason),
        }
    }
}

fn answer(session: &mut Session, channel: ChannelId, good: bool) -> Result<(), Error> {
    if good { session.channel_success(channel) } else { session.channel_failure(channel) }
}

impl Protocol for Handler {
    type Error = Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Error> {
        Box::pin(self.offered(user, offer)).await
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Error> {
        self.may_try()?;
        Ok(Box::pin(self.admit(user, Credential::Key(key.public_key.clone()))).await)
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Result<Auth, Error> {
        self.may_try()?;
        Ok(Box::pin(self.admit(user, Credential::Certificate(Box::new(certificate.clone())))).await)
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), Error> {
        let (Some(grant), Some(credential)) = (&self.grant, self.credential.take()) else {
            return Err(Error::Inconsistent);
        };
        let (user, key) = *credential;
        self.line.in_list(|entry| entry.key = Some(key.clone()));
        (self.line.report)(Event::LoggedIn { id: self.line.id, user, key });
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
        if !self.channels.has_room() {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        let (_, channel) = channel.split();
        self.channels.open(channel);
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
        if !self.channels.has_room() {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        let (_, channel) = channel.split();
        let what = What::Forward { host: host.to_owned(), port };
        let host = host.to_owned();
        self.channels
            .run(channel, what, None, session.handle(), |ends| forward::run(dial, host, port, reply, ends));
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Error> {
        self.channels.close(channel);
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), Error> {
        if let Some(running) = self.channels.running(channel) {
            running.input.end();
        }
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _: &mut Session) -> Result<(), Error> {
        self.channels.push(channel, data).await;
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
        let good = match (self.channels.opened(channel), terminal) {
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
        let set = match self.channels.opened(channel) {
            Some(opened) if good && opened.env.len() < limits::MAX_ENV => {
                opened.env.push((name.to_owned(), value.to_owned()));
                true
            }
            _ => false,
        };
        answer(session, channel, set)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Error> {
        let started = self.start(channel, Asked::Shell, session.handle()).await;
        answer(session, channel, started)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Error> {
        let good = command.len() <= limits::MAX_COMMAND && !command.contains(&0);
        let started = good && self.start(channel, Asked::Exec(command), session.handle()).await;
        answer(session, channel, started)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Error> {
        let started = name == SFTP && self.start(channel, Asked::Sftp, session.handle()).await;
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
        let terminal = self.channels.running(channel).and_then(|running| running.terminal.as_ref());
        if let Some(terminal) = terminal {
            terminal::resize(terminal, terminal::size(columns, rows, width, height));
        }
        let good = terminal.is_some();
        answer(session, channel, good)
    }

    async fn signal(&mut self, channel: ChannelId, signal: Sig, session: &mut Session) -> Result<(), Error> {
        let sent = match (self.channels.running(channel), session::signal_meant(&signal)) {
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
