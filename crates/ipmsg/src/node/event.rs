//! What a node is asked to do, and what it tells.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use thiserror::Error;

use crate::body::{BuildError, Topic};
use crate::extension::{MessageId, NodeId};
use crate::file::{Offer, OfferError};
use crate::limits::MAX_PARTS;
use crate::node::config::{Interface, Profile};
use crate::node::outbox::{MAX_QUEUED, MAX_QUEUED_FOR_ONE, MAX_TEXT, Outgoing};
use crate::node::peers::{PeerId, Person};

/// What the driver wants of a node.
#[derive(Clone, Debug)]
pub enum Command {
    /// These are the host's interfaces now. The node makes itself known on each that is new; so this is how it enters.
    Interfaces(Vec<Interface>),
    /// These addresses are asked one by one, again and again while nobody answers there: people of other subnets.
    Ask(Vec<SocketAddr>),
    /// Everybody in sight is asked again.
    Refresh,
    /// The person says something else of himself now.
    Profile(Profile),
    /// Whose messages and questions are dropped without a word from now on; nobody else's.
    Block(Vec<Person>),
    /// Sends a text. What comes of it are events, the first of them [`Event::Accepted`].
    Send {
        /// To whom; someone who is not there gets it when he comes.
        to: Person,
        /// The text, its lines separated by LF.
        text: String,
        /// Whether it is sealed: shown when the other opens it, which [`Event::Opened`] tells.
        sealed: bool,
        /// Whatever the driver likes; [`Event::Accepted`] has it too.
        reference: u64,
    },
    /// A message that is not delivered is not sent any more. It may have arrived, if only its receipts were lost.
    Cancel(MessageId),
    /// What an event with this token told is on disk.
    Stored(Token),
    /// What an event with this token told could not be stored: it has not happened.
    NotStored(Token),
    /// The person has opened a sealed message that this peer sent with this number.
    Open {
        /// The sender.
        peer: PeerId,
        /// The number of the message.
        number: u32,
    },
    /// Asks a peer about itself. Not every program answers.
    Question {
        /// Whom.
        peer: PeerId,
        /// About what.
        topic: Topic,
    },
    /// Says goodbye to everybody; [`Event::Left`] follows.
    Leave,
}

/// Something that waits for the disk. Each is used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Why a node does not do what it was asked to.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// A text with nothing in it.
    #[error("there is no text to send: write one")]
    Empty,
    /// A text beyond the cap.
    #[error("the text has {length} bytes, a message has at most {MAX_TEXT}: send it as a file")]
    TooLong {
        /// Bytes of the text in UTF-8.
        length: usize,
    },
    /// A text that cannot be written for this receiver.
    #[error(transparent)]
    Unwritable(#[from] BuildError),
    /// Too many messages wait already.
    #[error(
        "too many messages wait already (at most {MAX_QUEUED_FOR_ONE} for one person, {MAX_QUEUED} in all): cancel some"
    )]
    OutboxFull,
    /// The table of peers is full, and the receiver is not in it.
    #[error("the table of peers is full: nobody new can be written to until others have left")]
    PeersFull,
    /// A message that does not wait (any more).
    #[error("there is no such message that waits to be delivered: it may be delivered by now")]
    NoMessage,
    /// A peer that is not in the table, or whose address is not known.
    #[error("there is no such peer in sight")]
    NoPeer,
    /// A token that was never given, or was used before.
    #[error("this token waits for nothing")]
    NoToken,
}

/// A datagram to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// To this address, from the socket that is bound to the node's port.
    pub to: SocketAddr,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a node tells. Text and names come from outside, and may have anything in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A peer has come, or another of ours has told of it: see [`crate::node::Peer::standing`].
    PeerCame(PeerId),
    /// Something of a peer has changed.
    PeerChanged(PeerId),
    /// A peer is there no more.
    PeerLeft(PeerId),
    /// A peer is written to at another address from now on, since the one before is silent. Names and ids are claims:
    /// this may be another machine.
    PeerMoved {
        /// The peer.
        peer: PeerId,
        /// Where it was.
        from: SocketAddr,
        /// Where it is.
        to: SocketAddr,
    },
    /// A peer speaks from a second address. It is written to at the first for as long as it answers there.
    PeerAlsoAt {
        /// The peer.
        peer: PeerId,
        /// The second address.
        address: SocketAddr,
    },
    /// Two peers of another program have the same names, at two addresses: two machines, or one with two addresses.
    /// They stay two, until one is silent. A third is not told of.
    SameNames {
        /// The one that has just come.
        peer: PeerId,
        /// The one that was there.
        other: PeerId,
    },
    /// Another machine says that it is this node: a state folder was copied.
    SameNode {
        /// Where.
        address: SocketAddr,
    },
    /// Presence from this address is not taken: the table is full.
    PeersFull {
        /// The address.
        address: IpAddr,
    },

    /// A message is to be put on disk and then [`Command::Stored`]; it is sent after that.
    Accepted {
        /// For [`Command::Stored`].
        token: Token,
        /// What [`Command::Send`] had.
        reference: u64,
        /// All that is to be stored.
        message: Outgoing,
    },
    /// A message was received by its receiver's program; it leaves the outbox.
    Delivered {
        /// Which.
        message: MessageId,
        /// Whose program.
        peer: PeerId,
        /// The time since it was first sent, in this run of the node.
        took: Duration,
    },
    /// Nobody has answered to all that was sent; the message waits and is sent again in time.
    Queued {
        /// Which.
        message: MessageId,
        /// For whom.
        peer: PeerId,
    },
    /// A message that waited can never be sent: its receiver turned out to read a charset that has no such character.
    /// It leaves the outbox.
    Failed {
        /// Which.
        message: MessageId,
        /// The character, and the charset.
        why: BuildError,
    },

    /// A message has come. It is to be put on disk, unless it is there already, and then [`Command::Stored`].
    Message {
        /// For [`Command::Stored`].
        token: Token,
        /// The message.
        message: Incoming,
    },
    /// A sealed message was opened, or thrown away. To be put on disk, and then [`Command::Stored`].
    Opened {
        /// For [`Command::Stored`].
        token: Token,
        /// By whom.
        peer: PeerId,
        /// The number that the message, or a part of it, was sent with.
        number: u32,
        /// Whether it was thrown away unread.
        discarded: bool,
    },
    /// A peer sent something encrypted, which nobody can read here: no key of ours was ever announced.
    Unreadable {
        /// Who.
        peer: PeerId,
    },
    /// A peer answers a [`Command::Question`].
    Answered {
        /// Who.
        peer: PeerId,
        /// About what.
        topic: Topic,
        /// What.
        text: String,
    },
    /// A peer's person writes to us, or has stopped.
    Typing {
        /// Who.
        peer: PeerId,
        /// Writes.
        now: bool,
    },
    /// A peer does not need the files any more that were offered to it with the message of this number.
    FilesReleased {
        /// Who.
        peer: PeerId,
        /// The number of the message.
        number: u32,
    },
    /// Goodbye was said; nothing more is sent.
    Left,
}

/// A message that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Whose.
    pub peer: PeerId,
    /// From where.
    pub address: SocketAddr,
    /// Between two of ours: which message of which node, whenever it comes. It is stored if and only if the disk has
    /// none with this pair.
    pub id: Option<(NodeId, MessageId)>,
    /// The number of its packet, or of the first of them.
    pub number: u32,
    /// The text; it may have anything in it.
    pub text: String,
    /// Files and folders that are offered with it; or, one by one, why not.
    pub offers: Vec<Result<Offer, OfferError>>,
    /// Others who got it too, as user and host, where the sender tells.
    pub recipients: Vec<(String, String)>,
    /// Whether the person is to open it first; then [`Command::Open`].
    pub sealed: bool,
    /// Whether a program wrote it, as an absence's text.
    pub automatic: bool,
    /// Whether it went to everybody.
    pub broadcast: bool,
}

impl std::fmt::Debug for Transmit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "to {}: {}", self.to, self.bytes.escape_ascii())
    }
}

/// [`MAX_TEXT`] between ours is at most [`MAX_PARTS`] datagrams: half of each is text at the least.
const _: () = assert!(MAX_TEXT <= MAX_PARTS as usize * 1024);
