//! The running node's side of the control socket.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use net::door::{self, Shutdown};
use net::report::Event;
use net::{
    Address, Bound, Ending, Endpoint, Limits, ListenError, ListenOptions, Listener, Peer, Reporter, Stream,
};
use node::face::{Refused, Request};
use node::{Node, WatchError};
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::wire::{Question, Said};
use crate::json;

/// Bytes in a request. A text goes in one datagram, so it has less than 64 KiB; JSON may write a byte as six, and the
/// receivers stand beside it.
pub(super) const REQUEST_MAX: usize = 1 << 20;

/// Bytes in the head of a request. A line's has a few hundred; hyper takes no smaller limit than 8 KiB.
pub(super) const HEAD_MAX: usize = 16 << 10;

/// Exchanges at one time. Each is over in milliseconds, so that nobody waits; more are a program that has gone wild.
pub(super) const EXCHANGES_MAX: usize = 64;

/// Lines at one time. A person has a screen and some pages open; each may keep a snapshot's size in memory.
pub(super) const LINES_MAX: u32 = 64;

/// How long an exchange may take, from its first byte to the answer's last one, or until it has become a line. A host's
/// name may have to be looked up for it.
const EXCHANGE: Duration = Duration::from_secs(30);

/// How long a line's face may leave unread what fills the socket's buffer. A busy face is behind by less than a second;
/// one that was stopped would keep its events in memory.
const UNREAD: Duration = Duration::from_secs(10);

/// Questions of one line that may be open. The next one is read when one of them is answered.
pub(super) const QUESTIONS_MAX: usize = 16;

/// What the routes need. The page has the same.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    node: Node,
    lines: Arc<Semaphore>,
    pub(super) patience: Patience,
}

/// How long others may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) exchange: Duration,
    pub(super) unread: Duration,
}

/// An open control socket.
#[derive(Debug)]
pub(crate) struct Socket {
    listeners: Vec<Listener>,
}

/// Says what goes wrong at the door.
struct Doorkeeper<T>(T);

impl Api {
    pub(crate) fn new(node: Node) -> Self {
        let patience = Patience { exchange: EXCHANGE, unread: UNREAD };
        Self { node, lines: Arc::new(Semaphore::new(LINES_MAX as usize)), patience }
    }

    /// The routes: see [`crate::control`]. Nobody is asked here which page sent him: no browser opens a Unix socket. Where
    /// a browser can come in, that is asked in front of these routes.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/api/request", post(request))
            .route("/api/snapshot", get(snapshot))
            .route("/api/line", get(line))
            .layer(DefaultBodyLimit::max(REQUEST_MAX))
            .with_state(self.clone())
    }

    #[cfg(test)]
    pub(super) fn lines_open(&self) -> usize {
        LINES_MAX as usize - self.lines.available_permits()
    }

    /// Waits until no line is open any more. After the node's end that is soon.
    async fn lines_closed(&self) {
        // It is never closed, so this only fails when somebody changes that.
        let _ = self.lines.acquire_many(LINES_MAX).await;
    }
}

impl Socket {
    /// Opens it for this user alone. A file that a dead node has left behind is replaced: whoever opens it has the
    /// state folder's lock.
    pub(crate) async fn open(path: &Path) -> Result<Self, ListenError> {
        let options = ListenOptions { mode: 0o600, ..ListenOptions::default() };
        match net::listen(&Address::Unix(path.to_owned()), &options).await? {
            Bound::Stream(listeners) => Ok(Self { listeners }),
            Bound::Datagram(_) => unreachable!("unix: opens a listener for streams"),
        }
    }

    /// Answers until told to let nobody in any more, and everybody has left. Lines are left when the node has ended. What
    /// goes wrong is told.
    pub(crate) async fn serve(
        self,
        api: Api,
        shutdown: Shutdown,
        tell: impl Fn(String) + Send + Sync + 'static,
    ) {
        let limits = Limits { max_connections: EXCHANGES_MAX, ..Limits::default() };
        let router = api.router().layer(map_response(hang_up));
        let attend = |stream, peer: Arc<Peer>, _| attend(stream, peer, router.clone(), api.patience.exchange);
        door::serve(self.listeners, &limits, &shutdown, Arc::new(Doorkeeper(tell)), attend).await;
        api.lines_closed().await;
    }
}

impl<T: Fn(String) + Send + Sync> Reporter for Doorkeeper<T> {
    fn report(&self, event: Event<'_>) {
        match event {
            Event::Refused { remote, refusal, .. } => {
                (self.0)(format!("control socket: {remote}: {refusal}"));
            }
            Event::Closed { peer, ending: ending @ Ending::Limit(_), .. } => {
                (self.0)(format!("control socket: {}: {ending}", peer.remote));
            }
            Event::Trouble { doing, error } => (self.0)(format!("control socket: {doing}: {error}")),
            _ => {}
        }
    }
}

/// One connection: an exchange, which may turn into a line.
async fn attend(stream: Stream, peer: Arc<Peer>, router: Router, patience: Duration) -> Ending {
    if !may_enter(&peer.remote, geteuid().as_raw()) {
        return Ending::Limit("only this user may talk to the node".to_owned());
    }
    let service = TowerToHyperService::new(router);
    let exchange = http1::Builder::new()
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    match timeout(patience, exchange).await {
        // What a face does wrong is its own affair.
        Ok(_) => Ending::Eof,
        Err(_) => Ending::Timeout,
    }
}

/// A connection has one exchange: so none is idle, and none is cut in the middle of another.
async fn hang_up(mut answer: Response) -> Response {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// The file's mode keeps others out already, where nobody has changed it. Root reaches all of this user's anyway.
pub(super) fn may_enter(who: &Endpoint, own: u32) -> bool {
    matches!(who, Endpoint::Process { uid, .. } if *uid == own || *uid == 0)
}

async fn request(State(api): State<Api>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(error) => return answer(error.status(), &Refused::usage(error.body_text())),
    };
    let asked = match serde_json::from_slice::<Request>(&body) {
        Ok(request) => api.node.request(request).await,
        Err(error) => Err(not_understood(&error)),
    };
    match asked {
        Ok(reply) => answer(StatusCode::OK, &reply),
        Err(refused) if refused.is_usage => answer(StatusCode::BAD_REQUEST, &refused),
        Err(refused) => answer(StatusCode::CONFLICT, &refused),
    }
}

async fn snapshot(State(api): State<Api>) -> Response {
    match api.node.watch().await {
        Ok(watch) => answer(StatusCode::OK, &watch.snapshot),
        Err(error) => answer(StatusCode::SERVICE_UNAVAILABLE, &Refused::new(error)),
    }
}

async fn line(State(api): State<Api>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(place) = Arc::clone(&api.lines).try_acquire_owned() else {
        let full = format!("{LINES_MAX} lines are open already");
        return answer(StatusCode::SERVICE_UNAVAILABLE, &Refused::new(full));
    };
    upgrade.max_message_size(REQUEST_MAX).max_frame_size(REQUEST_MAX).on_upgrade(move |socket| {
        let line = Line { socket, unread: api.patience.unread, _place: place };
        line.attend(api.node)
    })
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    match json::line(body) {
        Ok(json) => (status, [(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// One face's line.
struct Line {
    socket: WebSocket,
    unread: Duration,
    _place: OwnedSemaphorePermit,
}

/// Why a line is over.
#[derive(Debug)]
enum Over {
    /// The node has ended.
    NodeEnded,
    /// The face has hung up, or does not read.
    FaceLeft,
}

impl Line {
    async fn attend(mut self, node: Node) {
        if let Err(Over::NodeEnded) = self.converse(&node).await {
            // The face may be gone as well.
            let _ = timeout(self.unread, self.socket.send(Message::Close(None))).await;
        }
    }

    /// Events come before answers, and answers before the next question: so a face knows what led to an answer when it
    /// gets it.
    async fn converse(&mut self, node: &Node) -> Result<Infallible, Over> {
        let mut watch = node.watch().await?;
        self.say(&Said::Snapshot { snapshot: watch.snapshot.clone(), missed: None }).await?;
        let mut answers = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                event = watch.next() => match event {
                    Ok(event) => self.say(&*event).await?,
                    Err(WatchError::Ended) => return Err(Over::NodeEnded),
                    Err(WatchError::Missed(missed)) => {
                        watch = node.watch().await?;
                        self.say(&Said::Snapshot { snapshot: watch.snapshot.clone(), missed: Some(missed) }).await?;
                    }
                },
                Some(Ok(answer)) = answers.join_next() => self.say(&answer).await?,
                asked = self.socket.recv(), if answers.len() < QUESTIONS_MAX => match asked {
                    Some(Ok(asked @ (Message::Text(_) | Message::Binary(_)))) => {
                        answers.spawn(reply_to(node.clone(), asked.into_data()));
                    }
                    // The library answers pings.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Over::FaceLeft),
                },
            }
        }
    }

    async fn say(&mut self, said: &impl Serialize) -> Result<(), Over> {
        let said = json::line(said).map_err(|_| Over::FaceLeft)?;
        match timeout(self.unread, self.socket.send(Message::text(said))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over::FaceLeft),
        }
    }
}

impl From<WatchError> for Over {
    fn from(_: WatchError) -> Self {
        Self::NodeEnded
    }
}

async fn reply_to(node: Node, asked: Bytes) -> Said {
    match serde_json::from_slice(&asked) {
        Ok(Question { id, ask }) => match node.request(ask).await {
            Ok(reply) => Said::Reply { id, reply },
            Err(refused) => Said::Refused { id: Some(id), refused },
        },
        Err(error) => {
            let label = serde_json::from_slice::<Label>(&asked);
            Said::Refused { id: label.ok().map(|label| label.id), refused: not_understood(&error) }
        }
    }
}

/// What can be read of a question that cannot be understood.
#[derive(Debug, Deserialize)]
struct Label {
    id: u64,
}

fn not_understood(error: &serde_json::Error) -> Refused {
    Refused::usage(format!("the request is not understood: {error}"))
}
