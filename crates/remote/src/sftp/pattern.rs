//! Paths over there, as people write them: with `~`, `*`, `?` and `[...]`.

use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::copy::is_directory;
use super::problem::Problem;
use super::session::{NAMES_MAX, Sftp};

/// As shells have it.
const AS_SHELLS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Sessions begin at the user's home, where `~` leads.
pub(super) fn from_home(path: &Path) -> &Path {
    path.strip_prefix("~").unwrap_or(path)
}

impl Sftp {
    /// What a path matches, sorted. What matches nothing stands for itself, as with scp.
    pub(super) async fn matching(&mut self, path: &Path) -> Result<Vec<PathBuf>, Problem> {
        if !is_pattern(path.as_os_str().as_encoded_bytes()) {
            return Ok(vec![path.to_owned()]);
        }
        let mut found = vec![PathBuf::new()];
        for part in path.components() {
            let Component::Normal(name) = part else {
                found.iter_mut().for_each(|found| found.push(part));
                continue;
            };
            let text = name.to_string_lossy();
            match Pattern::new(&text) {
                Ok(pattern) if is_pattern(text.as_bytes()) => found = self.matches(found, &pattern).await?,
                _ => found.iter_mut().for_each(|found| found.push(name)),
            }
            if found.len() > NAMES_MAX {
                return Err(Problem::Own("more names match than any machine has"));
            }
        }
        // Links that lead nowhere are no files to copy.
        let mut there = Vec::new();
        for path in found {
            if self.find(&path).await?.is_some() {
                there.push(path);
            }
        }
        Ok(if there.is_empty() { vec![path.to_owned()] } else { there })
    }

    async fn matches(&mut self, within: Vec<PathBuf>, pattern: &Pattern) -> Result<Vec<PathBuf>, Problem> {
        let mut found = Vec::new();
        for folder in within {
            if !self.find(&folder).await?.is_some_and(|there| is_directory(&there)) {
                continue;
            }
            let names = self.names(&folder).await?;
            let matching =
                |name: &&std::ffi::OsString| pattern.matches_with(&name.to_string_lossy(), AS_SHELLS);
            found.extend(names.iter().filter(matching).map(|name| folder.join(name)));
        }
        Ok(found)
    }
}

fn is_pattern(path: &[u8]) -> bool {
    path.iter().any(|byte| b"*?[".contains(byte))
}
