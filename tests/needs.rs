//! Programs of others that tests hold ours against, by the contract in CONTRIBUTING.md. The tests of every crate that has
//! such peers include this file.
#![allow(dead_code, unused_macros, reason = "each of them uses a part")]

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// Where Debian's packages put modules of Python.
const PYTHON_MODULES: &str = "/usr/lib/python3/dist-packages";

/// Leaves the test, with a word, where a peer that it needs is known to be missing.
macro_rules! needs {
    ($($peer:literal),+) => {
        if $(!$crate::needs::is_there($peer))||+ {
            return;
        }
    };
}

/// Leaves the test, with a word, where it does not run as root.
macro_rules! needs_root {
    () => {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
    };
}

/// Whether a program, or a module of Python, can be used. If not, the test is left out.
#[track_caller]
pub(crate) fn is_there(peer: &str) -> bool {
    if find(peer).is_some() || PathBuf::from(PYTHON_MODULES).join(peer).is_dir() {
        return true;
    }
    leave_out(peer);
    false
}

/// Says that a test is left out for want of a peer, which is a failure unless `TRUNKLINE_SKIP` names it.
#[track_caller]
pub(crate) fn leave_out(peer: &str) {
    let skipped = std::env::var("TRUNKLINE_SKIP").unwrap_or_default();
    assert!(
        skipped.split(',').any(|skipped| skipped == peer),
        "{peer} is missing: cargo xtask test installs it"
    );
    eprintln!("skipped: needs {peer}");
}

/// Where a program is: sshd starts only by its whole path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Runs a program to its end and gives its standard output.
#[track_caller]
pub(crate) fn output_of<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
