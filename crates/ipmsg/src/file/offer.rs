//! Files that a message offers: `id:name:size:mtime:attributes[:key=value...]:\a` for each.

use thiserror::Error;

use super::{Extra, FileAttributes, FileKind, FileName, NameError, attributes, extras, write_tail};
use crate::body::BuildError;
use crate::charset::{Charset, Reader};
use crate::limits::MAX_OFFERS;
use crate::number;

/// A file, a folder or an image that a message offers. Nothing of it is fetched unless somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// By which it is asked for, together with the number of the packet.
    pub id: u32,
    /// Its name.
    pub name: FileName,
    /// Bytes. For a folder it is a guess, and never 0: iptux shows an empty folder as received already.
    pub size: u64,
    /// When it was last written, in seconds since 1970; 0 where it is not known.
    pub modified: u64,
    /// What it is.
    pub kind: FileKind,
    /// Windows' attributes.
    pub attributes: FileAttributes,
    /// What else is known of it, as far as it is numbers.
    pub extras: Vec<Extra>,
}

/// Why something offered is not taken. The message and its other offers are.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OfferError {
    /// The offer ends before this field, or has something else in its place.
    #[error("the offer of a file has no {0}")]
    Missing(&'static str),
    /// A name that is not safe.
    #[error(transparent)]
    Name(#[from] NameError),
    /// More offers than are looked at.
    #[error("a message offers at most {MAX_OFFERS} files; those beyond are left out")]
    TooMany,
}

const SEPARATOR: u8 = b'\x07';

impl Offer {
    /// Reads the section of a message that has its offers.
    pub(crate) fn list(section: &[u8], reader: &mut Reader, utf8: bool) -> Vec<Result<Self, OfferError>> {
        // iptux and FeiQ also write a colon behind the separator.
        let offers =
            section.split(|byte| *byte == SEPARATOR).map(|offer| offer.strip_prefix(b":").unwrap_or(offer));
        let mut offers = offers.filter(|offer| !offer.is_empty());
        let mut list: Vec<_> =
            offers.by_ref().take(MAX_OFFERS).map(|offer| Self::parse(offer, reader, utf8)).collect();
        if offers.next().is_some() {
            list.push(Err(OfferError::TooMany));
        }
        list
    }

    fn parse(offer: &[u8], reader: &mut Reader, utf8: bool) -> Result<Self, OfferError> {
        let colon = offer.iter().position(|byte| *byte == b':').ok_or(OfferError::Missing("id"))?;
        let id = number::decimal(&offer[..colon]).ok_or(OfferError::Missing("id"))?;
        let rest = &offer[colon + 1..];
        let (name, end) = FileName::cut(rest).ok_or(OfferError::Missing("name"))?;
        let mut fields = rest[end..].split(|byte| *byte == b':');
        let mut number = |field| fields.next().and_then(number::hex64).ok_or(OfferError::Missing(field));
        let (size, modified) = (number("size")?, number("time")?);
        let (kind, attributes) =
            fields.next().and_then(attributes).ok_or(OfferError::Missing("attributes"))?;
        let name = FileName::read(&name, reader, utf8)?;
        Ok(Self { id, name, size, modified, kind, attributes, extras: extras(fields) })
    }

    pub(crate) fn write(&self, body: &mut Vec<u8>, charset: Charset) -> Result<(), BuildError> {
        body.extend_from_slice(format!("{}:", self.id).as_bytes());
        body.extend_from_slice(&self.name.write(charset)?);
        body.extend_from_slice(format!(":{:x}:{:x}", self.size, self.modified).as_bytes());
        write_tail(body, self.kind, self.attributes, &self.extras);
        body.push(SEPARATOR);
        Ok(())
    }
}
