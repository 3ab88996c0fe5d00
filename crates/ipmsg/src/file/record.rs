//! The stream of a folder: records, each a head `hhhh:name:size:attributes:[key=value:...]` and then its contents.
//!
//! `hhhh` is the length of the head in hexadecimal, from its own first digit to the last colon. A folder's record
//! goes down into it and [`Item::Parent`] goes up again; the stream ends when the folder that was asked for is
//! closed.

use thiserror::Error;

use super::{Extra, FileAttributes, FileKind, FileName, NameError, attributes, extras, write_tail};
use crate::body::BuildError;
use crate::charset::{Dialect, Reader};
use crate::limits::MAX_RECORD;
use crate::number;

/// The head of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What follows, or happens.
    pub item: Item,
    /// Windows' attributes.
    pub attributes: FileAttributes,
    /// What else is known of it, as far as it is numbers.
    pub extras: Vec<Extra>,
}

/// What a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A folder begins; what follows is in it. Where its name is not safe, all of it is to be skipped.
    Directory {
        /// Its name.
        name: Result<FileName, NameError>,
    },
    /// A file; this many bytes follow, to be skipped where its name is not safe.
    File {
        /// Its name.
        name: Result<FileName, NameError>,
        /// Bytes that follow.
        size: u64,
    },
    /// The folder last begun is complete. There may be more of these than folders: who follows them up counts.
    Parent,
    /// Something that is not made here, as links and devices; this many bytes follow, to be skipped.
    Skipped {
        /// What it is.
        kind: FileKind,
        /// Bytes that follow.
        size: u64,
    },
}

/// Why bytes are no record. The stream cannot be read any further.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RecordError {
    /// No four hexadecimal digits and a colon at the beginning.
    #[error("a record of a folder does not begin with its length")]
    NoLength,
    /// A head that is too long, or shorter than its own beginning.
    #[error("the head of a record has {length} bytes, it must have 6 to {MAX_RECORD}")]
    Length {
        /// What it says.
        length: usize,
    },
    /// The head ends before this field, or has something else in its place.
    #[error("a record of a folder has no {0}")]
    Missing(&'static str),
}

/// `hhhh:`.
const LENGTH: usize = 5;

impl Record {
    /// Reads the head at the beginning of what has come, and says how many bytes it has. None means that more is
    /// needed, at most [`MAX_RECORD`] in all. `utf8` is whether the request had [`crate::Options::UTF8`].
    ///
    /// # Errors
    /// As soon as it is certain that this is no record.
    pub fn parse(
        stream: &[u8],
        reader: &mut Reader,
        utf8: bool,
    ) -> Result<Option<(Self, usize)>, RecordError> {
        let digits = &stream[..stream.len().min(LENGTH - 1)];
        if !digits.iter().all(u8::is_ascii_hexdigit)
            || stream.get(LENGTH - 1).is_some_and(|byte| *byte != b':')
        {
            return Err(RecordError::NoLength);
        }
        if stream.len() < LENGTH {
            return Ok(None);
        }
        let length = number::hex32(digits).and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or(RecordError::NoLength)?;
        if !(LENGTH + 1..=MAX_RECORD).contains(&length) {
            return Err(RecordError::Length { length });
        }
        let Some(head) = stream.get(LENGTH..length) else { return Ok(None) };
        if !head.ends_with(b":") {
            return Err(RecordError::Missing("colon at its end"));
        }
        Ok(Some((Self::parse_head(head, reader, utf8)?, length)))
    }

    fn parse_head(head: &[u8], reader: &mut Reader, utf8: bool) -> Result<Self, RecordError> {
        let (name, end) = FileName::cut(head).ok_or(RecordError::Missing("name"))?;
        let mut fields = head[end..].split(|byte| *byte == b':');
        let size = fields.next().and_then(number::hex64).ok_or(RecordError::Missing("size"))?;
        let (kind, attributes) =
            fields.next().and_then(attributes).ok_or(RecordError::Missing("attributes"))?;
        let mut name = || FileName::read(&name, reader, utf8);
        let item = match kind {
            FileKind::DIRECTORY => Item::Directory { name: name() },
            FileKind::REGULAR => Item::File { name: name(), size },
            FileKind::PARENT => Item::Parent,
            kind => Item::Skipped { kind, size },
        };
        Ok(Self { item, attributes, extras: extras(fields) })
    }

    /// Writes the head.
    ///
    /// # Errors
    /// When the name cannot be written, or the head is longer than [`MAX_RECORD`].
    pub fn build(&self, dialect: Dialect) -> Result<Vec<u8>, BuildError> {
        let (name, size, kind) = match &self.item {
            Item::Directory { name } => (name.clone()?.write(dialect.charset)?, 0, FileKind::DIRECTORY),
            Item::File { name, size } => (name.clone()?.write(dialect.charset)?, *size, FileKind::REGULAR),
            Item::Parent => (b".".to_vec(), 0, FileKind::PARENT),
            Item::Skipped { .. } => return Err(BuildError::NotWritten),
        };
        let mut head = b"0000:".to_vec();
        head.extend_from_slice(&name);
        head.extend_from_slice(format!(":{size:09x}").as_bytes());
        write_tail(&mut head, kind, self.attributes, &self.extras);
        if head.len() > MAX_RECORD {
            return Err(BuildError::RecordTooLong { length: head.len() });
        }
        let length = format!("{:04x}", head.len());
        head[..LENGTH - 1].copy_from_slice(length.as_bytes());
        Ok(head)
    }
}
