//! The IP Messenger protocol (UDP and TCP port 2425) and nothing else: bytes to packets and back, and the state
//! machine of a node. It cannot do I/O; time and randomness are arguments; its output is data.
//!
//! | to | use |
//! |---|---|
//! | read a datagram, or a request over TCP | [`Packet::parse`], then [`Body::parse`] |
//! | write one | [`Body::build`] |
//! | find out how a peer writes text | nothing: [`Reader`] learns it while it reads, and [`Dialect`] says how to answer |
//! | send more text than a datagram holds | [`Message::split`] |
//! | offer files and ask for them | [`mod@file`] |
//! | know what bounds the network | [`limits`] |
//!
//! ```
//! use ipmsg::{Body, Charset, Dialect, Message, Packet, Reader, Sender};
//!
//! let sender = Sender { user: "bob", host: "hostb" };
//! let message = Body::Message(Message::new("hello"));
//! let bytes = message.build(1_795_353_652, sender, Dialect::UTF_8)?;
//! assert_eq!(bytes, b"1:1795353652:bob:hostb:288:hello\0");
//!
//! let packet = Packet::parse(&bytes)?;
//! assert_eq!((packet.number, packet.user, packet.host), (1_795_353_652, &b"bob"[..], &b"hostb"[..]));
//! let mut reader = Reader::new(Charset::GBK);
//! assert_eq!(Body::parse(&packet, &mut reader)?, message);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body;
mod charset;
mod cipher;
mod command;
mod extension;
pub mod feiq;
pub mod file;
pub mod limits;
mod message;
pub mod node;
mod number;
mod packet;
mod page;
mod presence;
mod receipt;
mod seal;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;

pub use body::{Body, BodyError, BuildError, Sender, Topic};
pub use charset::{Charset, Dialect, Evidence, PeerCharset, Reader, Unmappable};
pub use cipher::{Ciphers, Encrypted, PublicKey};
pub use command::{AnyOptions, Command, EntryOptions, FileOptions, MessageOptions, Mode, Options};
pub use extension::{Capabilities, MessageId, MessageTag, NodeId, NodeTag, Part, Wants};
pub use message::{Message, Recipient};
pub use packet::{Field, Packet, PacketError};
pub use page::{Listed, Page};
pub use presence::{Presence, PresenceKind};
pub use receipt::{Receipt, ReceiptKind};
pub use seal::seal;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
