//! Socket files: made with the right mode from the first moment, replaced when stale, removed when ours.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use socket2::{SockAddr, Socket};

use super::ListenError;
use crate::Endpoint;
use crate::census;

/// A socket file that was made here. It is removed when this is dropped, unless another has taken its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    /// Absolute, so that a change of the working directory does not matter.
    path: PathBuf,
    identity: Identity,
}

/// What tells a file from another of the same name.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Binds the socket to the path. A file that a server has left behind is replaced; whatever else is there
    /// is not.
    pub(super) fn claim(socket: &Socket, at: &Endpoint, path: &Path, mode: u32) -> Result<Self, ListenError> {
        let refused = |doing| ListenError::at_file(at, path, doing);
        match bind_with_mode(socket, path, mode) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(at, path)?;
                bind_with_mode(socket, path, mode).map_err(refused("bind"))?;
            }
            bound => bound.map_err(refused("bind"))?,
        }
        let absolute = std::path::absolute(path).map_err(refused("path"))?;
        let made = absolute.symlink_metadata().map_err(refused("stat"))?;
        let file = Self { path: absolute, identity: Identity::of(&made) };
        // The umask may have taken away what was asked for.
        if made.mode() & 0o777 != mode & 0o777 {
            let permissions = std::fs::Permissions::from_mode(mode & 0o777);
            std::fs::set_permissions(path, permissions).map_err(refused("chmod"))?;
        }
        Ok(file)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.path.symlink_metadata().is_ok_and(|now| Identity::of(&now) == self.identity) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Identity {
    fn of(file: &std::fs::Metadata) -> Self {
        Self { device: file.dev(), inode: file.ino() }
    }
}

/// Linux makes the file with the mode that the socket itself has, less the umask (`unix_bind_bsd` in
/// net/unix/af_unix.c). So it is never wider than asked for, not even for a moment, and the umask, which belongs
/// to every thread of the process, is left alone.
fn bind_with_mode(socket: &Socket, path: &Path, mode: u32) -> io::Result<()> {
    rustix::fs::fchmod(socket, Mode::from_raw_mode(mode & 0o777))?;
    socket.bind(&SockAddr::unix(path)?)
}

/// Removes the socket file of a server that is gone.
fn remove_stale(at: &Endpoint, path: &Path) -> Result<(), ListenError> {
    let refused = |error| ListenError::at_file(at, path, "replacing the old socket file")(error);
    let found = path.symlink_metadata().map_err(refused)?;
    if !found.file_type().is_socket() {
        return Err(ListenError::NotASocket { at: at.clone(), what: name_of(found.file_type()) });
    }
    if is_alive(path).map_err(refused)? {
        return Err(ListenError::FileTaken { at: at.clone(), holder: census::holder(at) });
    }
    // Another server may have found it stale, too, and have its own there by now.
    let now = path.symlink_metadata().map_err(refused)?;
    if Identity::of(&now) != Identity::of(&found) {
        return Err(ListenError::FileTaken { at: at.clone(), holder: census::holder(at) });
    }
    std::fs::remove_file(path).map_err(refused)
}

/// Whether a process holds the socket behind the file. Asked by connecting a socket for datagrams: a socket for
/// streams refuses it as of the wrong type (EPROTOTYPE), one for datagrams is told nothing of it, and only a file
/// without a socket gives ECONNREFUSED. So no server sees a connection that nobody wanted, and nothing waits.
fn is_alive(path: &Path) -> io::Result<bool> {
    match UnixDatagram::unbound()?.connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(true),
    }
}

fn name_of(kind: std::fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a named pipe"
    } else {
        "a file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Type};

    #[test]
    fn the_file_has_its_mode_from_the_first_moment() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o400, 0o700] {
            let path = folder.path().join(mode.to_string());
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            bind_with_mode(&socket, &path, mode).unwrap();
            assert_eq!(path.symlink_metadata().unwrap().mode() & 0o777, mode, "before any chmod");
        }
    }
}
