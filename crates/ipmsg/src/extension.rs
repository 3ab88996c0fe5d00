//! How nodes of ours know each other: one more section behind those of the others, which nobody else looks at.
//!
//! - On presence, `trunkline:1:NODE:CAPABILITIES`: who the node is, across addresses, names and restarts, and what it can
//!   do beyond the protocol.
//! - On messages and receipts between two of ours, `trunkline:1:MESSAGE:INDEX:COUNT`: which message this is, and which
//!   part of it, so that it is in the history once and whole however often it came.
//!
//! All numbers are hexadecimal. Fields behind these are left to later versions and skipped.

use std::fmt;

use crate::limits::MAX_PARTS;
use crate::number;

/// A node of ours: chosen at random once, and kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u128);

/// A message of ours: chosen at random for each, and the same in every part and every repetition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u128);

/// What a node of ours can do beyond the protocol, one bit each. None has a meaning yet; those of later versions are
/// kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(pub u32);

/// Our section of a presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeTag {
    /// Who it is: a claim, as all in a packet is.
    pub node: NodeId,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// Our section of a message and of its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageTag {
    /// Which message.
    pub id: MessageId,
    /// Which part of it.
    pub part: Part,
}

/// One of the datagrams that a text was cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    index: u16,
    count: u16,
}

/// What our section begins with. The text of a message cannot feign it, since no text has a NUL in it.
const PREFIX: &[u8] = b"trunkline:1:";

impl Part {
    /// A message that is whole in one datagram.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// The one that takes most bytes.
    pub(crate) const LONGEST: Self = Self { index: MAX_PARTS - 1, count: MAX_PARTS };

    /// Part `index`, counted from 0, of `count`; none unless the index is below the count, and that at most
    /// [`MAX_PARTS`].
    #[must_use]
    pub fn new(index: u16, count: u16) -> Option<Self> {
        (index < count && count <= MAX_PARTS).then_some(Self { index, count })
    }

    pub(crate) fn of(index: usize, count: usize) -> Option<Self> {
        Self::new(index.try_into().ok()?, count.try_into().ok()?)
    }

    /// Which one, counted from 0.
    #[must_use]
    pub fn index(self) -> u16 {
        self.index
    }

    /// Of how many.
    #[must_use]
    pub fn count(self) -> u16 {
        self.count
    }
}

impl NodeTag {
    /// Finds our section among those of a presence.
    pub(crate) fn find<'a>(sections: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut fields = fields(sections)?;
        let node = NodeId(number::hex128(fields.next()?)?);
        Some(Self { node, capabilities: Capabilities(number::hex32(fields.next()?)?) })
    }

    pub(crate) fn write(self, body: &mut Vec<u8>) {
        body.extend_from_slice(PREFIX);
        body.extend_from_slice(format!("{}:{:x}", self.node, self.capabilities.0).as_bytes());
    }
}

impl MessageTag {
    /// Finds our section among those of a message or a receipt.
    pub(crate) fn find<'a>(sections: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut fields = fields(sections)?;
        let id = MessageId(number::hex128(fields.next()?)?);
        let mut small = || u16::try_from(number::hex32(fields.next()?)?).ok();
        Some(Self { id, part: Part::new(small()?, small()?)? })
    }

    pub(crate) fn write(self, body: &mut Vec<u8>) {
        body.extend_from_slice(PREFIX);
        body.extend_from_slice(format!("{}:{:x}:{:x}", self.id, self.part.index, self.part.count).as_bytes());
    }
}

fn fields<'a>(mut sections: impl Iterator<Item = &'a [u8]>) -> Option<impl Iterator<Item = &'a [u8]>> {
    let ours = sections.find_map(|section| section.strip_prefix(PREFIX))?;
    Some(ours.split(|byte| *byte == b':'))
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
