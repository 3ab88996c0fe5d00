//! Where the lines typed at a terminal are remembered.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use node::home::Home;

/// The file of `connect`'s history in our state folder, which is made if it is missing; none where there is no home.
pub(super) fn file() -> Option<PathBuf> {
    let home = Home::of_this_user().ok()?;
    // A history that cannot be kept is no reason not to connect.
    DirBuilder::new().recursive(true).mode(0o700).create(home.state()).ok()?;
    Some(home.state().join("connect_history"))
}
