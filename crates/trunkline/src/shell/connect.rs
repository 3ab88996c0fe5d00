//! Getting through to the machine.

use std::sync::Arc;
use std::time::Duration;

use node::ssh::{Client, Command, Dialer, Doing, Flow, Machine, Outcome, Session, Transport as _};

use crate::ssh::{Asker, Floor};

/// Connects, logs in and starts the shell.
pub(super) async fn connect(
    machine: &Machine,
    command: &Command,
    limit: Duration,
) -> Result<impl Session, Outcome> {
    let asker = Arc::new(Asker::new(Floor::new(false), true));
    let client = Client::new(Arc::new(Dialer), asker, Flow::ONE);
    let doing = Doing::default();
    let starting = client.start(machine, command, &doing);
    doing.within(Some(limit), machine, starting).await.map_err(Outcome::Unreachable)
}
