//! The node of this machine: one interface for every face.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::chat::{Ask, Driver, EVENTS_KEPT};
use crate::face::{Event, Numbered, Refused, Reply, Request, Snapshot};
use crate::home::{Home, Lock};
use crate::sshd::Guests;

pub use crate::chat::{Plan, StartError};

/// Requests that may wait for the node, of all faces together; one more waits at the face.
const WAITING_MAX: usize = 256;

/// A handle on the running node. Each face has a copy.
#[derive(Clone, Debug)]
pub struct Node {
    asks: mpsc::Sender<Ask>,
}

/// The node itself, which runs in the background until it is stopped.
#[derive(Debug)]
pub struct Running {
    asks: mpsc::Sender<Ask>,
    task: JoinHandle<()>,
    _lock: Lock,
}

/// What a face watches.
#[derive(Debug)]
pub struct Watch {
    /// How things stood when it began.
    pub snapshot: Snapshot,
    events: broadcast::Receiver<Arc<Numbered>>,
}

/// Why there is no next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The face was too slow: it has to watch anew.
    #[error("{0} events were missed")]
    Missed(u64),
    /// The node has ended.
    #[error("the node has ended")]
    Ended,
}

impl Node {
    /// Starts the node of this home: its chat line is open and its first entry sent when this returns. To be called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// When another node has the state folder, or the chat line or the journal cannot be opened.
    pub async fn start(home: &Home, plan: &Plan) -> Result<(Self, Running), StartError> {
        let lock = home.lock()?;
        let (asks, asked) = mpsc::channel(WAITING_MAX);
        let (faces, _) = broadcast::channel(EVENTS_KEPT);
        let driver = Driver::open(home, plan, asked, faces).await?;
        let task = tokio::spawn(driver.run());
        Ok((Self { asks: asks.clone() }, Running { asks, task, _lock: lock }))
    }

    /// Asks the node for something.
    ///
    /// # Errors
    /// Why it is not done, in the node's words; also when the node has ended.
    pub async fn request(&self, request: Request) -> Result<Reply, Refused> {
        let (reply, answer) = oneshot::channel();
        let ended = || Refused::new("the node has ended");
        self.asks.send(Ask::Request(request, reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    /// From now on it is asked about these guests, and puts them out.
    ///
    /// # Errors
    /// When the node has ended.
    pub(crate) async fn host(&self, guests: Guests) -> Result<(), Refused> {
        let ended = |_| Refused::new("the node has ended");
        self.asks.send(Ask::Host(guests)).await.map_err(ended)
    }

    /// Has its faces told of a guest. Whoever serves the guests does not wait: what comes faster than the node can take it is
    /// not told, and is seen by the next [`Request::Guests`].
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.asks.try_send(Ask::Tell(Box::new(event)));
    }

    /// Watches the node from now on.
    ///
    /// # Errors
    /// When the node has ended.
    pub async fn watch(&self) -> Result<Watch, WatchError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Watch(reply)).await.map_err(|_| WatchError::Ended)?;
        let (snapshot, events) = answer.await.map_err(|_| WatchError::Ended)?;
        Ok(Watch { snapshot, events })
    }
}

impl Running {
    /// Stops the node: goodbye is said, if the plan has it so, and what waits for the disk is written.
    pub async fn stop(self) {
        // It may have ended by itself.
        let _ = self.asks.send(Ask::Stop).await;
        let _ = self.task.await;
    }

    /// Waits until the node has ended, which it does by itself only when something in it fails.
    pub async fn ended(&mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Watch {
    /// The next event.
    ///
    /// # Errors
    /// When some were missed, or the node has ended.
    pub async fn next(&mut self) -> Result<Arc<Numbered>, WatchError> {
        self.events.recv().await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(missed) => WatchError::Missed(missed),
            broadcast::error::RecvError::Closed => WatchError::Ended,
        })
    }
}
