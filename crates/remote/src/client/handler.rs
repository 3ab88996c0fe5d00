//! What russh asks and tells of one connection.

use std::io;
use std::sync::{Arc, OnceLock};

use russh::client::{ChannelOpenHandle, DisconnectReason, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, client};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::words::{LastWords, capped};
use crate::ask::Answers;
use crate::known_hosts::{Admission, KnownHosts, Refusal};
use crate::machine::Hop;

/// Bytes of banners that one server may have shown: a few screens. Nothing else keeps it from sending them for as long as
/// logging in may take.
const MAX_BANNER: usize = 16 * 1024;

/// Watches over a connection.
pub(super) struct Handler {
    pub(super) hop: Hop,
    pub(super) answers: Arc<dyn Answers>,
    pub(super) known_hosts: Arc<KnownHosts>,
    pub(super) admission: Arc<OnceLock<Admission>>,
    pub(super) last_words: LastWords,
    pub(super) cut: CancellationToken,
    pub(super) banners: Banners,
}

/// The bytes of banners that may still be shown.
pub(super) struct Banners(usize);

/// Why russh ends a connection.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error(transparent)]
    HostKey(#[from] Refusal),
    #[error("{}", capped(&.0.to_string()))]
    Russh(#[from] russh::Error),
}

impl client::Handler for Handler {
    type Error = Failure;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Failure> {
        let admission = tokio::select! {
            admission = self.known_hosts.admit(&self.hop, shown, &*self.answers) => admission?,
            // A person may think for long after nobody wants this connection any more.
            () = self.cut.cancelled() => return Ok(false),
        };
        Ok(self.admission.set(admission).is_ok())
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut Session) -> Result<(), Failure> {
        if let Some(shown) = self.banners.take(banner) {
            self.answers.banner(&self.hop, shown);
        }
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Failure>) -> Result<(), Failure> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                self.last_words.hear(format!("it said: {}", capped(&info.message)));
            }
            // Its answer was that it takes nothing more.
            DisconnectReason::Error(Failure::Russh(russh::Error::NoAuthMethod)) => {}
            DisconnectReason::Error(failure) => self.last_words.hear(in_words(&failure)),
        }
        Ok(())
    }

    // Nothing of ours may be reached from there: a channel whose reply is dropped is refused.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }
}

impl Default for Banners {
    fn default() -> Self {
        Self(MAX_BANNER)
    }
}

impl Banners {
    /// As much of a banner as may be shown.
    fn take<'a>(&mut self, banner: &'a str) -> Option<&'a str> {
        let shown = &banner[..banner.floor_char_boundary(self.0)];
        self.0 -= shown.len();
        Some(shown).filter(|shown| !shown.is_empty())
    }
}

/// russh's names for the ends of a connection, as a person would tell them.
pub(super) fn in_words(failure: &Failure) -> String {
    match failure {
        Failure::Russh(russh::Error::KeepaliveTimeout) => {
            "it answers no more (ServerAliveInterval)".to_owned()
        }
        Failure::Russh(russh::Error::HUP | russh::Error::Disconnect) => "it closed the connection".to_owned(),
        // Which of them comes when a server is killed depends on what was on its way: for a person it is one end.
        Failure::Russh(russh::Error::IO(error)) if is_hang_up(error.kind()) => {
            "it closed the connection".to_owned()
        }
        other => other.to_string(),
    }
}

fn is_hang_up(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_killed_is_told_in_one_way_whatever_was_on_its_way() {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        let ends = [UnexpectedEof, ConnectionReset, BrokenPipe].map(|kind| russh::Error::IO(kind.into()));
        for end in ends.into_iter().chain([russh::Error::HUP]) {
            assert_eq!(in_words(&Failure::Russh(end)), "it closed the connection");
        }
        let other = Failure::Russh(russh::Error::IO(io::ErrorKind::TimedOut.into()));
        assert_ne!(in_words(&other), "it closed the connection");
    }

    #[test]
    fn a_server_that_sends_banners_without_end_has_a_few_screens_shown() {
        let mut banners = Banners::default();
        let shown: usize = (0..10_000).filter_map(|_| banners.take("老师\n")).map(str::len).sum();
        assert!(shown <= MAX_BANNER && shown > MAX_BANNER - 4, "{shown}");
    }
}
