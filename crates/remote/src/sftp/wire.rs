//! Bytes of SFTP: numbers are big-endian, a string is its length and its bytes.

use rustix::fs::StatVfs;

use super::attributes::Attributes;

/// A packet cannot be read to its end.
#[derive(Debug)]
pub(crate) struct Wrong;

/// The types of packets.
pub(crate) mod kind {
    pub(crate) const INIT: u8 = 1;
    pub(crate) const VERSION: u8 = 2;
    pub(crate) const OPEN: u8 = 3;
    pub(crate) const CLOSE: u8 = 4;
    pub(crate) const READ: u8 = 5;
    pub(crate) const WRITE: u8 = 6;
    pub(crate) const LSTAT: u8 = 7;
    pub(crate) const FSTAT: u8 = 8;
    pub(crate) const SETSTAT: u8 = 9;
    pub(crate) const FSETSTAT: u8 = 10;
    pub(crate) const OPENDIR: u8 = 11;
    pub(crate) const READDIR: u8 = 12;
    pub(crate) const REMOVE: u8 = 13;
    pub(crate) const MKDIR: u8 = 14;
    pub(crate) const RMDIR: u8 = 15;
    pub(crate) const REALPATH: u8 = 16;
    pub(crate) const STAT: u8 = 17;
    pub(crate) const RENAME: u8 = 18;
    pub(crate) const READLINK: u8 = 19;
    pub(crate) const SYMLINK: u8 = 20;
    pub(crate) const STATUS: u8 = 101;
    pub(crate) const HANDLE: u8 = 102;
    pub(crate) const DATA: u8 = 103;
    pub(crate) const NAME: u8 = 104;
    pub(crate) const ATTRS: u8 = 105;
    pub(crate) const EXTENDED: u8 = 200;
    pub(crate) const EXTENDED_REPLY: u8 = 201;
}

/// How a request ended.
pub(crate) mod status {
    pub(crate) const OK: u32 = 0;
    pub(crate) const EOF: u32 = 1;
    pub(crate) const NO_SUCH_FILE: u32 = 2;
    pub(crate) const PERMISSION_DENIED: u32 = 3;
    pub(crate) const FAILURE: u32 = 4;
    pub(crate) const OP_UNSUPPORTED: u32 = 8;
}

/// What a file is opened for.
pub(crate) mod open {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 2;
    pub(crate) const APPEND: u32 = 4;
    pub(crate) const CREATE: u32 = 8;
    pub(crate) const TRUNCATE: u32 = 16;
    pub(crate) const EXCLUSIVE: u32 = 32;
}

/// Extensions (OpenSSH's PROTOCOL, section 4).
pub(crate) mod extension {
    pub(crate) const POSIX_RENAME: &[u8] = b"posix-rename@openssh.com";
    pub(crate) const STATVFS: &[u8] = b"statvfs@openssh.com";
    pub(crate) const FSTATVFS: &[u8] = b"fstatvfs@openssh.com";
    pub(crate) const HARDLINK: &[u8] = b"hardlink@openssh.com";
    pub(crate) const FSYNC: &[u8] = b"fsync@openssh.com";
    pub(crate) const LIMITS: &[u8] = b"limits@openssh.com";
}

/// What stands in a packet, from front to back.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Wrong> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self) -> Result<u32, Wrong> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn long(&mut self) -> Result<u64, Wrong> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn string(&mut self) -> Result<&'a [u8], Wrong> {
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

/// A packet that is being made.
pub(crate) struct Packet(Vec<u8>);

impl Packet {
    pub(crate) fn new(kind: u8, id: u32) -> Self {
        Self::of(kind).number(id)
    }

    pub(crate) fn of(kind: u8) -> Self {
        Self(vec![0, 0, 0, 0, kind])
    }

    pub(crate) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn string(self, string: &[u8]) -> Self {
        let mut answer = self.number(short(string.len()));
        answer.0.extend_from_slice(string);
        answer
    }

    /// With its length in front.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let length = short(self.0.len() - 4);
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        self.0
    }
}

pub(crate) fn version() -> Packet {
    let mut answer = Packet::of(kind::VERSION).number(3);
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

pub(crate) fn status(id: u32, code: u32, text: &str) -> Packet {
    Packet::new(kind::STATUS, id).number(code).string(text.as_bytes()).string(b"en")
}

pub(crate) fn handle(id: u32, handle: u32) -> Packet {
    Packet::new(kind::HANDLE, id).string(&handle.to_be_bytes())
}

/// Bytes of a file, read to where they are sent from. None: there are none.
pub(crate) fn data(
    id: u32,
    length: usize,
    read: impl FnOnce(&mut [u8]) -> std::io::Result<usize>,
) -> std::io::Result<Option<Packet>> {
    let mut answer = Packet::new(kind::DATA, id).number(0).0;
    let start = answer.len();
    answer.resize(start + length, 0);
    let length = read(&mut answer[start..])?;
    answer.truncate(start + length);
    answer[start - 4..start].copy_from_slice(&short(length).to_be_bytes());
    Ok((length > 0).then_some(Packet(answer)))
}

pub(crate) fn attributes(id: u32, attributes: &Attributes) -> Packet {
    attributes.write(Packet::new(kind::ATTRS, id))
}

/// One name, of which nothing else is said.
pub(crate) fn name(id: u32, name: &[u8]) -> Packet {
    Attributes::default().write(Packet::new(kind::NAME, id).number(1).string(name).string(name))
}

pub(crate) fn names(id: u32, names: &[(Vec<u8>, Attributes)]) -> Packet {
    let mut answer = Packet::new(kind::NAME, id).number(short(names.len()));
    for (name, attributes) in names {
        answer = attributes.write(answer.string(name).string(&attributes.long_name(name)));
    }
    answer
}

pub(crate) fn file_system(id: u32, of: &StatVfs) -> Packet {
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
    let answer = numbers.into_iter().fold(Packet::new(kind::EXTENDED_REPLY, id), Packet::long);
    answer.long(of.f_flag.bits() & 3).long(of.f_namemax)
}

/// Longest packet, read and write, most handles.
pub(crate) fn limits(id: u32, packet: usize, data: usize, handles: usize) -> Packet {
    let long = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let answer = Packet::new(kind::EXTENDED_REPLY, id).long(long(packet));
    answer.long(long(data)).long(long(data)).long(long(handles))
}

/// Nothing in here is longer than an answer, and no answer longer than half a megabyte.
fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
