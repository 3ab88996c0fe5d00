//! A file that people and programs change: locked, and replaced as a whole.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The system refuses.
#[derive(Debug, Error)]
#[error("{doing} {}: {error}", path.display())]
pub struct StoreError {
    /// What was being done.
    doing: &'static str,
    /// To which file.
    path: PathBuf,
    /// The system's reason.
    error: io::Error,
}

/// A file that no other writer changes until this is dropped.
pub(crate) struct Store {
    /// The file itself, where the path is a link to it.
    path: PathBuf,
    folder: PathBuf,
    _lock: File,
}

impl Store {
    /// Waits until no one else changes the file.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let path = followed(path).map_err(failed("following the link", path))?;
        let folder = folder_of(&path);
        let create = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        create.map_err(failed("creating the folder", &folder))?;
        // Not the file itself: that is another file after every change.
        let lock = beside(&path, ".lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock);
        let file = file.and_then(|file| file.lock().map(|()| file)).map_err(failed("locking", &lock))?;
        Ok(Self { path, folder, _lock: file })
    }

    /// What is in it; nothing is in a missing one.
    pub(crate) fn read(&self) -> Result<Vec<u8>, StoreError> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read.map_err(failed("reading", &self.path)),
        }
    }

    /// Puts a new text in the place of the old one, once it is on disk.
    pub(crate) fn replace(&self, text: &[u8]) -> Result<(), StoreError> {
        // The name is always the same, as the lock lets in one writer: what a killed one left is written over.
        let new = beside(&self.path, ".new");
        self.write(&new, text).map_err(failed("writing", &new))?;
        fs::rename(&new, &self.path).map_err(failed("replacing", &self.path))?;
        // Until the folder is on disk, the old name may come back after a power cut.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed("writing", &self.folder))
    }

    fn write(&self, new: &Path, text: &[u8]) -> io::Result<()> {
        match fs::remove_file(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Not to be read by others, not even for a moment.
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(new)?;
        if let Ok(old) = fs::metadata(&self.path) {
            // Only root may give a file away; for anybody else the file becomes theirs, as with most editors.
            let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
            file.set_permissions(Permissions::from_mode(old.mode() & 0o777))?;
        }
        file.write_all(text)?;
        file.sync_all()
    }
}

/// The file that a path leads to, whether or not it exists.
fn followed(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => Ok(folder_of(path).join(target)),
            Err(_) => Ok(path.to_owned()),
        },
        followed => followed,
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// `.book.toml.lock`
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(end);
    path.with_file_name(name)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError { doing, path, error }
}
