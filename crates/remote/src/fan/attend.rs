//! One machine of a run, from its turn to its end.

use std::future::pending;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::input::Feed;
use super::outlet::{Outlet, Room};
use super::{Run, What, unless};
use crate::machine::Machine;
use crate::outcome::{Outcome, Unreachable};
use crate::transport::{Doing, Piece, Session, Signal, Transport};

/// How long a command is given after each signal that is to end it, and a connection to close.
pub const GRACE: Duration = Duration::from_secs(1);

/// Why a command does not end by itself.
enum Cut {
    Stopped,
    Limit(Duration),
    /// There is no more of what it is to read, and that was not all; why.
    Starved(String),
}

/// Starts the command and sees it through.
pub(super) async fn attend<T: Transport>(
    run: &Run<T>,
    machine: usize,
    feed: Feed,
    outlet: &Outlet,
) -> Outcome {
    let mut session = match unless(&run.stop.politely, start(run, &run.machines[machine])).await {
        Some(Ok(session)) => session,
        Some(Err(unreachable)) => return Outcome::Unreachable(unreachable),
        None => return Outcome::Cancelled,
    };
    outlet.send(What::Started);
    let input = session.input();
    let mut running = Running { session, piece: None, outlet };
    let cut = {
        let feeding = async {
            match feed.pour(input).await {
                Ok(()) => pending().await,
                Err(reason) => reason,
            }
        };
        tokio::select! {
            biased;
            () = run.stop.politely.cancelled() => Cut::Stopped,
            limit = past(run.plan.command_limit) => Cut::Limit(limit),
            reason = feeding => Cut::Starved(reason),
            outcome = running.pass_on() => {
                running.close().await;
                return outcome;
            }
        }
    };
    running.end(cut).await
}

async fn start<T: Transport>(run: &Run<T>, machine: &Machine) -> Result<T::Session, Unreachable> {
    let doing = Doing::default();
    let limit = run.plan.connect_limit.or(machine.end.settings.connect_timeout);
    // In a box that is gone when it has started: else each future around it would keep room for it, twice, to the end.
    let starting = Box::pin(run.transport.start(machine, &run.command, &doing));
    doing.within(limit, machine, starting).await
}

/// Comes back after the limit; never, if there is none.
async fn past(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => sleep(limit).await,
        None => pending().await,
    }
    limit.unwrap_or_default()
}

/// A command that runs.
struct Running<'a, S> {
    session: S,
    /// What came last and waits for room.
    piece: Option<Piece>,
    outlet: &'a Outlet,
}

impl<S: Session> Running<'_, S> {
    /// Passes on what comes, until the command has ended. It may be dropped while it waits, and then loses nothing.
    async fn pass_on(&mut self) -> Outcome {
        loop {
            if self.piece.is_none() {
                self.piece = Some(self.session.next().await);
            }
            let room = match &self.piece {
                Some(Piece::Out(bytes) | Piece::Err(bytes)) => self.outlet.room(bytes.len()).await,
                _ => Room::default(),
            };
            match self.piece.take() {
                Some(Piece::Out(bytes)) => self.outlet.send_in(room, What::Out(bytes)),
                Some(Piece::Err(bytes)) => self.outlet.send_in(room, What::Err(bytes)),
                Some(Piece::End(outcome)) => return outcome,
                None => {}
            }
        }
    }

    /// Ends the command with signals, each stronger than the one before, and then the connection. What the command has
    /// to say until then is passed on.
    async fn end(mut self, cut: Cut) -> Outcome {
        let signals: &[Signal] = match &cut {
            Cut::Stopped => &[Signal::Interrupt, Signal::Terminate, Signal::Kill],
            Cut::Limit(_) | Cut::Starved(_) => &[Signal::Terminate, Signal::Kill],
        };
        for &signal in signals {
            let ending = async {
                self.session.signal(signal).await;
                self.pass_on().await
            };
            if timeout(GRACE, ending).await.is_ok() {
                break;
            }
        }
        self.close().await;
        match cut {
            Cut::Stopped => Outcome::Cancelled,
            Cut::Limit(limit) => Outcome::TimedOut(limit),
            Cut::Starved(reason) => Outcome::Lost(reason),
        }
    }

    /// A machine that does not even close is left alone.
    async fn close(self) {
        let _ = timeout(GRACE, Box::pin(self.session.close())).await;
    }
}
