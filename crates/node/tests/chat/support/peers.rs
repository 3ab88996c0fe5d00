//! What a test needs of the machine, by the contract in CONTRIBUTING.md.

use std::process::{Command, Stdio};

/// Leaves the test, with a word, where it may not make network namespaces, or one of these is missing and `cargo xtask
/// test` has said so.
macro_rules! needs {
    ($($peer:literal),+) => {
        if !$crate::support::network::is_allowed() $(|| !$crate::support::peers::is_there($peer))+ {
            return;
        }
    };
}

/// Whether a program, or a library to compile with, can be used. One that is missing without `TRUNKLINE_SKIP` naming
/// it is a failure.
#[track_caller]
pub(crate) fn is_there(peer: &str) -> bool {
    if is_program(peer) || is_library(peer) {
        return true;
    }
    let skipped = std::env::var("TRUNKLINE_SKIP").unwrap_or_default();
    assert!(skipped.split(',').any(|name| name == peer), "{peer} is missing: cargo xtask test installs it");
    eprintln!("skipped: needs {peer}");
    false
}

fn is_program(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(name).is_file())
}

/// Whether pkg-config knows it and everything that it requires.
fn is_library(name: &str) -> bool {
    let mut command = Command::new("pkg-config");
    command.args(["--exists", name]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
