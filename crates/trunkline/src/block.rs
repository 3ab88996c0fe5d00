//! `block`: whose messages are dropped.

use net::Untrusted;
use node::face::Request;
use node::home::Home;
use serde_json::json;
use tokio::time::Instant;

use crate::cli::{BlockFlags, BlockJob};
use crate::control::Face;
use crate::failure::{Failure, Outcome};
use crate::{sight, stdout};

/// Changes it if asked to, and lists who is blocked.
pub(crate) async fn run(flags: BlockFlags) -> Outcome {
    let home = Home::of_this_user().map_err(Failure::usage)?;
    let mut face = Face::attach(&home, &sight::PLAN).await?;
    let blocked = change(&mut face, flags.job.unwrap_or(BlockJob::List)).await;
    face.leave().await;
    let blocked = blocked?;
    if flags.json {
        return stdout::print_json(blocked.iter().map(|who| json!({ "blocked": who })));
    }
    if blocked.is_empty() {
        return stdout::print("Nobody is blocked.\n");
    }
    let lines = blocked.iter().map(|who| format!("{}\n", Untrusted::from(who.as_str())));
    stdout::print(lines.collect::<String>())
}

async fn change(face: &mut Face, job: BlockJob) -> Result<Vec<String>, Failure> {
    match job {
        BlockJob::List => {}
        BlockJob::Add { who } => {
            sight::ask(face, Request::Block { who }, Instant::now(), drop).await?;
        }
        BlockJob::Remove { who } => {
            face.request(Request::Unblock { who }).await?;
        }
    }
    Ok(face.look().await?.blocked)
}
