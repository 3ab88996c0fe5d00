//! Whom a person means may not be in sight yet, where the node has only just started.

use std::time::Duration;

use node::book::CHAT_PORT;
use node::face::{Event, Refused, Reply, Request};
use node::{Plan, WatchError};
use tokio::time::{Instant, timeout_at};

use crate::control::Face;

/// The node of a verb that is there for a moment: it says no goodbye, for everybody would believe that its person has
/// left.
pub(crate) const PLAN: Plan = Plan { port: CHAT_PORT, name: None, group: None, says_goodbye: false };

/// How long a node that was only just started waits for others. Who is there answers within milliseconds; whole
/// networks spread their answers over a second.
pub(crate) const SIGHT: Duration = Duration::from_millis(1500);

/// Asks the node, and asks again as people come into sight for as long as it says that it does not know who is meant.
/// A node that was there before knows who is in sight, and is asked once.
///
/// # Errors
/// What the node says at last.
pub(crate) async fn ask(face: &mut Face, request: Request) -> Result<Reply, Refused> {
    let until = Instant::now() + if face.is_own() { SIGHT } else { Duration::ZERO };
    loop {
        match face.request(request.clone()).await {
            Err(refused) if refused.is_usage && somebody_comes(face, until).await => {}
            answer => return answer,
        }
    }
}

/// Waits until somebody comes into sight, or something more is known of him.
async fn somebody_comes(face: &mut Face, until: Instant) -> bool {
    let come = async {
        loop {
            match face.next().await {
                Ok(event) if matches!(event.event, Event::Came { .. } | Event::Changed { .. }) => {
                    return true;
                }
                Err(WatchError::Missed(_)) => return true,
                Err(WatchError::Ended) => return false,
                Ok(_) => {}
            }
        }
    };
    timeout_at(until, come).await.unwrap_or(false)
}
