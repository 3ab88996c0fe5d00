//! A connection on which somebody has logged in.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelOpenFailure, Disconnect, Pty};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::handler::Handler;
use super::line::HearOut;
use super::tunnel;
use super::words::{LastWords, not_opened};
use crate::command::Command;
use crate::dial::Stream;
use crate::machine::Hop;
use crate::outcome::ConnectError;

/// How long a server may take to hear our goodbye.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);

/// A connection to a machine, or to one on the way, with its user logged in. Dropped, it is gone at once, and whatever ran
/// over it.
pub struct Connection {
    pub(super) hop: Hop,
    pub(super) handle: Handle<Handler>,
    pub(super) last_words: LastWords,
    pub(super) hear_out: HearOut,
    /// Ends russh's task, wherever it is.
    pub(super) _cut: DropGuard,
    /// What it runs over must stay.
    pub(super) _through: Option<Arc<Self>>,
}

impl Connection {
    /// Starts a subsystem (RFC 4254 section 6.5), such as `sftp`, and gives its stream. It lives as long as the connection.
    ///
    /// # Errors
    /// When the machine does not have it.
    pub async fn subsystem(&self, name: &str) -> Result<Box<dyn Stream>, ConnectError> {
        let mut channel = self.session().await?;
        let asked = channel.request_subsystem(true, name).await;
        asked.map_err(|_| self.refused_by_loss())?;
        match self.answer(&mut channel).await? {
            None => Ok(Box::new(channel.into_stream())),
            Some(_) => {
                Err(ConnectError::Refused(format!("it answers out of turn to the request for {name}")))
            }
        }
    }

    /// Starts a command. With it comes a message that was there before the answer to the request, if any.
    pub(super) async fn start(
        &self,
        command: &Command,
    ) -> Result<(Channel<Msg>, Option<ChannelMsg>), ConnectError> {
        let mut channel = self.session().await?;
        self.request(&channel, command).await.map_err(|_| self.refused_by_loss())?;
        if command.terminal.is_some() {
            let answer = self.answer(&mut channel).await;
            answer.map_err(|_| ConnectError::Refused("it gives no terminal".to_owned()))?;
        }
        let early = self.answer(&mut channel).await?;
        Ok((channel, early))
    }

    /// Sends everything at once: on a long way each answer would be waited for.
    async fn request(&self, channel: &Channel<Msg>, command: &Command) -> Result<(), russh::Error> {
        for (name, value) in self.hop.settings.env.iter().chain(&command.env) {
            channel.set_env(false, name, value).await?;
        }
        if let Some(terminal) = &command.terminal {
            let size = terminal.size;
            let mode = |&(opcode, value): &(u8, u32)| Some((Pty::from_u8(opcode)?, value));
            let modes: Vec<_> = terminal.modes.iter().filter_map(mode).collect();
            channel.request_pty(true, &terminal.name, size.columns, size.rows, 0, 0, &modes).await?;
        }
        if command.line.is_empty() {
            channel.request_shell(true).await
        } else {
            channel.exec(true, command.line.clone()).await
        }
    }

    /// Waits for the answer to a request. Some servers are quicker with what the command says; then that is the answer.
    async fn answer(&self, channel: &mut Channel<Msg>) -> Result<Option<ChannelMsg>, ConnectError> {
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => return Ok(None),
                Some(ChannelMsg::Failure) => {
                    return Err(ConnectError::Refused("it is not allowed there".to_owned()));
                }
                Some(ChannelMsg::WindowAdjusted { .. }) => {}
                Some(ChannelMsg::Close) => {
                    return Err(ConnectError::Refused("it closed the channel".to_owned()));
                }
                None => return Err(self.refused_by_loss()),
                early => return Ok(early),
            }
        }
    }

    async fn session(&self) -> Result<Channel<Msg>, ConnectError> {
        self.handle.channel_open_session().await.map_err(|error| match error {
            russh::Error::ChannelOpenFailure(reason) => ConnectError::Refused(not_opened(&reason)),
            _ => self.refused_by_loss(),
        })
    }

    /// A stream to another machine, by way of this one.
    pub(super) async fn tunnel(&self, to: &Hop, cut: CancellationToken) -> io::Result<Box<dyn Stream>> {
        // sshd logs the originator, and nobody looks at it otherwise.
        let opened = self.handle.channel_open_direct_tcpip(&to.host, to.port.into(), "127.0.0.1", 0).await;
        match opened {
            Ok(channel) => Ok(Box::new(tunnel::with_room(channel.into_stream(), cut))),
            Err(russh::Error::ChannelOpenFailure(reason)) => {
                let kind = match reason {
                    ChannelOpenFailure::ConnectFailed => io::ErrorKind::ConnectionRefused,
                    _ => io::ErrorKind::PermissionDenied,
                };
                Err(io::Error::new(
                    kind,
                    format!("{} did not connect to it: {}", self.hop, not_opened(&reason)),
                ))
            }
            Err(_) => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                format!("{} is lost: {}", self.hop, self.last_words.tell()),
            )),
        }
    }

    /// Whether the other end, or somebody between, has ended it.
    pub(super) fn is_lost(&self) -> bool {
        self.handle.is_closed()
    }

    /// Says goodbye, and waits until it is said; to a server that may be talking just then, until it has hung up. The limit is
    /// the caller's, usually [`GOODBYE`].
    pub(crate) async fn end(&mut self, is_talking: bool) {
        if is_talking {
            self.hear_out.set();
        }
        if self.handle.disconnect(Disconnect::ByApplication, "", "").await.is_ok() {
            let _ = (&mut self.handle).await;
        }
    }

    fn refused_by_loss(&self) -> ConnectError {
        ConnectError::Refused(self.last_words.tell())
    }
}
