//! Where the lines typed at a terminal are remembered.

use std::env;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// The file of `connect`'s history in our state folder, which is made if it is missing; none where there is no home.
pub(super) fn file() -> Option<PathBuf> {
    let folder = folder(|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))?;
    // A history that cannot be kept is no reason not to connect.
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    Some(folder.join("connect_history"))
}

/// `TRUNKLINE_HOME`, or `trunkline` in the place for state of the XDG base directories.
fn folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    variable("TRUNKLINE_HOME").or_else(|| {
        let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
        Some(state.or_else(|| Some(variable("HOME")?.join(".local/state")))?.join("trunkline"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(variables: &[(&str, &str)]) -> Option<PathBuf> {
        folder(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn one_folder_replaces_all_the_others() {
        let all = [("TRUNKLINE_HOME", "/t"), ("XDG_STATE_HOME", "/s"), ("HOME", "/h")];
        assert_eq!(folder_with(&all), Some("/t".into()));
        assert_eq!(folder_with(&all[1..]), Some("/s/trunkline".into()));
        assert_eq!(folder_with(&all[2..]), Some("/h/.local/state/trunkline".into()));
        assert_eq!(folder_with(&[]), None);
    }

    #[test]
    fn a_state_folder_that_depends_on_where_one_stands_is_not_taken() {
        let relative = [("XDG_STATE_HOME", "s"), ("HOME", "/h")];
        assert_eq!(folder_with(&relative), Some("/h/.local/state/trunkline".into()));
    }
}
