//! Files, by SFTP version 3 (draft-ietf-secsh-filexfer-02) with the extensions that OpenSSH's client uses, as the user.
//!
//! It serves one client on a thread of its own, with plain blocking calls, since disks wait without asking. Names are bytes,
//! as the kernel has them. Relative ones begin at the user's home.

mod handles;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags};

use crate::sftp::attributes::Attributes;
use crate::sftp::wire::{self, Fields, Packet, Wrong, extension, kind, status};
use handles::{Handle, Handles, MAX_HANDLES};

/// Bytes in one request: as OpenSSH has it. A longer one ends the session.
pub const MAX_REQUEST: usize = 256 * 1024;

/// Bytes that one read or write moves: the most that OpenSSH's client asks for.
const MAX_DATA: usize = 255 * 1024;

/// Bytes in a path (PATH_MAX in limits.h).
const MAX_PATH: usize = 4096;

/// Names in one answer, so that it is never longer than a request may be.
const NAMES_AT_ONCE: usize = 64;

/// Serves until the client ends, or says what is not SFTP. Relative paths begin at `home`; others lead wherever the user may go.
pub fn serve(mut input: impl Read, mut output: impl Write, home: &Path) {
    let mut server = Server { home, handles: Handles::default() };
    let mut request = Vec::new();
    while read_request(&mut input, &mut request).is_ok() {
        let Ok(answer) = server.answer(&request) else { return };
        if output.write_all(&answer.finish()).is_err() {
            return;
        }
    }
}

/// The length, then so many bytes.
fn read_request(input: &mut impl Read, request: &mut Vec<u8>) -> io::Result<()> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_REQUEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    request.resize(length, 0);
    input.read_exact(request)
}

struct Server<'a> {
    home: &'a Path,
    handles: Handles,
}

/// Why a request is answered with a status.
#[derive(Debug)]
enum Failure {
    /// The system says so.
    System(io::Error),
    /// The protocol says so.
    Status(u32, &'static str),
    /// It cannot be read: the session ends.
    Wrong,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        Self::System(error.into())
    }
}

impl From<Wrong> for Failure {
    fn from(_: Wrong) -> Self {
        Self::Wrong
    }
}

type Answered = Result<Packet, Failure>;

impl Server<'_> {
    fn answer(&mut self, request: &[u8]) -> Result<Packet, Wrong> {
        let mut request = Fields::new(request);
        let kind = request.byte()?;
        let id = request.number()?;
        if kind == kind::INIT {
            return Ok(wire::version());
        }
        match self.perform(kind, id, &mut request) {
            Ok(answer) => Ok(answer),
            Err(Failure::Status(code, text)) => Ok(wire::status(id, code, text)),
            Err(Failure::System(error)) => {
                let code = match error.kind() {
                    io::ErrorKind::NotFound => status::NO_SUCH_FILE,
                    io::ErrorKind::PermissionDenied => status::PERMISSION_DENIED,
                    _ => status::FAILURE,
                };
                Ok(wire::status(id, code, &error.to_string()))
            }
            Err(Failure::Wrong) => Err(Wrong),
        }
    }

    fn perform(&mut self, kind: u8, id: u32, request: &mut Fields<'_>) -> Answered {
        match kind {
            kind::OPEN => return self.open(id, request),
            kind::CLOSE => self.handles.remove(request.string()?)?,
            kind::READ => return self.read(id, request),
            kind::WRITE => {
                let file = self.handles.file(request.string()?)?;
                let offset = request.long()?;
                file.write_all_at(request.string()?, offset)?;
            }
            kind::LSTAT => {
                let metadata = fs::symlink_metadata(self.path(request)?)?;
                return Ok(wire::attributes(id, &Attributes::of(&metadata)));
            }
            kind::STAT => {
                let metadata = fs::metadata(self.path(request)?)?;
                return Ok(wire::attributes(id, &Attributes::of(&metadata)));
            }
            kind::FSTAT => {
                let metadata = self.handles.file(request.string()?)?.metadata()?;
                return Ok(wire::attributes(id, &Attributes::of(&metadata)));
            }
            kind::SETSTAT => {
                let path = self.path(request)?;
                Attributes::read(request)?.apply_to_path(&path)?;
            }
            kind::FSETSTAT => {
                let file = self.handles.file(request.string()?)?;
                Attributes::read(request)?.apply_to_file(file)?;
            }
            kind::OPENDIR => {
                let path = self.path(request)?;
                let names = fs::read_dir(&path)?;
                let handle = self.handles.insert(Handle::Directory(names))?;
                return Ok(wire::handle(id, handle));
            }
            kind::READDIR => return self.read_directory(id, request),
            kind::REMOVE => fs::remove_file(self.path(request)?)?,
            kind::MKDIR => {
                let path = self.path(request)?;
                let mode = Attributes::read(request)?.mode.unwrap_or(0o777) & 0o7777;
                fs::DirBuilder::new().mode(mode).create(path)?;
            }
            kind::RMDIR => fs::remove_dir(self.path(request)?)?,
            kind::REALPATH => {
                let path = real_path(&self.path(request)?)?;
                return Ok(wire::name(id, path.as_os_str().as_bytes()));
            }
            kind::RENAME => {
                let (from, to) = (self.path(request)?, self.path(request)?);
                rename_unless_there(&from, &to)?;
            }
            kind::READLINK => {
                let target = fs::read_link(self.path(request)?)?;
                return Ok(wire::name(id, target.as_os_str().as_bytes()));
            }
            kind::SYMLINK => {
                // OpenSSH has the two in this order, against the draft, and so has everybody since.
                let target = checked(request.string()?)?;
                std::os::unix::fs::symlink(target, self.path(request)?)?;
            }
            kind::EXTENDED => return self.extended(id, request),
            _ => return Err(Failure::Status(status::OP_UNSUPPORTED, "not known here")),
        }
        Ok(wire::status(id, status::OK, ""))
    }

    fn open(&mut self, id: u32, request: &mut Fields<'_>) -> Answered {
        let path = self.path(request)?;
        let wanted = request.number()?;
        let mode = Attributes::read(request)?.mode.unwrap_or(0o666) & 0o7777;
        let access = match (wanted & wire::open::READ != 0, wanted & wire::open::WRITE != 0) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            _ => OFlags::RDONLY,
        };
        // Not waiting for whoever opens the other end of a named pipe: nobody could end that.
        let mut flags = access | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        flags.set(OFlags::APPEND, wanted & wire::open::APPEND != 0);
        flags.set(OFlags::CREATE, wanted & wire::open::CREATE != 0);
        flags.set(OFlags::TRUNC, wanted & wire::open::TRUNCATE != 0);
        flags.set(OFlags::EXCL, wanted & wire::open::EXCLUSIVE != 0);
        if self.handles.are_full() {
            return Err(Failure::Status(status::FAILURE, "too many open files"));
        }
        let file = rustix::fs::open(path, flags, Mode::from_raw_mode(mode))?;
        Ok(wire::handle(id, self.handles.insert(Handle::File(file.into()))?))
    }

    fn read(&mut self, id: u32, request: &mut Fields<'_>) -> Answered {
        let file = self.handles.file(request.string()?)?;
        let offset = request.long()?;
        let length = usize::try_from(request.number()?).unwrap_or(MAX_DATA).min(MAX_DATA);
        wire::data(id, length, |bytes| file.read_at(bytes, offset))?
            .ok_or(Failure::Status(status::EOF, "end of file"))
    }

    fn read_directory(&mut self, id: u32, request: &mut Fields<'_>) -> Answered {
        let names = self.handles.directory(request.string()?)?;
        let mut found = Vec::new();
        for entry in names.take(NAMES_AT_ONCE) {
            let entry = entry?;
            let name = entry.file_name().as_bytes().to_vec();
            // One that has gone meanwhile is not there.
            if let Ok(metadata) = entry.metadata() {
                found.push((name, Attributes::of(&metadata)));
            }
        }
        if found.is_empty() {
            return Err(Failure::Status(status::EOF, "no more names"));
        }
        Ok(wire::names(id, &found))
    }

    fn extended(&mut self, id: u32, request: &mut Fields<'_>) -> Answered {
        match request.string()? {
            extension::POSIX_RENAME => {
                let (from, to) = (self.path(request)?, self.path(request)?);
                fs::rename(from, to)?;
            }
            extension::HARDLINK => {
                let (from, to) = (self.path(request)?, self.path(request)?);
                fs::hard_link(from, to)?;
            }
            extension::FSYNC => self.handles.file(request.string()?)?.sync_all()?,
            extension::STATVFS => {
                return Ok(wire::file_system(id, &rustix::fs::statvfs(self.path(request)?)?));
            }
            extension::FSTATVFS => {
                return Ok(wire::file_system(
                    id,
                    &rustix::fs::fstatvfs(self.handles.file(request.string()?)?)?,
                ));
            }
            extension::LIMITS => return Ok(wire::limits(id, MAX_REQUEST, MAX_DATA, MAX_HANDLES)),
            _ => return Err(Failure::Status(status::OP_UNSUPPORTED, "not known here")),
        }
        Ok(wire::status(id, status::OK, ""))
    }

    /// The next path of a request.
    fn path(&self, request: &mut Fields<'_>) -> Result<PathBuf, Failure> {
        Ok(self.home.join(checked(request.string()?)?))
    }
}

/// A path that the kernel could take.
fn checked(path: &[u8]) -> Result<&OsStr, Failure> {
    if path.len() >= MAX_PATH {
        return Err(Failure::Status(status::FAILURE, "the path is too long"));
    }
    if path.contains(&0) {
        return Err(Failure::Status(status::FAILURE, "there is a zero byte in the path"));
    }
    Ok(OsStr::from_bytes(path))
}

/// A path without links and dots. Its last part need not be there, so that clients can name what they are about to make.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Err(error), Some(folder), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(folder.canonicalize()?.join(name))
        }
        (result, ..) => result,
    }
}

/// Version 3 does not replace what is there.
fn rename_unless_there(from: &Path, to: &Path) -> Result<(), Failure> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems do not know how; between the two calls somebody may come in.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if fs::symlink_metadata(to).is_err() => {
            Ok(fs::rename(from, to)?)
        }
        result => Ok(result?),
    }
}

/// For requests that need a file and got something else.
const NO_SUCH_HANDLE: Failure = Failure::Status(status::FAILURE, "no such handle");
