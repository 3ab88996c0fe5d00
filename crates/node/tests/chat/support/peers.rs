//! What a test needs of the machine, by the contract in CONTRIBUTING.md.

use std::process::{Command, Stdio};

use crate::needs::{find, leave_out};

/// Leaves the test, with a word, where it may not make network namespaces, or one of these is missing and `cargo xtask
/// test` has said so.
macro_rules! needs {
    ($($peer:literal),+) => {
        if !$crate::support::network::is_allowed() $(|| !$crate::support::peers::is_there($peer))+ {
            return;
        }
    };
}

/// Whether a program, or a library to compile with, can be used. If not, the test is left out.
#[track_caller]
pub(crate) fn is_there(peer: &str) -> bool {
    if find(peer).is_some() || is_library(peer) {
        return true;
    }
    leave_out(peer);
    false
}

/// Whether pkg-config knows it and everything that it requires.
fn is_library(name: &str) -> bool {
    let mut command = Command::new("pkg-config");
    command.args(["--exists", name]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
