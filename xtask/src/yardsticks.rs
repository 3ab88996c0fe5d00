//! The C programs of the folder `xtask/peers`: servers to be measured against, and what makes the load.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::command;

/// Compiles one of them into `target/peers/` and says where it is.
///
/// # Errors
/// When the folder cannot be made or the compiler refuses.
pub(crate) fn compiled(name: &str) -> Result<PathBuf> {
    let program = command::target("peers")?.join(name);
    let source = command::root().join("xtask/peers").join(name).with_extension("c");
    command::run(
        Command::new("cc").args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program).arg(source),
    )?;
    Ok(program)
}
