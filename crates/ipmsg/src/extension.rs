//! How nodes of ours know each other: one more section behind those of the others, which nobody else looks at.
//!
//! - On presence, `trunkline:1:NODE:CAPABILITIES:WANTS`: who the node is, across addresses, names and restarts, what it
//!   can do beyond the protocol, and which answer it wants from others of ours.
//! - On messages and receipts between two of ours, `trunkline:1:FROM:TO:MESSAGE:INDEX:COUNT:AFTER`: who sends this packet
//!   and to whom, which message it is about, which part of it, and what it comes after, so that it is in the right
//!   history, once, whole and in its place, however often and wherever it came.
//!
//! All numbers are hexadecimal. Fields behind these are left to later versions and skipped. A packet with such a section
//! ends with a checksum (`seal.rs`); without a right one it is not read.

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
    /// Which answer to its entry it wants from others of ours.
    pub wants: Wants,
}

/// What an entry wants from others of ours. Nodes that are not ours answer every entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wants {
    /// Nothing: it knows them, and asks the others.
    #[default]
    Nothing,
    /// One answer that speaks for many: it went to everybody, from one who has just come.
    List,
    /// An answer of the one it was sent to.
    Answer,
}

/// Our section of a message and of its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageTag {
    /// Who sends this packet: a claim, as all in a packet is.
    pub from: NodeId,
    /// Whom it is for: an address may have become another's.
    pub to: NodeId,
    /// Which message.
    pub id: MessageId,
    /// Which part of it.
    pub part: Part,
    /// On a message, the number of the packet that the same receiver is to take before this one; 0 if there is none.
    pub after: u32,
}

/// One of the datagrams that a text was cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    index: u16,
    count: u16,
}

/// What our section begins with. The text of a message cannot feign it, since no text has a NUL in it.
pub(crate) const PREFIX: &[u8] = b"trunkline:1:";

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
        let capabilities = Capabilities(number::hex32(fields.next()?)?);
        let wants = match fields.next() {
            Some(b"1") => Wants::List,
            Some(b"2") => Wants::Answer,
            _ => Wants::Nothing,
        };
        Some(Self { node, capabilities, wants })
    }

    pub(crate) fn write(self, body: &mut Vec<u8>) {
        body.extend_from_slice(PREFIX);
        let wants = match self.wants {
            Wants::Nothing => 0,
            Wants::List => 1,
            Wants::Answer => 2,
        };
        body.extend_from_slice(format!("{}:{:x}:{wants}", self.node, self.capabilities.0).as_bytes());
    }
}

impl MessageTag {
    /// Finds our section among those of a message or a receipt.
    pub(crate) fn find<'a>(sections: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut fields = fields(sections)?;
        let mut node = || number::hex128(fields.next()?).map(NodeId);
        let (from, to) = (node()?, node()?);
        let id = MessageId(number::hex128(fields.next()?)?);
        let mut small = || u16::try_from(number::hex32(fields.next()?)?).ok();
        let part = Part::new(small()?, small()?)?;
        Some(Self { from, to, id, part, after: number::hex32(fields.next()?)? })
    }

    pub(crate) fn write(self, body: &mut Vec<u8>) {
        body.extend_from_slice(PREFIX);
        let Self { from, to, id, part: Part { index, count }, after } = self;
        body.extend_from_slice(format!("{from}:{to}:{id}:{index:x}:{count:x}:{after:x}").as_bytes());
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
