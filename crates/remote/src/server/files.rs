//! Access by files in the format of [`crate::authorized_keys`].

mod disk;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::access::{Access, Credential, Grant, Judging, Login, Refusal};
use super::certificate;
use crate::authorized_keys::{AuthorizedKeys, Line, MAX_FILE, Note};

/// The keys of some files. Each is read anew when it has changed; one that is not there has no keys.
///
/// A file that others may write to is not believed: they could let themselves in. Its owner must be the user or root.
#[derive(Clone)]
pub struct KeyFiles {
    files: Arc<[KeyFile]>,
    read: Arc<Mutex<HashMap<PathBuf, Read>>>,
}

struct KeyFile {
    path: PathBuf,
    /// A look at it waits for no network.
    is_local: bool,
}

/// A file as it was read last.
struct Read {
    version: Version,
    keys: Arc<AuthorizedKeys>,
}

/// What changes when a file does.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    modified: SystemTime,
    length: u64,
    inode: u64,
}

/// What a look at a file tells.
enum Seen {
    /// It is as it was when it was read, or not there.
    Known(Arc<AuthorizedKeys>),
    /// It must be read.
    Changed(Version),
}

impl KeyFiles {
    /// The files, in the order in which they are asked.
    #[must_use]
    pub fn new(files: Vec<PathBuf>) -> Self {
        let files = files.into_iter().map(|path| KeyFile { is_local: disk::is_local(&path), path });
        Self { files: files.collect(), read: Arc::default() }
    }

    /// What is wrong in the files now.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        let note = |file: &Path, text| vec![Note { file: file.to_owned(), line: 0, text }];
        self.files
            .iter()
            .flat_map(|KeyFile { path: file, .. }| match self.look_and_read(file) {
                Ok(keys) => keys.notes.clone(),
                Err(Refusal::File { file, wrong }) => note(&file, wrong),
                Err(other) => note(file, other.to_string()),
            })
            .collect()
    }

    /// Whether a file has changed. On a local disk it takes a few microseconds; to do it elsewhere would take twenty times as
    /// long, at each login.
    fn look(&self, file: &Path) -> Result<Seen, Refusal> {
        let metadata = match file.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seen::Known(Arc::default())),
            Err(error) => return Err(unreadable(file, &error)),
        };
        check_owner(file, &metadata).map_err(|wrong| refusal(file, wrong))?;
        let version = Version {
            modified: metadata.modified().map_err(|error| unreadable(file, &error))?,
            length: metadata.len(),
            inode: metadata.ino(),
        };
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let known = read.get(file).filter(|read| read.version == version);
        Ok(known.map_or(Seen::Changed(version), |read| Seen::Known(read.keys.clone())))
    }

    /// Reads a file that has changed.
    fn read(&self, file: &Path, version: Version) -> Result<Arc<AuthorizedKeys>, Refusal> {
        if version.length > u64::try_from(MAX_FILE).unwrap_or(u64::MAX) {
            return Err(refusal(file, format!("longer than {MAX_FILE} bytes")));
        }
        let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
        let keys = Arc::new(AuthorizedKeys::parse(file, &bytes));
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(file.to_owned(), Read { version, keys: keys.clone() });
        Ok(keys)
    }

    /// The keys of a file as it is now; it may wait for a disk.
    fn look_and_read(&self, file: &Path) -> Result<Arc<AuthorizedKeys>, Refusal> {
        match self.look(file)? {
            Seen::Known(keys) => Ok(keys),
            Seen::Changed(version) => self.read(file, version),
        }
    }

    /// As [`Self::look_and_read`], without keeping any connection waiting for a disk.
    async fn current(&self, file: &KeyFile) -> Result<Arc<AuthorizedKeys>, Refusal> {
        if file.is_local
            && let Seen::Known(keys) = self.look(&file.path)?
        {
            return Ok(keys);
        }
        let (this, path) = (self.clone(), file.path.clone());
        let read = tokio::task::spawn_blocking(move || this.look_and_read(&path)).await;
        read.unwrap_or_else(|error| Err(refusal(&file.path, format!("reading it: {error}"))))
    }
}

impl Access for KeyFiles {
    fn judge(&self, login: Login) -> Judging<'_> {
        Box::pin(async move {
            let mut refusal = Refusal::Unknown;
            for file in self.files.iter() {
                let keys = match self.current(file).await {
                    Ok(keys) => keys,
                    Err(error) => {
                        refusal = error;
                        continue;
                    }
                };
                for line in keys.lines.iter().filter(|line| speaks_of(line, &login.credential)) {
                    match judge_line(&file.path, line, &login) {
                        Ok(grant) => return Ok(grant),
                        Err(error) => refusal = error,
                    }
                }
            }
            Err(refusal)
        })
    }

    fn takes_certificates(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move {
            for file in self.files.iter() {
                let keys = self.current(file).await;
                if keys.is_ok_and(|keys| keys.lines.iter().any(|line| line.options.authority)) {
                    return true;
                }
            }
            false
        })
    }
}

fn refusal(file: &Path, wrong: String) -> Refusal {
    Refusal::File { file: file.to_owned(), wrong }
}

fn unreadable(file: &Path, error: &io::Error) -> Refusal {
    refusal(file, format!("reading it: {error}"))
}

/// As sshd's StrictModes: file and folder belong to the user or root, and nobody else may write there.
fn check_owner(file: &Path, metadata: &std::fs::Metadata) -> Result<(), String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder_metadata = folder.metadata().map_err(|error| format!("reading its folder: {error}"))?;
    let me = rustix::process::geteuid().as_raw();
    for (place, metadata) in [(file, metadata), (folder, &folder_metadata)] {
        if metadata.uid() != 0 && metadata.uid() != me {
            return Err(format!("{} belongs to somebody else", place.display()));
        }
        if metadata.mode() & 0o022 != 0 {
            let place = place.display();
            return Err(format!("others may write to {place}; to mend it: chmod go-w {place}"));
        }
    }
    Ok(())
}

fn speaks_of(line: &Line, credential: &Credential) -> bool {
    match credential {
        Credential::Key(key) => !line.options.authority && line.key.key_data() == key.key_data(),
        Credential::Certificate(certificate) => {
            line.options.authority && line.key.key_data() == certificate.signature_key()
        }
    }
}

fn judge_line(file: &Path, line: &Line, login: &Login) -> Result<Grant, Refusal> {
    let options = &line.options;
    let place = || format!("{}:{}", file.display(), line.number);
    if options.from.as_ref().is_some_and(|from| !from.admit(login.address)) {
        return Err(Refusal::From { place: place(), address: login.address });
    }
    if options.expires.is_some_and(|end| end <= login.now) {
        return Err(Refusal::Expired(place()));
    }
    if let Credential::Certificate(shown) = &login.credential {
        return certificate::judge(shown, options, login);
    }
    Ok(Grant {
        label: line.comment.clone(),
        command: options.command.clone(),
        pty: options.pty,
        forwarding: options.forwarding.clone(),
        until: options.expires,
    })
}

#[cfg(test)]
mod tests;
