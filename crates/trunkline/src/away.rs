//! `away`: why a person is away, or that he is back.

use node::face::Request;
use node::home::Home;

use crate::cli::AwayFlags;
use crate::control::Face;
use crate::failure::{Failure, Outcome};
use crate::{sight, stdout};

/// Says it to everybody in sight, from now on.
pub(crate) async fn run(flags: AwayFlags) -> Outcome {
    let home = Home::of_this_user().map_err(Failure::usage)?;
    let text = Some(flags.text.join(" ")).filter(|text| !text.trim().is_empty());
    let said = match &text {
        Some(text) => format!("away: {text}\n"),
        None => "back\n".to_owned(),
    };
    let mut face = Face::attach(&home, &sight::PLAN).await?;
    let done = face.request(Request::Away { text }).await;
    face.leave().await;
    done?;
    stdout::print(said)
}
