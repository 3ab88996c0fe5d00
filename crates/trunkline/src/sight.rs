//! Whom a person means may not be in sight yet, where the node has only just started.

use std::time::Duration;

use node::face::{Numbered, Refused, Reply, Request};
use node::{Plan, WatchError};
use tokio::time::{Instant, timeout_at};

use crate::control::Face;

/// The node of a verb that is there for a moment: it says no goodbye, for everybody would believe that its person has
/// left.
pub(crate) const PLAN: Plan =
    Plan { port: None, name: None, group: None, interface: None, chat: true, says_goodbye: false };

/// How long a node that was only just started waits for others. Who is there answers within milliseconds; whole
/// networks spread their answers over a second.
pub(crate) const SIGHT: Duration = Duration::from_millis(1500);

/// Asks the node, and asks again as people come into sight for as long as it says that it does not know who is meant: a
/// node of this process's own until it has been there for [`SIGHT`]. A node that ran before knows who is in sight.
/// What happens meanwhile is handed over.
///
/// # Errors
/// What the node says at last.
pub(crate) async fn ask(
    face: &mut Face,
    request: Request,
    there_since: Instant,
    mut happened: impl FnMut(Numbered),
) -> Result<Reply, Refused> {
    let until = there_since + if face.is_own() { SIGHT } else { Duration::ZERO };
    loop {
        match face.request(request.clone()).await {
            Err(refused) if refused.is_usage => match timeout_at(until, face.next()).await {
                Ok(Ok(event)) => happened(event),
                Ok(Err(WatchError::Missed(_))) => {}
                Ok(Err(WatchError::Ended)) | Err(_) => return Err(refused),
            },
            answer => return answer,
        }
    }
}
