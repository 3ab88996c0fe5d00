//! What a packet says: its body, by its command.

use std::borrow::Cow;

use thiserror::Error;

use crate::charset::{Charset, Dialect, Reader, Unmappable};
use crate::command::{Command, Mode};
use crate::limits::{MAX_NAME, MAX_RECIPIENTS, MAX_SENT};
use crate::message::Message;
use crate::packet::{Packet, PacketError};
use crate::presence::{Presence, PresenceKind};
use crate::receipt::{Receipt, ReceiptKind};

/// What a packet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Who is there.
    Presence(Presence<'a>),
    /// A message.
    Message(Message<'a>),
    /// What has become of a message of ours.
    Receipt(Receipt),
    /// Something that is not read here; the packet still has all of it.
    Other,
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
    /// The number of the packet that is answered is missing, or is none.
    #[error("the body does not begin with the decimal number of a packet")]
    NoNumber,
}

/// Why something cannot be written as a packet.
#[derive(Debug, Error, PartialEq, Eq)]
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
    /// More recipients than the protocol allows.
    #[error("a message names at most {MAX_RECIPIENTS} recipients, not {count}")]
    TooManyRecipients {
        /// How many there are.
        count: usize,
    },
    /// A body that is never sent from here.
    #[error("only what was read as something can be written")]
    Other,
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
        match packet.command.mode() {
            Mode::BR_ENTRY => presence(PresenceKind::Entry, reader),
            Mode::ANSENTRY => presence(PresenceKind::Answer, reader),
            Mode::BR_ABSENCE => presence(PresenceKind::Change, reader),
            Mode::BR_EXIT => presence(PresenceKind::Exit, reader),
            Mode::SENDMSG => Ok(Self::Message(Message::parse(packet, reader))),
            Mode::RECVMSG => receipt(ReceiptKind::Received),
            Mode::READMSG => receipt(ReceiptKind::Opened),
            Mode::DELMSG => receipt(ReceiptKind::Discarded),
            Mode::ANSREADMSG => receipt(ReceiptKind::OpenedNoted),
            Mode::RELEASEFILES => receipt(ReceiptKind::FilesReleased),
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
            Self::Other => return Err(BuildError::Other),
        };
        datagram(number, from, dialect, command, &body)
    }
}

fn datagram(
    number: u32,
    from: Sender<'_>,
    dialect: Dialect,
    command: Command,
    body: &[u8],
) -> Result<Vec<u8>, BuildError> {
    let user = dialect.charset.encode(from.user)?;
    let host = dialect.charset.encode(from.host)?;
    let packet = Packet { version: VERSION, number, user: &user, host: &host, command, body };
    Ok(packet.build(MAX_SENT)?)
}

/// Encodes text that none of the separators may stand in.
pub(crate) fn text<'t>(
    text: &'t str,
    charset: Charset,
    separators: &[char],
) -> Result<Cow<'t, [u8]>, BuildError> {
    match text.chars().find(|character| separators.contains(character)) {
        Some(character) => Err(BuildError::Separator { character }),
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
