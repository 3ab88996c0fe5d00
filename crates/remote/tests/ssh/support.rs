//! Servers, and a person who calls them.

mod answering;
mod dropbear;
mod guest;
mod person;
mod sshd;

pub(crate) use answering::Answerer;
pub(crate) use dropbear::Dropbear;
pub(crate) use guest::{GUEST, Guest, PASSWORD, may_mount};
pub(crate) use person::{Dialer, Person, machine_at};
pub(crate) use sshd::{Sshd, lines};

use std::future::Future;
use std::time::Duration;

use remote::{Outcome, Piece, Session};

/// So long may whatever a test waits for take, on a busy machine too.
const SOON: Duration = Duration::from_secs(60);

/// Waits, but not for ever.
#[track_caller]
pub(crate) fn soon<F: Future>(what: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move { tokio::time::timeout(SOON, what).await.unwrap_or_else(|_| panic!("{caller} waits for ever")) }
}

/// Waits for much, on a busy machine, but not for ever either.
#[track_caller]
pub(crate) fn within_minutes<F: Future>(what: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        tokio::time::timeout(10 * SOON, what).await.unwrap_or_else(|_| panic!("{caller} waits for ever"))
    }
}

/// All that a command said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    pub(crate) outcome: Outcome,
}

impl Ran {
    /// Reads a command to its end.
    pub(crate) async fn of(session: &mut impl Session) -> Self {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        loop {
            match session.next().await {
                Piece::Out(bytes) => out.extend_from_slice(&bytes),
                Piece::Err(bytes) => err.extend_from_slice(&bytes),
                Piece::End(outcome) => return Self { out, err, outcome },
            }
        }
    }

    /// Its exit status, its standard output and its standard error.
    #[track_caller]
    pub(crate) fn texts(&self) -> (u32, &str, &str) {
        let Outcome::Exit(code) = self.outcome else { panic!("{self:?}") };
        (code, std::str::from_utf8(&self.out).unwrap(), std::str::from_utf8(&self.err).unwrap())
    }
}
