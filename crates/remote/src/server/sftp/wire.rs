//! Bytes of SFTP: numbers are big-endian, a string is its length and its bytes.

use rustix::fs::StatVfs;

use super::attributes::Attributes;

/// A request cannot be read to its end.
#[derive(Debug)]
pub(super) struct Wrong;

/// The types of packets.
pub(super) mod kind {
    pub(in super::super) const INIT: u8 = 1;
    pub(in super::super) const VERSION: u8 = 2;
    pub(in super::super) const OPEN: u8 = 3;
    pub(in super::super) const CLOSE: u8 = 4;
    pub(in super::super) const READ: u8 = 5;
    pub(in super::super) const WRITE: u8 = 6;
    pub(in super::super) const LSTAT: u8 = 7;
    pub(in super::super) const FSTAT: u8 = 8;
    pub(in super::super) const SETSTAT: u8 = 9;
    pub(in super::super) const FSETSTAT: u8 = 10;
    pub(in super::super) const OPENDIR: u8 = 11;
    pub(in super::super) const READDIR: u8 = 12;
    pub(in super::super) const REMOVE: u8 = 13;
    pub(in super::super) const MKDIR: u8 = 14;
    pub(in super::super) const RMDIR: u8 = 15;
    pub(in super::super) const REALPATH: u8 = 16;
    pub(in super::super) const STAT: u8 = 17;
    pub(in super::super) const RENAME: u8 = 18;
    pub(in super::super) const READLINK: u8 = 19;
    pub(in super::super) const SYMLINK: u8 = 20;
    pub(in super::super) const STATUS: u8 = 101;
    pub(in super::super) const HANDLE: u8 = 102;
    pub(in super::super) const DATA: u8 = 103;
    pub(in super::super) const NAME: u8 = 104;
    pub(in super::super) const ATTRS: u8 = 105;
    pub(in super::super) const EXTENDED: u8 = 200;
    pub(in super::super) const EXTENDED_REPLY: u8 = 201;
}

/// How a request ended.
pub(super) mod status {
    pub(in super::super) const OK: u32 = 0;
    pub(in super::super) const EOF: u32 = 1;
    pub(in super::super) const NO_SUCH_FILE: u32 = 2;
    pub(in super::super) const PERMISSION_DENIED: u32 = 3;
    pub(in super::super) const FAILURE: u32 = 4;
    pub(in super::super) const OP_UNSUPPORTED: u32 = 8;
}

/// What a file is opened for.
pub(super) mod open {
    pub(in super::super) const READ: u32 = 1;
    pub(in super::super) const WRITE: u32 = 2;
    pub(in super::super) const APPEND: u32 = 4;
    pub(in super::super) const CREATE: u32 = 8;
    pub(in super::super) const TRUNCATE: u32 = 16;
    pub(in super::super) const EXCLUSIVE: u32 = 32;
}

/// Extensions (OpenSSH's PROTOCOL, section 4).
pub(super) mod extension {
    pub(in super::super) const POSIX_RENAME: &[u8] = b"posix-rename@openssh.com";
    pub(in super::super) const STATVFS: &[u8] = b"statvfs@openssh.com";
    pub(in super::super) const FSTATVFS: &[u8] = b"fstatvfs@openssh.com";
    pub(in super::super) const HARDLINK: &[u8] = b"hardlink@openssh.com";
    pub(in super::super) const FSYNC: &[u8] = b"fsync@openssh.com";
    pub(in super::super) const LIMITS: &[u8] = b"limits@openssh.com";
}

/// What a client asks, from front to back.
pub(super) struct Request<'a>(&'a [u8]);

impl<'a> Request<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Wrong> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Result<u32, Wrong> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn long(&mut self) -> Result<u64, Wrong> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], Wrong> {
        let length = usize::try_from(self.number()?).map_err(|_| Wrong)?;
        let (string, rest) = self.0.split_at_checked(length).ok_or(Wrong)?;
        self.0 = rest;
        Ok(string)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Wrong)?;
        self.0 = rest;
        Ok(*array)
    }
}

/// What a client is answered.
pub(super) struct Answer(Vec<u8>);

impl Answer {
    fn new(kind: u8, id: u32) -> Self {
        Self::of(kind).number(id)
    }

    fn of(kind: u8) -> Self {
        Self(vec![0, 0, 0, 0, kind])
    }

    pub(super) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(super) fn long(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    fn string(self, string: &[u8]) -> Self {
        let mut answer = self.number(short(string.len()));
        answer.0.extend_from_slice(string);
        answer
    }

    /// With its length in front.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let length = short(self.0.len() - 4);
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        self.0
    }
}

pub(super) fn version() -> Answer {
    let mut answer = Answer::of(kind::VERSION).number(3);
    for (name, version) in [
        (extension::POSIX_RENAME, "1"),
        (extension::STATVFS, "2"),
        (extension::FSTATVFS, "2"),
        (extension::HARDLINK, "1"),
        (extension::FSYNC, "1"),
        (extension::LIMITS, "1"),
    ] {
        answer = answer.string(name).string(version.as_bytes());
    }
    answer
}

pub(super) fn status(id: u32, code: u32, text: &str) -> Answer {
    Answer::new(kind::STATUS, id).number(code).string(text.as_bytes()).string(b"en")
}

pub(super) fn handle(id: u32, handle: u32) -> Answer {
    Answer::new(kind::HANDLE, id).string(&handle.to_be_bytes())
}

/// Bytes of a file, read to where they are sent from. None: there are none.
pub(super) fn data(
    id: u32,
    length: usize,
    read: impl FnOnce(&mut [u8]) -> std::io::Result<usize>,
) -> std::io::Result<Option<Answer>> {
    let mut answer = Answer::new(kind::DATA, id).number(0).0;
    let start = answer.len();
    answer.resize(start + length, 0);
    let length = read(&mut answer[start..])?;
    answer.truncate(start + length);
    answer[start - 4..start].copy_from_slice(&short(length).to_be_bytes());
    Ok((length > 0).then_some(Answer(answer)))
}

pub(super) fn attributes(id: u32, attributes: &Attributes) -> Answer {
    attributes.write(Answer::new(kind::ATTRS, id))
}

/// One name, of which nothing else is said.
pub(super) fn name(id: u32, name: &[u8]) -> Answer {
    Attributes::default().write(Answer::new(kind::NAME, id).number(1).string(name).string(name))
}

pub(super) fn names(id: u32, names: &[(Vec<u8>, Attributes)]) -> Answer {
    let mut answer = Answer::new(kind::NAME, id).number(short(names.len()));
    for (name, attributes) in names {
        answer = attributes.write(answer.string(name).string(&attributes.long_name(name)));
    }
    answer
}

pub(super) fn file_system(id: u32, of: &StatVfs) -> Answer {
    let numbers = [
        of.f_bsize,
        of.f_frsize,
        of.f_blocks,
        of.f_bfree,
        of.f_bavail,
        of.f_files,
        of.f_ffree,
        of.f_favail,
        of.f_fsid,
    ];
    let answer = numbers.into_iter().fold(Answer::new(kind::EXTENDED_REPLY, id), Answer::long);
    answer.long(of.f_flag.bits() & 3).long(of.f_namemax)
}

/// Longest packet, read and write, most handles.
pub(super) fn limits(id: u32, packet: usize, data: usize, handles: usize) -> Answer {
    let long = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let answer = Answer::new(kind::EXTENDED_REPLY, id).long(long(packet));
    answer.long(long(data)).long(long(data)).long(long(handles))
}

/// Nothing in here is longer than an answer, and no answer longer than half a megabyte.
fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
