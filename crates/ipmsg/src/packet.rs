//! A datagram as it stands on the wire, `Ver:PacketNo:User:Host:Command:Additional\0Section\0Section...\0`, and no
//! meaning yet. A request over TCP has the same form.

use thiserror::Error;

use crate::command::Command;
use crate::limits::{MAX_NAME, MAX_RECEIVED, MAX_SECTIONS};
use crate::number;
use crate::seal::Seal;

/// The fields of a packet, as bytes: which charset they have is for [`crate::Reader`] to find out. Built back, it is
/// what was parsed, but for leading zeros of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// `1`, and what some programs add to it: `1_iptux 0.8.3`, `1_lbt6_0#128#...` (FeiQ), `1@shiyeline`.
    pub version: &'a [u8],
    /// The sender's number for this packet; answers name it.
    pub number: u32,
    /// The sender's login name: a claim.
    pub user: &'a [u8],
    /// The sender's host name: a claim.
    pub host: &'a [u8],
    /// What it is, and its options.
    pub command: Command,
    /// All that follows the fifth colon, with its NULs.
    pub body: &'a [u8],
}

/// A field of a packet, for [`PacketError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The first.
    Version,
    /// The second, a decimal number of 32 bits.
    Number,
    /// The third.
    User,
    /// The fourth.
    Host,
    /// The fifth, a decimal number of 32 bits.
    Command,
}

/// Why bytes are no packet, or fields do not make one.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PacketError {
    /// Nothing at all.
    #[error("the datagram is empty")]
    Empty,
    /// More than a datagram may have.
    #[error("the packet has {length} bytes, at most {most} are allowed here")]
    TooLong {
        /// Bytes of the packet.
        length: usize,
        /// What is allowed.
        most: usize,
    },
    /// An IPDict, the form that IP Messenger 4.5 and later use among themselves once both sides say that they can
    /// (CAPIPDICT, which is never said here). The bytes are left to whoever has them.
    #[error("the datagram is an IPDict (IP2:), which is not read here")]
    Dict,
    /// A packet of ours whose bytes are not those that were sent.
    #[error("the datagram was damaged on its way: its checksum is wrong")]
    Damaged,
    /// A first field that is not `1` or does not begin with `1` and a mark.
    #[error("the datagram does not begin with the version 1 of IP Messenger")]
    NotIpMessenger,
    /// The datagram ends before the colon that closes this field.
    #[error("the packet ends within the field {0}")]
    Missing(Field),
    /// A number with something other than digits, or beyond 32 bits.
    #[error("the field {0} is not a decimal number of 32 bits")]
    NoNumber(Field),
    /// A field beyond its cap.
    #[error("the field {0} has {1} bytes, at most {max} are allowed", max = MAX_NAME)]
    FieldTooLong(Field, usize),
    /// A NUL inside a field, or, when building, a colon: what follows would be read as something else.
    #[error("the field {0} has a NUL or a colon in it")]
    Separator(Field),
}

impl<'a> Packet<'a> {
    /// Reads a datagram. Tolerated are a missing NUL at the end and many of them (IP Messenger pads what it sends
    /// again with 64), and anything after the `1` of the version but a digit.
    ///
    /// # Errors
    /// When it is no packet of this protocol; the error says what is wrong with it.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, PacketError> {
        if datagram.is_empty() {
            return Err(PacketError::Empty);
        }
        if datagram.len() > MAX_RECEIVED {
            return Err(PacketError::TooLong { length: datagram.len(), most: MAX_RECEIVED });
        }
        if datagram.starts_with(b"IP2:") {
            return Err(PacketError::Dict);
        }
        if Seal::of(datagram) == Seal::Broken {
            return Err(PacketError::Damaged);
        }
        let mut rest = datagram;
        if !is_version(rest) {
            return Err(PacketError::NotIpMessenger);
        }
        Ok(Self {
            version: take(&mut rest, Field::Version)?,
            number: take_number(&mut rest, Field::Number)?,
            user: take(&mut rest, Field::User)?,
            host: take(&mut rest, Field::Host)?,
            command: Command::from_number(take_number(&mut rest, Field::Command)?),
            body: rest,
        })
    }

    /// Writes the packet. `most` is [`crate::limits::MAX_SENT`] for what goes out, [`MAX_RECEIVED`] for what a
    /// datagram can hold at all.
    ///
    /// # Errors
    /// When a field would be read as something else, or the packet is longer than `most`.
    pub fn build(&self, most: usize) -> Result<Vec<u8>, PacketError> {
        if !is_version(self.version) {
            return Err(PacketError::NotIpMessenger);
        }
        for (text, field) in
            [(self.version, Field::Version), (self.user, Field::User), (self.host, Field::Host)]
        {
            if text.contains(&b':') {
                return Err(PacketError::Separator(field));
            }
            check(text, field)?;
        }
        let mut bytes = Vec::with_capacity(
            self.version.len() + self.user.len() + self.host.len() + self.body.len() + TWO_NUMBERS_AND_COLONS,
        );
        bytes.extend_from_slice(self.version);
        bytes.push(b':');
        number::push_decimal(&mut bytes, self.number);
        for text in [self.user, self.host] {
            bytes.push(b':');
            bytes.extend_from_slice(text);
        }
        bytes.push(b':');
        number::push_decimal(&mut bytes, self.command.number());
        bytes.push(b':');
        bytes.extend_from_slice(self.body);
        if bytes.len() > most {
            return Err(PacketError::TooLong { length: bytes.len(), most });
        }
        Ok(bytes)
    }

    /// The body cut at its NULs: the additional section first, then the others. NULs at the end count for nothing;
    /// beyond [`MAX_SECTIONS`] nothing is cut any more.
    pub fn sections(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let end = self.body.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.body[..end].split(|byte| *byte == 0).take(MAX_SECTIONS)
    }

    /// The additional section: what stands before the first NUL.
    #[must_use]
    pub fn additional(&self) -> &'a [u8] {
        let end = self.body.iter().position(|byte| *byte == 0).unwrap_or(self.body.len());
        &self.body[..end]
    }
}

/// Two numbers of at most ten digits, and five colons.
const TWO_NUMBERS_AND_COLONS: usize = 25;

/// `1` alone, or with anything after it that does not make another number of it.
fn is_version(bytes: &[u8]) -> bool {
    match bytes {
        [b'1'] => true,
        [b'1', next, ..] => !next.is_ascii_digit(),
        _ => false,
    }
}

/// Cuts a field off, and the colon behind it.
fn take<'a>(rest: &mut &'a [u8], field: Field) -> Result<&'a [u8], PacketError> {
    let colon = rest.iter().position(|byte| *byte == b':').ok_or(PacketError::Missing(field))?;
    let text = &rest[..colon];
    *rest = &rest[colon + 1..];
    check(text, field)?;
    Ok(text)
}

fn take_number(rest: &mut &[u8], field: Field) -> Result<u32, PacketError> {
    number::decimal(take(rest, field)?).ok_or(PacketError::NoNumber(field))
}

fn check(text: &[u8], field: Field) -> Result<(), PacketError> {
    if text.len() > MAX_NAME {
        return Err(PacketError::FieldTooLong(field, text.len()));
    }
    if text.contains(&0) {
        return Err(PacketError::Separator(field));
    }
    Ok(())
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Version => "version",
            Self::Number => "packet number",
            Self::User => "user",
            Self::Host => "host",
            Self::Command => "command",
        })
    }
}
