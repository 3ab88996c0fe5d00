//! Files: how a message offers them, how they are asked for, and the stream of a folder. What moves their bytes is
//! not here.
//!
//! One number, three spellings: the id of a file is decimal in the offer and hexadecimal in the request, and so is
//! the number of the packet that offered it; all else about files is hexadecimal.

mod name;
mod offer;
mod record;
mod request;

pub use name::{FileName, NameError};
pub use offer::{Offer, OfferError};
pub use record::{Item, Record, RecordError};
pub use request::{FileRequest, Wanted};

use std::fmt;

use crate::limits::MAX_EXTRAS;
use crate::number;

/// What kind of file it is: the low 8 bits of its attributes. Kinds that are not known here are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileKind(pub u8);

/// Attributes of a file as Windows has them: the upper 24 bits, in their place. Those that are not known here are
/// kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FileAttributes(u32);

/// Something more about a file, as a number: a time, or where an image stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extra {
    /// What it is about.
    pub key: ExtraKey,
    /// The number; times are seconds since 1970.
    pub value: u64,
}

/// What an [`Extra`] is about. Owners, permissions and access lists have keys too; none of them is taken from a peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExtraKey(pub u32);

impl FileKind {
    /// A file.
    pub const REGULAR: Self = Self(0x01);
    /// A folder.
    pub const DIRECTORY: Self = Self(0x02);
    /// In the stream of a folder: the folder last begun is complete.
    pub const PARENT: Self = Self(0x03);
    /// A symbolic link; never made here.
    pub const SYMLINK: Self = Self(0x04);
    /// An image that stands in the text of the message.
    pub const CLIPBOARD: Self = Self(0x20);
}

impl FileAttributes {
    /// May be read only.
    pub const READ_ONLY: Self = Self(0x0100);
    /// Not shown.
    pub const HIDDEN: Self = Self(0x1000);

    /// Whether all of these are among them.
    #[must_use]
    pub const fn has(self, attributes: Self) -> bool {
        self.0 & attributes.0 == attributes.0
    }
}

impl ExtraKey {
    /// Where an image stands in the text: characters before it, with one for each earlier image.
    pub const CLIPBOARD_POSITION: Self = Self(0x08);
    /// When the file was last written.
    pub const MODIFIED: Self = Self(0x14);
    /// When the file was made.
    pub const CREATED: Self = Self(0x16);
}

/// Kind and attributes stand in one number.
fn attributes(field: &[u8]) -> Option<(FileKind, FileAttributes)> {
    let number = number::hex32(field)?;
    Some((FileKind(number.to_le_bytes()[0]), FileAttributes(number & !0xff)))
}

/// `key=value` in each field. What is no number (an owner's name), and what has several values, is skipped.
fn extras<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Vec<Extra> {
    let pairs = fields.take(MAX_EXTRAS).filter_map(|field| {
        let equals = field.iter().position(|byte| *byte == b'=')?;
        let key = ExtraKey(number::hex32(&field[..equals])?);
        Some(Extra { key, value: number::hex64(&field[equals + 1..])? })
    });
    pairs.collect()
}

/// `:attributes`, `:key=value` for each, and the closing colon, as offers and records end alike.
fn write_tail(bytes: &mut Vec<u8>, kind: FileKind, attributes: FileAttributes, extras: &[Extra]) {
    bytes.extend_from_slice(format!(":{:x}", attributes.0 | u32::from(kind.0)).as_bytes());
    for extra in extras {
        bytes.extend_from_slice(format!(":{:x}={:x}", extra.key.0, extra.value).as_bytes());
    }
    bytes.push(b':');
}

impl fmt::Debug for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

impl fmt::Debug for FileAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for ExtraKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
