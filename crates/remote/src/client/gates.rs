//! The connections to machines on the way to others.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::{Client, Connection};
use crate::machine::Hop;
use crate::outcome::{ConnectError, Unreachable};
use crate::transport::Doing;

/// One for each chain of hops, as long as the client lives.
#[derive(Default)]
pub(super) struct Gates(Mutex<HashMap<String, Arc<Gate>>>);

/// A connection, or an attempt: whoever waits for it has the same end.
type Gate = OnceCell<Result<Arc<Connection>, Unreachable>>;

/// On the way to the last of some hops; nothing, where there are none.
type Reaching<'a> = Pin<Box<dyn Future<Output = Result<Option<Arc<Connection>>, Unreachable>> + Send + 'a>>;

impl Client {
    /// The connection to the last of some hops, through all the others; none for no hops.
    pub(super) fn gate<'a>(&'a self, hops: &'a [Hop], doing: &'a Doing) -> Reaching<'a> {
        Box::pin(async move {
            let Some((hop, before)) = hops.split_last() else { return Ok(None) };
            let chain = hops.iter().map(Hop::to_string).collect::<Vec<_>>().join(" ");
            let gate = self.gates.of(&chain);
            doing.begin(hop, "waiting for this machine on the way, to which another is connecting");
            let connect = || async {
                let through = self.gate(before, doing).await?;
                self.hop(hop, through, doing).await.map(Arc::new)
            };
            match gate.get_or_init(connect).await {
                Ok(connection) => Ok(Some(Arc::clone(connection))),
                Err(unreachable) => {
                    self.gates.forget(&chain, &gate);
                    Err(again(unreachable))
                }
            }
        })
    }
}

impl Gates {
    fn of(&self, chain: &str) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(chain.to_owned()).or_default();
        if matches!(gate.get(), Some(Ok(connection)) if connection.is_lost()) {
            *gate = Arc::default();
        }
        Arc::clone(gate)
    }

    /// So that whoever comes later tries again.
    fn forget(&self, chain: &str, failed: &Arc<Gate>) {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.get(chain).is_some_and(|gate| Arc::ptr_eq(gate, failed)) {
            gates.remove(chain);
        }
    }
}

/// The same error for one more.
fn again(unreachable: &Unreachable) -> Unreachable {
    let reason = match &unreachable.reason {
        ConnectError::Dial(error) => ConnectError::Dial(io::Error::new(error.kind(), error.to_string())),
        ConnectError::Timeout { limit, doing } => ConnectError::Timeout { limit: *limit, doing },
        ConnectError::Handshake(text) => ConnectError::Handshake(text.clone()),
        ConnectError::HostKey(text) => ConnectError::HostKey(text.clone()),
        ConnectError::Denied { tried } => ConnectError::Denied { tried: tried.clone() },
        ConnectError::Own(text) => ConnectError::Own(text.clone()),
        ConnectError::Refused(text) => ConnectError::Refused(text.clone()),
    };
    Unreachable { hop: unreachable.hop.clone(), reason }
}
