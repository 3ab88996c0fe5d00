//! Whose keys are let in, and the line at which they are: `trunkline allow` and `trunkline up --ssh`, by the true binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../../../remote/tests/server/stories/client.rs"]
#[allow(dead_code, reason = "shared with the stories of the library's server")]
mod client;
#[path = "../book/home.rs"]
#[allow(dead_code, reason = "shared with the tests of book")]
mod home;
#[path = "../server/lines.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod lines;
#[path = "../server/patience.rs"]
mod patience;
#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
#[path = "../server/process.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod process;

mod allow;
mod guests;
mod line;
mod node;
mod up;

use lines::Lines;
use patience::{PATIENCE, wait_until};
