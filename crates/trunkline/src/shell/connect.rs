//! Getting through to the machine.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use node::ssh::ask::Answering;
use node::ssh::{
    Answers, Client, Command, Dialer, Doing, Flow, Hop, Keyring, Machine, Outcome, Question, Session,
    Transport as _,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::ssh::{Asker, Floor};

/// Connects, logs in and starts the shell.
pub(super) async fn connect(
    machine: &Machine,
    command: &Command,
    limit: Duration,
) -> Result<impl Session, Outcome> {
    let asked = CancellationToken::new();
    let asker = Arc::new(Unhurried { asker: Asker::new(Floor::new(false), true), asked: asked.clone() });
    let keyring = Arc::new(Keyring::new(asker.clone()));
    let client = Client::new(Arc::new(Dialer), asker, keyring, Flow::ONE);
    let doing = Doing::default();
    let too_long = async {
        tokio::select! {
            () = sleep(limit) => {}
            () = asked.cancelled() => pending().await,
        }
    };
    tokio::select! {
        started = client.start(machine, command, &doing) => started.map_err(Outcome::Unreachable),
        () = too_long => Err(Outcome::Unreachable(doing.timed_out(machine, limit))),
    }
}

/// Asks a person, who is not hurried: from then on there is no limit, since who is there has Ctrl-C.
struct Unhurried {
    asker: Asker,
    /// Somebody was asked.
    asked: CancellationToken,
}

impl Answers for Unhurried {
    fn ask<'a>(&'a self, question: &'a Question) -> Answering<'a> {
        self.asked.cancel();
        self.asker.ask(question)
    }

    fn banner(&self, from: &Hop, text: &str) {
        self.asker.banner(from, text);
    }

    fn note(&self, about: &Hop, text: &str) {
        self.asker.note(about, text);
    }
}
