//! Files of this machine.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};
use tokio::task::spawn_blocking;

use super::attributes::Attributes;
use super::copy::mode_of_part;
use super::name;
use super::problem::Problem;

/// A file that is not whole yet; dropped, it is gone.
pub(super) struct Part {
    file: NamedTempFile,
    path: PathBuf,
    /// What it replaces.
    old: Option<Attributes>,
}

impl Part {
    /// Makes one beside the path that it is for. The umask takes its share of the mode.
    pub(super) fn beside(path: &Path, original: &Attributes) -> Result<Self, Problem> {
        let (path, old) = match found(path)? {
            Some(old) if !old.is_file() => {
                return Err(Problem::Own("what has that name here is no regular file"));
            }
            // A link stays, and what it leads to is replaced.
            Some(old) => (path.canonicalize()?, Some(Attributes::of(&old))),
            None => (path.to_owned(), None),
        };
        let (before, behind) = name::around_random(&path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = Builder::new();
        let mode = fs::Permissions::from_mode(mode_of_part(original, old.as_ref()));
        builder.prefix(&before).suffix(behind).rand_bytes(16).permissions(mode);
        let file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self { file, path, old })
    }

    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives it its name, once it is on disk. What is to be kept of the original, if anything is, wins over what it replaces.
    pub(super) async fn finish(self, kept: Option<Attributes>) -> Result<(), Problem> {
        let finish = move || {
            let file = self.file.as_file();
            if let Some(old) = &self.old {
                if let Some((user, group)) = old.owner {
                    // Others than root may not.
                    let _ = fchown(file, Some(user), Some(group));
                }
                Attributes { mode: old.mode, ..Attributes::default() }.apply_to_file(file)?;
            }
            if let Some(kept) = kept {
                kept.apply_to_file(file)?;
            }
            file.sync_all()?;
            self.file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        Ok(spawn_blocking(finish).await.map_err(io::Error::other).flatten()?)
    }
}

/// What is there, whatever links lead to it.
pub(super) fn found(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// The name under which a file or directory is copied: of `.` the directory's.
pub(super) fn name(path: &Path) -> Result<OsString, Problem> {
    if let Some(name) = path.file_name() {
        return Ok(name.to_owned());
    }
    let real = path.canonicalize()?;
    Ok(real.file_name().ok_or(Problem::Own("it has no name to be copied to"))?.to_owned())
}

/// The names in a directory, sorted.
pub(super) fn names(path: &Path) -> io::Result<Vec<OsString>> {
    let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Reads until the buffer is full or the file ends; gives the bytes.
pub(super) fn fill(file: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
