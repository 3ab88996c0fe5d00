//! The verb `serve`: opens a line, answers it, and closes it in good order.

mod ledger;
mod log;
mod plan;
mod talk;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use net::door::{self, Shutdown};
use net::{Bound, Reporter};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::descriptors;
use crate::failure::{Exit, Outcome};
pub(crate) use plan::Plan;

/// Serves until told to stop.
pub(crate) async fn run(mut plan: Plan) -> Outcome {
    descriptors::raise(plan.limits.max_connections);
    let journal = plan.journal()?;
    let bound = plan.open().await?;
    let person = plan.person.take();
    let (editor, around) = person.as_ref().and_then(|_| talk::seat()).unzip();
    let voice = around.as_ref().map(|around| around.voice.clone());
    let log = Arc::new(plan.log(voice.clone(), journal)?);
    let server = Arc::new(plan.server(&bound, Arc::clone(&log) as Arc<dyn Reporter>)?);
    let shutdown = Shutdown::default();
    let mut signals = Signals::new()?;
    log.listening(&bound, plan.name);
    // Without a supervisor that asked for it this does nothing.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    let serving = async {
        match bound {
            Bound::Stream(listeners) => {
                let handle = |stream, peer, tally| {
                    let server = Arc::clone(&server);
                    async move { server.attend(stream, peer, tally).await }
                };
                Ok(door::serve(
                    listeners,
                    &plan.limits,
                    &shutdown,
                    Arc::clone(&log) as Arc<dyn Reporter>,
                    handle,
                )
                .await)
            }
            Bound::Datagram(sockets) => {
                let mut receivers = JoinSet::new();
                for socket in sockets {
                    let (server, limits, shutdown) =
                        (Arc::clone(&server), plan.limits.clone(), shutdown.clone());
                    receivers.spawn(async move { server.attend_datagrams(socket, &limits, &shutdown).await });
                }
                receivers.join_all().await.into_iter().collect::<Result<(), _>>().map(|()| 0)
            }
        }
    };
    // When the person leaves, the server is told to end; only that they cannot be heard ends it from here.
    let answering = async {
        if let Some(person) = person {
            person.answer(editor.zip(voice), &shutdown).await?;
        }
        std::future::pending::<io::Result<Infallible>>().await
    };
    let cut = tokio::select! {
        served = serving => served.context("receiving datagrams")?,
        Err(error) = answering => return Err(anyhow::Error::new(error).context("reading what is typed").into()),
        never = signals.obey(&shutdown) => match never {},
    };
    if cut > 0 {
        log.cut(cut);
    }
    log.finish().await;
    if let Some(around) = around {
        around.voice.end();
        around.voice_ended.wait();
    }
    Ok(match cut {
        _ if signals.interrupted => Exit::Interrupted,
        0 => Exit::Good,
        _ => Exit::Failed,
    })
}

/// The signals that end a server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    interrupted: bool,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("setting up the signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            interrupted: false,
        })
    }

    /// SIGTERM lets those inside finish, a second one ends; Ctrl-C ends at once.
    async fn obey(&mut self, shutdown: &Shutdown) -> Infallible {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => if shutdown.drain.is_cancelled() {
                    shutdown.now.cancel();
                } else {
                    shutdown.drain.cancel();
                },
                _ = self.interrupt.recv() => {
                    self.interrupted = true;
                    shutdown.now.cancel();
                }
            }
        }
    }
}
