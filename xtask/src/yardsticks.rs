//! The programs of the folder `xtask/peers`: what is measured against, and what makes the load.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::command;

/// Compiles one in C into `target/peers/` and says where it is.
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

/// Compiles iptux without its window into `target/peers/` and says where it is.
///
/// # Errors
/// As [`compiled`], and when the library is not installed.
pub(crate) fn iptux() -> Result<PathBuf> {
    let program = command::target("peers")?.join("iptux");
    let source = command::root().join("xtask/peers/iptux.cpp");
    let library = command::output(Command::new("pkg-config").args(["--cflags", "--libs", "iptux-core"]))?;
    let mut compiler = Command::new("g++");
    compiler.args(["-O2", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program).arg(source);
    command::run(compiler.args(library.split_whitespace()))?;
    Ok(program)
}
