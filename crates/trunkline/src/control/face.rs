//! The node for a verb, whether it runs already or not.

use std::time::Duration;

use anyhow::anyhow;
use net::ListenError;
use node::book::CHAT_PORT;
use node::face::{Numbered, Refused, Reply, Request, Snapshot};
use node::home::{Home, LockError};
use node::{Node, Plan, Running, StartError, Watch, WatchError};
use tokio::time::{Instant, sleep};

use super::client::Client;
use crate::failure::Failure;

/// How long a node may take from its lock to its control socket: it reads the book, in which there may be host names.
const STARTING: Duration = Duration::from_secs(3);

/// How long to wait before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A node that can be asked and watched: the running one of this home, or else one of this process's own, for as long
/// as it is needed.
#[derive(Debug)]
pub(crate) struct Face(Seat);

/// Where the node runs.
#[derive(Debug)]
enum Seat {
    There(Box<Client>),
    Here { node: Node, watch: Box<Watch>, running: Running },
}

impl Face {
    /// Calls the running node of this home, or starts one by this plan, which is not looked at where a node runs.
    pub(crate) async fn attach(home: &Home, plan: &Plan) -> Result<Self, Failure> {
        let patience = Instant::now() + STARTING;
        loop {
            if let Some(client) = Client::connect(home).await? {
                return Ok(Self(Seat::There(Box::new(client))));
            }
            match Node::start(home, plan).await {
                Ok((node, running)) => {
                    let watch = Box::new(node.watch().await.map_err(|error| anyhow!(error))?);
                    return Ok(Self(Seat::Here { node, watch, running }));
                }
                // It has just started, or just ended.
                Err(StartError::Lock(LockError::Held { .. })) if Instant::now() < patience => {
                    sleep(LOOK_AGAIN).await;
                }
                Err(StartError::Lock(held @ LockError::Held { .. })) => {
                    let socket = home.control_socket().map_err(Failure::usage)?;
                    return Err(Failure::from(anyhow!(held)).hint(format_args!(
                        "nobody answers at {}: was it started with another XDG_RUNTIME_DIR or TMPDIR?",
                        socket.display()
                    )));
                }
                Err(taken @ StartError::Listen(ListenError::PortTaken { .. })) => {
                    return Err(Failure::from(taken).hint(format_args!(
                        "no node of yours runs; trunkline up --chat {} opens another port, and this verb then uses that",
                        CHAT_PORT + 1
                    )));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether the node is this process's own, and ends with it.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.0, Seat::Here { .. })
    }

    /// How things stood at first, or after events were missed.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        match &self.0 {
            Seat::There(client) => client.snapshot(),
            Seat::Here { watch, .. } => &watch.snapshot,
        }
    }

    /// Asks the node for something. What happens meanwhile is kept for [`Face::next`].
    ///
    /// # Errors
    /// Why it is not done.
    pub(crate) async fn request(&mut self, request: Request) -> Result<Reply, Refused> {
        match &mut self.0 {
            Seat::There(client) => client.request(request).await,
            Seat::Here { node, .. } => node.request(request).await,
        }
    }

    /// How things stand now.
    ///
    /// # Errors
    /// Why the node does not say it.
    pub(crate) async fn look(&mut self) -> Result<Snapshot, Failure> {
        match self.request(Request::Look).await? {
            Reply::Snapshot(snapshot) => Ok(*snapshot),
            _ => Err(anyhow!("the node answers something else").into()),
        }
    }

    /// The next event. When it is dropped while it waits, nothing is lost.
    ///
    /// # Errors
    /// When events were missed: [`Face::snapshot`] is a new one then; and when the node has ended.
    pub(crate) async fn next(&mut self) -> Result<Numbered, WatchError> {
        match &mut self.0 {
            Seat::There(client) => client.next().await,
            Seat::Here { node, watch, .. } => match watch.next().await {
                Ok(event) => Ok((*event).clone()),
                Err(WatchError::Ended) => Err(WatchError::Ended),
                Err(missed) => {
                    **watch = node.watch().await?;
                    Err(missed)
                }
            },
        }
    }

    /// Ends a node of this process's own, when the disk has everything. A running one goes on.
    pub(crate) async fn leave(self) {
        if let Seat::Here { running, .. } = self.0 {
            running.stop().await;
        }
    }
}
