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

//!
//! # Driving a [`node::Node`]
//!
//! 1. Make it with what was stored: [`node::Config`] has the last packet number and the outbox. The seed differs from
//!    run to run.
//! 2. Bind one UDP socket to the wildcard address and [`node::Config::port`]; tell the interfaces with
//!    [`node::Command::Interfaces`], and again whenever they change. With that the node enters.
//! 3. Give it every datagram with [`node::Node::handle_datagram`] and its source, every wish with
//!    [`node::Node::handle_command`], and call [`node::Node::handle_timeout`] at [`node::Node::poll_timeout`] or soon after.
//! 4. Each call has the time ([`node::Now`]), read just before.
//! 5. After each call take [`node::Node::poll_transmit`] and [`node::Node::poll_event`] until both are empty, then ask
//!    [`node::Node::poll_timeout`] again. Datagrams are sent in their order; one that the socket refuses may be dropped, as
//!    the network does.
//! 6. An event with a [`node::Token`] waits for the disk: store what it has, so that a power cut cannot take it away, then say
//!    [`node::Command::Stored`]; or [`node::Command::NotStored`]. Nothing is sent or acknowledged before. Whoever stores it may
//!    send what follows by himself: [`node::Node::take_ahead`].
//! 7. An [`node::Incoming`] with an id is stored only if the disk has none with that id, and is `Stored` either way: so each
//!    is in the history once. One without an id may come twice.
//! 8. The outbox on disk is what was [`node::Event::Accepted`], without what was [`node::Event::Delivered`],
//!    [`node::Event::Failed`] or cancelled.
//! 9. [`node::Command::Leave`] says goodbye; drive on until [`node::Event::Left`].
//!
//! What it does not do: open sockets, read clocks, store anything, look up names, carry files over TCP, encrypt, or prove who
//! anybody is. Names, ids and addresses are claims.

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
