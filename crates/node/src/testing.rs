//! Programs of others that tests hold ours against, by the contract in CONTRIBUTING.md.

/// Whether a program can be used. One that is missing without `TRUNKLINE_SKIP` naming it is a failure.
#[track_caller]
pub(crate) fn is_there(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&paths).any(|folder| folder.join(program).is_file()) {
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
