//! Programs of others, by the contract in CONTRIBUTING.md.

/// Leaves the test, with a word, where a program that it needs is known to be missing.
macro_rules! needs {
    ($($program:literal),+) => {
        if $(!$crate::needs::is_there($program))||+ {
            return;
        }
    };
}

/// Whether a program, or a module of Python, can be used. One that is missing without `TRUNKLINE_SKIP` naming it is a
/// failure.
#[track_caller]
pub(crate) fn is_there(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&paths).chain(["/usr/lib/python3/dist-packages".into()]);
    if folders.any(|folder| folder.join(name).exists()) {
        return true;
    }
    let skipped = std::env::var("TRUNKLINE_SKIP").unwrap_or_default();
    assert!(
        skipped.split(',').any(|skipped| skipped == name),
        "{name} is missing: cargo xtask test installs it"
    );
    eprintln!("skipped: needs {name}");
    false
}
