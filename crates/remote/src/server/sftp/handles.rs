//! What a client has open.

use std::collections::HashMap;
use std::fs::{File, ReadDir};

use super::{Failure, NO_SUCH_HANDLE};
use crate::sftp::wire::status;

/// Files and directories that a client may have open at one time. OpenSSH's has a few; more would fill the process's
/// table of descriptors.
pub(super) const MAX_HANDLES: usize = 128;

/// Open files and directories by number.
#[derive(Default)]
pub(super) struct Handles {
    open: HashMap<u32, Handle>,
    last: u32,
}

pub(super) enum Handle {
    File(File),
    Directory(ReadDir),
}

impl Handles {
    pub(super) fn are_full(&self) -> bool {
        self.open.len() >= MAX_HANDLES
    }

    pub(super) fn insert(&mut self, handle: Handle) -> Result<u32, Failure> {
        if self.are_full() {
            return Err(Failure::Status(status::FAILURE, "too many open files"));
        }
        // A number comes again after four thousand million others.
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, handle);
        Ok(self.last)
    }

    pub(super) fn remove(&mut self, handle: &[u8]) -> Result<(), Failure> {
        self.open.remove(&number(handle)?).map(drop).ok_or(NO_SUCH_HANDLE)
    }

    pub(super) fn file(&self, handle: &[u8]) -> Result<&File, Failure> {
        match self.open.get(&number(handle)?) {
            Some(Handle::File(file)) => Ok(file),
            _ => Err(NO_SUCH_HANDLE),
        }
    }

    pub(super) fn directory(&mut self, handle: &[u8]) -> Result<&mut ReadDir, Failure> {
        match self.open.get_mut(&number(handle)?) {
            Some(Handle::Directory(names)) => Ok(names),
            _ => Err(NO_SUCH_HANDLE),
        }
    }
}

fn number(handle: &[u8]) -> Result<u32, Failure> {
    handle.try_into().map(u32::from_be_bytes).map_err(|_| NO_SUCH_HANDLE)
}
