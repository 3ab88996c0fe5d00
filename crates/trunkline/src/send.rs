//! `send`: a text for people, and what becomes of it.

mod receipt;

use std::io::{self, Read as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use node::WatchError;
use node::face::{Event, Reply, Request};
use node::home::Home;
use tokio::time::{Instant, timeout_at};

use crate::cli::SendFlags;
use crate::control::Face;
use crate::failure::{Failure, Outcome};
use crate::sight::{self, SIGHT};
use receipt::Receipts;

pub(crate) use receipt::State;

/// How long receipts are awaited where nobody says: the node sends a message five times within it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of standard input that are read: far more than a message may have, and little memory.
const INPUT_MAX: usize = 1024 * 1024;

/// What `send` is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    home: Home,
    request: Request,
    /// How long receipts are awaited, if the person has said so.
    wait: Option<Duration>,
    json: bool,
}

impl Plan {
    pub(crate) fn new(flags: SendFlags) -> Result<Self, Failure> {
        let home = Home::of_this_user().map_err(Failure::usage)?;
        let text = if flags.text == ["-"] { read(io::stdin().lock())? } else { flags.text.join(" ") };
        let request = Request::Send { to: flags.targets, text, sealed: flags.sealed };
        Ok(Self { home, request, wait: flags.wait, json: flags.json })
    }
}

/// All that there is, as one text.
fn read(input: impl io::Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let cap = INPUT_MAX as u64 + 1;
    input.take(cap).read_to_end(&mut bytes).context("reading standard input")?;
    if bytes.len() > INPUT_MAX {
        return Err(Failure::usage(anyhow!(
            "standard input has more than {INPUT_MAX} bytes: no message is so long"
        )));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(anyhow!("standard input is no UTF-8 text"))
            .hint("convert it: ... | iconv -f GBK | ...")
    })?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// Sends, and tells what becomes of it.
pub(crate) async fn run(plan: Plan) -> Outcome {
    let begun = Instant::now();
    let mut face = Face::attach(&plan.home, &sight::PLAN).await?;
    let wait = plan.wait.unwrap_or(if face.is_own() { SIGHT } else { PATIENCE });
    let outcome = match sight::ask(&mut face, plan.request, begun, drop).await {
        Ok(Reply::Accepted { messages, unsent }) => {
            let mut receipts = Receipts::new(messages, plan.json);
            match receipts.refused(&unsent) {
                Ok(_) => follow(&mut face, receipts, begun + wait).await,
                failed => failed,
            }
        }
        Ok(_) => Err(anyhow!("the node answers something else").into()),
        Err(refused) => Err(refused.into()),
    };
    face.leave().await;
    outcome
}

/// Waits for the receipts, until then at most.
async fn follow(face: &mut Face, mut receipts: Receipts, until: Instant) -> Outcome {
    while !receipts.are_complete() {
        let (message, state) = match timeout_at(until, face.next()).await {
            Ok(Ok(numbered)) => match numbered.event {
                Event::Delivered { message, took } => (message, State::Delivered { took }),
                Event::Failed { message, reason } => (message, State::Failed { reason }),
                Event::Cancelled { message } => (message, State::Cancelled),
                _ => continue,
            },
            // What was missed may be what is waited for; whatever is not known to be delivered is said to wait.
            Ok(Err(WatchError::Missed(_))) => continue,
            Ok(Err(WatchError::Ended)) | Err(_) => break,
        };
        receipts.settle(message, &state)?;
    }
    receipts.finish(face.is_own())
}
