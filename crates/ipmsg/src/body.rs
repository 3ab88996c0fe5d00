//! What a packet says: its body, by its command.

use std::borrow::Cow;

use thiserror::Error;

use crate::charset::{Charset, Dialect, Reader, Unmappable};
use crate::cipher::{Ciphers, Encrypted, PublicKey};
use crate::command::{AnyOptions, Command, Mode, Options};
use crate::feiq;
use crate::file::{FileRequest, NameError, OfferError};
use crate::limits::{MAX_NAME, MAX_RECORD, MAX_SENT};
use crate::message::Message;
use crate::packet::{Packet, PacketError};
use crate::presence::{Presence, PresenceKind};
use crate::receipt::{Receipt, ReceiptKind};
use crate::seal::{SEAL_LENGTH, seal};

/// What a packet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Who is there.
    Presence(Presence<'a>),
    /// A message.
    Message(Message<'a>),
    /// What has become of a message of ours.
    Receipt(Receipt),
    /// A request for a file or a folder that was offered; over TCP.
    FileRequest(FileRequest<'a>),
    /// A question about the other side; answered with an [`Body::Answer`] to the same topic.
    Question(Topic),
    /// What the other side says of itself.
    Answer(Topic, Cow<'a, str>),
    /// A question for a public key (`GETPUBKEY`); the asker can use these.
    KeyRequest(Ciphers),
    /// A public key.
    PublicKey(PublicKey<'a>),
    /// A message or a request for a file, encrypted.
    Encrypted(Encrypted<'a>),
    /// A FeiQ tells that its person writes to us, or writes no more.
    Typing {
        /// Writes.
        now: bool,
    },
    /// Something that is not read here; the packet still has all of it. Among these are, on purpose, lists of hosts
    /// (`ANSLIST`): anybody could fill one with hosts that are not there.
    Other,
}

/// What can be asked of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Which program it is (`GETINFO`, `SENDINFO`).
    Program,
    /// Why its person is away (`GETABSENCEINFO`, `SENDABSENCEINFO`); the text is `Not absence mode` where it is not.
    Absence,
}

/// Whom our packets come from, for the fields of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender<'a> {
    /// The login name, without a colon.
    pub user: &'a str,
    /// The host name, without a colon.
    pub host: &'a str,
}

/// Why the body of a packet is not what its command says.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    /// A nick, group or the like that is too long.
    #[error("a name has {length} bytes, at most {MAX_NAME} are allowed")]
    NameTooLong {
        /// Bytes of the name in UTF-8.
        length: usize,
    },
    /// A field is missing, or has something else in its place.
    #[error("the body has no {0}")]
    Missing(&'static str),
}

/// Why something cannot be written as a packet.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BuildError {
    /// A field that would be read as something else, or a packet beyond [`MAX_SENT`].
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A character that the receiver's charset does not have.
    #[error(transparent)]
    Unmappable(#[from] Unmappable),
    /// A character that would be read as the end of the text it stands in.
    #[error("{character:?} cannot stand here, it is a separator of the protocol: leave it out")]
    Separator {
        /// The character.
        character: char,
    },
    /// A group whose name would be read as a section of ours.
    #[error("a group cannot have this name, it means something in the protocol: choose another")]
    Reserved,
    /// More of something than a message may have.
    #[error("a message has at most {most} {what}, not {count}: send several")]
    TooMany {
        /// Recipients or files.
        what: &'static str,
        /// What is allowed.
        most: usize,
        /// How many there are.
        count: usize,
    },
    /// Something offered that was refused when it was read.
    #[error(transparent)]
    Offer(#[from] OfferError),
    /// The name of a file that was refused when it was read.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The head of a record whose receiver would refuse it.
    #[error("the head of a record has {length} bytes, at most {MAX_RECORD} are allowed")]
    RecordTooLong {
        /// Bytes of the head.
        length: usize,
    },
    /// Something that is only read here.
    #[error("packets of this kind are only read here, never written")]
    NotWritten,
}

/// The version of the protocol, as we write it.
const VERSION: &[u8] = b"1";

impl<'a> Body<'a> {
    /// Reads the body of a packet as its command says, and learns from it how the peer writes text. Text is never
    /// refused: what is no character in any charset becomes U+FFFD.
    ///
    /// # Errors
    /// When the body is not what the command says.
    pub fn parse(packet: &Packet<'a>, reader: &mut Reader) -> Result<Self, BodyError> {
        let presence = |kind, reader| Presence::parse(kind, packet, reader).map(Self::Presence);
        let receipt = |kind| Receipt::parse(kind, packet).map(Self::Receipt);
        if feiq::Version::parse(packet.version).is_some() {
            reader.assume(Charset::GBK);
        }
        let encrypted = packet.command.options().has(Options::ENCRYPT);
        match packet.command.mode() {
            Mode::SENDMSG | Mode::GETFILEDATA | Mode::GETDIRFILES if encrypted => {
                Encrypted::parse(packet).map(Self::Encrypted)
            }
            Mode::BR_ENTRY => presence(PresenceKind::Entry, reader),
            Mode::ANSENTRY => presence(PresenceKind::Answer, reader),
            Mode::BR_ABSENCE => presence(PresenceKind::Change, reader),
            Mode::BR_EXIT => presence(PresenceKind::Exit, reader),
            Mode::NOOPERATION => presence(PresenceKind::Note, reader),
            Mode::SENDMSG | Mode::IPTUX_SENDMSG => Ok(Self::Message(Message::parse(packet, reader))),
            Mode::RECVMSG => receipt(ReceiptKind::Received),
            Mode::READMSG => receipt(ReceiptKind::Opened),
            Mode::DELMSG => receipt(ReceiptKind::Discarded),
            Mode::ANSREADMSG => receipt(ReceiptKind::OpenedNoted),
            Mode::RELEASEFILES => receipt(ReceiptKind::FilesReleased),
            Mode::GETFILEDATA | Mode::GETDIRFILES => FileRequest::parse(packet).map(Self::FileRequest),
            Mode::GETINFO => Ok(Self::Question(Topic::Program)),
            Mode::GETABSENCEINFO => Ok(Self::Question(Topic::Absence)),
            Mode::SENDINFO => Ok(Self::answer(Topic::Program, packet, reader)),
            Mode::SENDABSENCEINFO => Ok(Self::answer(Topic::Absence, packet, reader)),
            Mode::GETPUBKEY => Ciphers::parse(packet.additional()).map(Self::KeyRequest),
            Mode::ANSPUBKEY => PublicKey::parse(packet).map(Self::PublicKey),
            Mode::FEIQ_TYPING => Ok(Self::Typing { now: true }),
            Mode::FEIQ_TYPING_END => Ok(Self::Typing { now: false }),
            _ => Ok(Self::Other),
        }
    }

    /// Writes a datagram, ready to be sent.
    ///
    /// # Errors
    /// When it says something that the receiver could not read, or is longer than [`MAX_SENT`].
    pub fn build(&self, number: u32, from: Sender<'_>, dialect: Dialect) -> Result<Vec<u8>, BuildError> {
        let (command, body) = match self {
            Self::Presence(presence) => presence.write(dialect)?,
            Self::Message(message) => message.write(dialect)?,
            Self::Receipt(receipt) => receipt.write(),
            Self::FileRequest(request) => request.write(dialect),
            Self::Question(topic) => (Command::new(topic.modes().0, Options::<AnyOptions>::NONE), vec![0]),
            Self::Answer(topic, answer) => {
                let mut body = text(answer, dialect.charset, b"\0")?.into_owned();
                body.push(0);
                (Command::new(topic.modes().1, dialect.flag(Options::<AnyOptions>::NONE)), body)
            }
            Self::KeyRequest(ciphers) => ciphers.write(),
            Self::PublicKey(key) => key.write(),
            Self::Encrypted(encrypted) => encrypted.write(),
            Self::Typing { now } => {
                let mode = if *now { Mode::FEIQ_TYPING } else { Mode::FEIQ_TYPING_END };
                (Command::new(mode, Options::<AnyOptions>::NONE), vec![0])
            }
            Self::Other => return Err(BuildError::NotWritten),
        };
        let user = dialect.charset.encode(from.user)?;
        let host = dialect.charset.encode(from.host)?;
        let packet = Packet { version: VERSION, number, user: &user, host: &host, command, body: &body };
        if !self.is_ours() {
            return Ok(packet.build(MAX_SENT)?);
        }
        let mut datagram = packet.build(MAX_SENT - SEAL_LENGTH)?;
        seal(&mut datagram);
        Ok(datagram)
    }

    /// Whether it has a section of ours, and so a checksum.
    fn is_ours(&self) -> bool {
        match self {
            Self::Presence(presence) => presence.ours.is_some(),
            Self::Message(message) => message.ours.is_some(),
            Self::Receipt(receipt) => receipt.ours.is_some(),
            _ => false,
        }
    }

    fn answer(topic: Topic, packet: &Packet<'a>, reader: &mut Reader) -> Self {
        let utf8 = packet.command.options().has(Options::UTF8);
        Self::Answer(topic, reader.read(packet.additional(), utf8))
    }
}

impl Topic {
    /// Of its question and of its answer.
    fn modes(self) -> (Mode, Mode) {
        match self {
            Self::Program => (Mode::GETINFO, Mode::SENDINFO),
            Self::Absence => (Mode::GETABSENCEINFO, Mode::SENDABSENCEINFO),
        }
    }
}

/// Encodes text that none of the separators may stand in.
pub(crate) fn text<'t>(
    text: &'t str,
    charset: Charset,
    separators: &[u8],
) -> Result<Cow<'t, [u8]>, BuildError> {
    match separators.iter().find(|separator| text.as_bytes().contains(separator)) {
        Some(separator) => Err(BuildError::Separator { character: char::from(*separator) }),
        None => Ok(charset.encode(text)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Options;

    fn parsed(datagram: &[u8]) -> Body<'_> {
        Body::parse(&Packet::parse(datagram).unwrap(), &mut Reader::new(Charset::GBK)).unwrap()
    }

    #[test]
    fn a_presence_of_each_program_is_read() {
        let presence = |datagram| match parsed(datagram) {
            Body::Presence(presence) => presence,
            other => panic!("{other:?}"),
        };
        let iptux = presence(b"1_iptux 0.8.3:4:root:vm:259:root\0\0icon-tux.png\0utf-8\0");
        assert_eq!((iptux.kind, &*iptux.nick, &*iptux.group), (PresenceKind::Answer, "root", ""));
        assert!(iptux.options.has(Options::ABSENCE));
        let feiq =
            presence(b"1_lbt6_0#128#020000000001#0#0#0#4001#9:1795354196:bob:hostb:1:\xb7\xc9\xc7\xef\0");
        assert_eq!((feiq.kind, &*feiq.nick), (PresenceKind::Entry, "飞秋"));
        let newer =
            presence("1:5:u:h:16777217:?\0?\0\nUN:用户\nHN:h\nNN:名\nGN:组\nVS:00010002:4:9:9\0".as_bytes());
        assert_eq!((&*newer.nick, &*newer.group, newer.user.as_deref()), ("名", "组", Some("用户")));
    }

    #[test]
    fn what_is_written_reads_as_the_same() {
        let sender = Sender { user: "bob", host: "hostb" };
        let mut presence = Presence::new(PresenceKind::Answer, "名");
        presence.options = Options::CAPUTF8.with(Options::FILEATTACH);
        presence.user = Some("bob".into());
        for body in [
            Body::Presence(presence),
            Body::Message(Message::new("你好: utf8 😀\nsecond line")),
            Body::Receipt(Receipt::new(ReceiptKind::Received, u32::MAX)),
        ] {
            for dialect in [Dialect::UTF_8, Dialect::FLAGGED_UTF_8] {
                let bytes = body.build(7, sender, dialect).unwrap();
                assert_eq!(parsed(&bytes), body);
            }
        }
    }
}
