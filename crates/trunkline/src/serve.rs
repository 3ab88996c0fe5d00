//! The verb `serve`: opens a line, answers it, and closes it in good order.

mod log;
mod plan;

use std::sync::Arc;

use net::door::{self, Shutdown};
use net::service::Server;
use net::{Bound, Reporter};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::failure::{Exit, Failure, Outcome};
use log::Log;
pub(crate) use plan::Plan;

/// Serves until told to stop.
pub(crate) async fn run(plan: Plan) -> Outcome {
    raise_descriptor_limit();
    let bound = plan.open().await?;
    let log = Arc::new(Log::new(plan.log));
    let server = Arc::new(plan.server(&bound, Arc::clone(&log) as Arc<dyn Reporter>)?);
    let shutdown = Shutdown::default();
    let mut signals = Signals::new()?;
    log.listening(&bound, plan.service_name());
    // Without a supervisor that asked for it this does nothing.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    let serving = async {
        match bound {
            Bound::Stream(listeners) => {
                let handle = |stream, peer, tally| {
                    let server = Arc::clone(&server);
                    async move { server.attend(stream, peer, tally).await }
                };
                let reporter = Arc::clone(&log) as Arc<dyn Reporter>;
                Ok(door::serve(listeners, &plan.limits, &shutdown, reporter, handle).await)
            }
            Bound::Datagram(sockets) => {
                let mut receivers = JoinSet::new();
                for socket in sockets {
                    let (server, limits, shutdown) = (Arc::clone(&server), plan.limits.clone(), shutdown.clone());
                    receivers.spawn(async move { server.attend_datagrams(socket, &limits, &shutdown).await });
                }
                for ended in receivers.join_all().await {
                    ended.map_err(|error| Failure::from(anyhow::Error::new(error).context("receiving datagrams")))?;
                }
                Ok(0)
            }
        }
    };
    let (served, interrupted) = tokio::join!(serving, signals.obey(&shutdown));
    let cut = served?;
    Ok(match (interrupted, cut) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Good,
        (false, _) => Exit::Failed,
    })
}
