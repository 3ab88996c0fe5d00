//! What is asked for over TCP: `packet:id:offset` for a file, `packet:id` for a folder, all hexadecimal.

use crate::body::BodyError;
use crate::charset::Dialect;
use crate::command::{Command, FileOptions, Mode, Options};
use crate::number;
use crate::packet::Packet;

/// A request for something that was offered. The answer is its bytes and nothing else, or the stream of
/// [`super::Record`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRequest<'a> {
    /// What is wanted.
    pub wanted: Wanted,
    /// The number of the packet that offered it. iptux does not care for it, and neither has a right to.
    pub offered_in: u32,
    /// The id in the offer.
    pub id: u32,
    /// How it is wanted; without [`Options::UTF8`] and [`Options::ENCRYPT`], which are for the codec.
    pub options: Options<FileOptions>,
    /// What else was said: of encryption, by IP Messenger.
    pub extra: &'a [u8],
}

/// What a [`FileRequest`] wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The bytes of a file, from this one on. iptux sends all of them whatever the offset says.
    Bytes {
        /// Bytes to leave out.
        from: u64,
    },
    /// The stream of a folder. IP Messenger asks for a single file so, too.
    Records,
}

impl<'a> FileRequest<'a> {
    pub(crate) fn parse(packet: &Packet<'a>) -> Result<Self, BodyError> {
        let options = Options::from_bits(packet.command.options().bits()).without(Options::UTF8);
        let is_file = packet.command.mode() == Mode::GETFILEDATA;
        let mut fields = packet.additional().splitn(if is_file { 4 } else { 3 }, |byte| *byte == b':');
        let mut field = |name| fields.next().ok_or(BodyError::Missing(name));
        let hex32 = |digits, name| number::hex32(digits).ok_or(BodyError::Missing(name));
        let offered_in = hex32(field("packet number")?, "packet number")?;
        let id = hex32(field("file id")?, "file id")?;
        let wanted = if is_file {
            let from = number::hex64(field("offset")?).ok_or(BodyError::Missing("offset"))?;
            Wanted::Bytes { from }
        } else {
            Wanted::Records
        };
        Ok(Self { wanted, offered_in, id, options, extra: fields.next().unwrap_or_default() })
    }

    pub(crate) fn write(&self, dialect: Dialect) -> (Command, Vec<u8>) {
        let (mode, offset) = match self.wanted {
            Wanted::Bytes { from } => (Mode::GETFILEDATA, format!(":{from:x}")),
            Wanted::Records => (Mode::GETDIRFILES, String::new()),
        };
        let mut body = format!("{:x}:{:x}{offset}", self.offered_in, self.id).into_bytes();
        if !self.extra.is_empty() {
            body.push(b':');
            body.extend_from_slice(self.extra);
        }
        body.push(0);
        (Command::new(mode, dialect.flag(self.options.without(Options::ENCRYPT))), body)
    }
}
