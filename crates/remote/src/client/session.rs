//! A command that runs over a connection (RFC 4254 section 6).

use std::sync::Arc;

use bytes::Bytes;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection::{Connection, GOODBYE};
use super::words::capped;
use crate::channel::{self, STDERR};
use crate::command::{Command, Size};
use crate::outcome::{ConnectError, Outcome};
use crate::transport::{Input, Piece, Session, Signal};

/// A command that runs over SSH.
pub struct Running {
    connection: Connection,
    incoming: ChannelReadHalf,
    outgoing: Arc<ChannelWriteHalf<Msg>>,
    /// Came instead of the answer to our request: a server may be that quick.
    early: Option<ChannelMsg>,
    /// What the command said of its end; only the end of the channel is the end.
    outcome: Option<Outcome>,
    input: Option<StandardInput>,
    /// While it is there, something may be written.
    open: Option<DropGuard>,
}

/// The standard input of a command that runs over SSH. To drop it does not end the command's input; only
/// [`Input::end`] does, so that a task that is aborted is not taken for the end of a file.
pub struct StandardInput {
    outgoing: Arc<ChannelWriteHalf<Msg>>,
    over: CancellationToken,
}

impl Running {
    /// Starts a command, or a login shell.
    pub(super) async fn start(connection: Connection, command: &Command) -> Result<Self, ConnectError> {
        let (channel, early) = connection.start(command).await?;
        let (incoming, outgoing) = channel.split();
        let outgoing = Arc::new(outgoing);
        let over = CancellationToken::new();
        let input = Some(StandardInput { outgoing: Arc::clone(&outgoing), over: over.clone() });
        let open = Some(over.drop_guard());
        Ok(Self { connection, incoming, outgoing, early, outcome: None, input, open })
    }

    fn end(&mut self, lost: &str) -> Piece {
        self.open = None;
        Piece::End(self.outcome.take().unwrap_or_else(|| Outcome::Lost(lost.to_owned())))
    }

    /// Hands a request to the connection without waiting for it: that waits for its reader, who may be who calls this.
    fn request<F>(&self, make: impl FnOnce(Arc<ChannelWriteHalf<Msg>>) -> F)
    where
        F: Future<Output = Result<(), russh::Error>> + Send + 'static,
    {
        tokio::spawn(make(Arc::clone(&self.outgoing)));
    }
}

impl Session for Running {
    type Input = StandardInput;

    async fn next(&mut self) -> Piece {
        loop {
            let message = match self.early.take() {
                Some(message) => Some(message),
                None => self.incoming.wait().await,
            };
            match message {
                Some(ChannelMsg::Data { data }) => return Piece::Out(data),
                Some(ChannelMsg::ExtendedData { data, ext: STDERR }) => return Piece::Err(data),
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    self.outcome = Some(Outcome::Exit(exit_status));
                }
                Some(ChannelMsg::ExitSignal { signal_name, core_dumped: core, .. }) => {
                    self.outcome =
                        Some(Outcome::Signal { name: capped(channel::signal_name(&signal_name)), core });
                }
                Some(ChannelMsg::Close) => {
                    return self.end("it ended the channel, and did not say how the command ended");
                }
                None => return self.end(&self.connection.last_words.tell()),
                Some(_) => {}
            }
        }
    }

    fn input(&mut self) -> Option<StandardInput> {
        self.input.take()
    }

    async fn signal(&mut self, signal: Signal) {
        let signal = match signal {
            Signal::Interrupt => Sig::INT,
            Signal::Terminate => Sig::TERM,
            Signal::Kill => Sig::KILL,
            Signal::Hangup => Sig::HUP,
        };
        self.request(|outgoing| async move { outgoing.signal(signal).await });
    }

    async fn resize(&mut self, size: Size) {
        self.request(|outgoing| async move { outgoing.window_change(size.columns, size.rows, 0, 0).await });
    }

    async fn close(mut self) {
        // A connection that waits for its reader hears nothing.
        drop(self.incoming);
        let goodbye = async {
            let _ = self.outgoing.close().await;
            self.connection.end(self.open.is_some()).await;
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

impl Input for StandardInput {
    async fn write(&mut self, bytes: Bytes) -> bool {
        // russh waits for room in a channel also when there is no channel any more.
        tokio::select! {
            biased;
            () = self.over.cancelled() => false,
            sent = self.outgoing.data_bytes(bytes) => sent.is_ok(),
        }
    }

    async fn end(self) {
        tokio::select! {
            () = self.over.cancelled() => {}
            _ = self.outgoing.eof() => {}
        }
    }
}
