//! The running node, from another process.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures_util::{SinkExt as _, StreamExt as _};
use node::WatchError;
use node::face::{Numbered, Refused, Reply, Request, Snapshot};
use node::home::Home;
use rustix::process::geteuid;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::wire::{Question, Said};
use crate::failure::Failure;
use crate::json;

/// How long a node may take to greet. It takes milliseconds; one that was stopped (SIGSTOP) takes for ever.
pub(super) const GREETING: Duration = Duration::from_secs(5);

/// A line to the running node.
#[derive(Debug)]
pub(crate) struct Client {
    line: WebSocketStream<UnixStream>,
    snapshot: Snapshot,
    /// What has happened while an answer was waited for. The node is of this user, and the wait short.
    kept: VecDeque<Said>,
    last_question: u64,
}

impl Client {
    /// Calls the node of this home; none where no node runs.
    pub(crate) async fn connect(home: &Home) -> Result<Option<Self>, Failure> {
        let path = home.control_socket().map_err(Failure::usage)?;
        let stream = match UnixStream::connect(&path).await {
            Ok(stream) => stream,
            Err(error) if is_nobody_there(&error) => return Ok(None),
            Err(error) => return Err(talking(&path, error)),
        };
        let who = stream.peer_cred().map_err(|error| talking(&path, error))?;
        let own = geteuid().as_raw();
        // Root may do anything, and be talked to by whom it lets in.
        if who.uid() != own && who.uid() != 0 && own != 0 {
            return Err(talking(&path, anyhow!("the node there belongs to uid {}", who.uid())));
        }
        match timeout(GREETING, Self::greet(stream)).await {
            Ok(Ok(client)) => Ok(Some(client)),
            Ok(Err(error)) => Err(Failure::from(error.context(at(&path))).hint(
                "it may be of another version, or just have ended: try again, or start trunkline up anew",
            )),
            Err(_) => {
                let pid = who.pid().map(|pid| format!(" (pid {pid})")).unwrap_or_default();
                Err(talking(&path, anyhow!("it does not answer{pid}")).hint("start trunkline up anew"))
            }
        }
    }

    async fn greet(stream: UnixStream) -> anyhow::Result<Self> {
        let (mut line, _) = client_async("ws://trunkline/api/line", stream).await?;
        match hear(&mut line).await? {
            Some(Said::Snapshot { snapshot, .. }) => {
                Ok(Self { line, snapshot, kept: VecDeque::new(), last_question: 0 })
            }
            _ => Err(anyhow!("it does not greet")),
        }
    }

    /// How things stood at first, or after events were missed.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Asks the node for something. What happens meanwhile is kept for [`Client::next`].
    pub(crate) async fn request(&mut self, request: Request) -> Result<Reply, Refused> {
        self.last_question += 1;
        let question = Question { id: self.last_question, ask: request };
        let asked = json::line(&question).map_err(Refused::new)?;
        self.line.send(Message::text(asked)).await.map_err(|_| Refused::new(WatchError::Ended))?;
        loop {
            match hear(&mut self.line).await {
                Ok(Some(Said::Reply { id, reply })) if id == question.id => return Ok(reply),
                Ok(Some(Said::Refused { id, refused })) if id == Some(question.id) => return Err(refused),
                Ok(Some(said)) => self.kept.push_back(said),
                Ok(None) => return Err(Refused::new(WatchError::Ended)),
                Err(error) => return Err(Refused::new(error)),
            }
        }
    }

    /// The next event. When it is dropped while it waits, nothing is lost.
    ///
    /// # Errors
    /// When events were missed: [`Client::snapshot`] is a new one then; and when the node has ended.
    pub(crate) async fn next(&mut self) -> Result<Numbered, WatchError> {
        loop {
            let said = match self.kept.pop_front() {
                Some(said) => said,
                None => hear(&mut self.line).await.ok().flatten().ok_or(WatchError::Ended)?,
            };
            match said {
                Said::Event(event) => return Ok(event),
                Said::Snapshot { snapshot, missed } => {
                    self.snapshot = snapshot;
                    return Err(WatchError::Missed(missed.unwrap_or_default()));
                }
                // To a question that nobody waits for any more.
                Said::Reply { .. } | Said::Refused { .. } => {}
            }
        }
    }
}

/// What the node says next; none when it has hung up.
async fn hear(line: &mut WebSocketStream<UnixStream>) -> anyhow::Result<Option<Said>> {
    loop {
        match line.next().await {
            Some(Ok(Message::Text(said))) => {
                return serde_json::from_str(&said).context("what the node says is not understood").map(Some);
            }
            // Pings are answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(_) | Err(_)) | None => return Ok(None),
        }
    }
}

/// No file, or one that a node has left behind.
fn is_nobody_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn talking(path: &Path, error: impl Into<anyhow::Error>) -> Failure {
    error.into().context(at(path)).into()
}

fn at(path: &Path) -> String {
    format!("talking to the node at {}", path.display())
}
