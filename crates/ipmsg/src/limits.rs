//! What bounds the network. Every size that a peer could choose for us has its name and its reason here.

/// Bytes of a datagram that is read: the most that UDP over IPv4 carries (RFC 768: a 16-bit length with 8 bytes of
/// header, behind 20 bytes of IP). IP Messenger sends up to 32 KiB.
pub const MAX_RECEIVED: usize = 65_507;

/// Bytes of a datagram that is sent: one packet on Ethernet, with room for a tunnel's headers, so that no router cuts
/// it and one lost frame never costs more than one datagram.
pub const MAX_SENT: usize = 1400;

/// Bytes of any field of a packet's head, of a nick or group name, and of a file name: what Linux takes for a file
/// name (`NAME_MAX`), and three times what IP Messenger takes for a person's.
pub const MAX_NAME: usize = 255;

/// Sections of a body that are looked at. The fullest packet known has six (presence of ours); what comes later is
/// kept as bytes and costs nothing.
pub const MAX_SECTIONS: usize = 16;

/// Recipients that a message names: draft 14 of the protocol allows 30.
pub const MAX_RECIPIENTS: usize = 30;

/// Datagrams that one text of ours may be cut into, some 40 KB: a longer one is a file. They are all under way at
/// once, and fit into the 208 KiB that Linux gives a socket for what it has received (net.core.rmem_default); and it
/// bounds what a receiver keeps for a text that never becomes whole.
pub const MAX_PARTS: u16 = 32;

/// Nodes on one page of a list of ours: more than fit into [`MAX_SENT`] with the shortest names, so that a datagram
/// of the greatest size cannot name thousands.
pub const MAX_LISTED: usize = 64;

/// Files that a message offers; those beyond are refused together. Thirty fit into a datagram of ours, a few hundred
/// into one of IP Messenger; a datagram of the greatest size could name 5,000.
pub const MAX_OFFERS: usize = 256;

/// Further attributes of a file that are looked at: the protocol has 17.
pub const MAX_EXTRAS: usize = 32;

/// Bytes of the head of a record in the stream of a folder: a name of [`MAX_NAME`], numbers, and room for attributes
/// that are skipped. The head must be in memory as a whole before its end is known.
pub const MAX_RECORD: usize = 4096;

/// Digits of a key or a signature: 4096 bits in hexadecimal, the largest that the protocol has a number for.
pub const MAX_KEY_DIGITS: usize = 1024;
