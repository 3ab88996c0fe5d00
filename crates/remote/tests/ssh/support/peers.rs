//! Programs of others, by the contract in CONTRIBUTING.md.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// Leaves the test, with a word, where a program that it needs is known to be missing.
macro_rules! needs {
    ($($program:literal),+) => {
        if $(!$crate::support::peers::is_there($program))||+ {
            return;
        }
    };
}

/// Whether a program can be used. One that is missing without `TRUNKLINE_SKIP` naming it is a failure.
#[track_caller]
pub(crate) fn is_there(program: &str) -> bool {
    if find(program).is_some() {
        return true;
    }
    let skipped = std::env::var("TRUNKLINE_SKIP").unwrap_or_default();
    assert!(
        skipped.split(',').any(|name| name == program),
        "{program} is missing: cargo xtask test installs it"
    );
    eprintln!("skipped: needs {program}");
    false
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
