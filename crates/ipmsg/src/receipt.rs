//! "Your packet number N": answers that name a packet of the other side.

use crate::body::BodyError;
use crate::command::{Command, MessageOptions, Mode, Options};
use crate::extension::MessageTag;
use crate::number;
use crate::packet::Packet;

/// An answer that names a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What has become of it.
    pub kind: ReceiptKind,
    /// The number of that packet.
    pub number: u32,
    /// [`Options::READCHECK`] on a [`ReceiptKind::Opened`] wants a [`ReceiptKind::OpenedNoted`]. Nothing else here is
    /// ever answered, whatever its options: iptux sets [`Options::SENDCHECK`] on its receipts.
    pub options: Options<MessageOptions>,
    /// Our own section, as the message had it.
    pub ours: Option<MessageTag>,
}

/// What has become of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptKind {
    /// The message arrived (`RECVMSG`).
    Received,
    /// The sealed message was opened (`READMSG`).
    Opened,
    /// The sealed message was thrown away unopened (`DELMSG`).
    Discarded,
    /// The news that the sealed message was opened arrived (`ANSREADMSG`).
    OpenedNoted,
    /// The files offered with the message are not needed any more (`RELEASEFILES`).
    FilesReleased,
}

impl ReceiptKind {
    /// The mode of its packets.
    #[must_use]
    pub fn mode(self) -> Mode {
        match self {
            Self::Received => Mode::RECVMSG,
            Self::Opened => Mode::READMSG,
            Self::Discarded => Mode::DELMSG,
            Self::OpenedNoted => Mode::ANSREADMSG,
            Self::FilesReleased => Mode::RELEASEFILES,
        }
    }
}

impl Receipt {
    /// Without options and section.
    #[must_use]
    pub fn new(kind: ReceiptKind, number: u32) -> Self {
        Self { kind, number, options: Options::NONE, ours: None }
    }

    /// Whether an answer is wanted.
    #[must_use]
    pub fn wants_answer(&self) -> bool {
        self.kind == ReceiptKind::Opened && self.options.has(Options::READCHECK)
    }

    pub(crate) fn parse(kind: ReceiptKind, packet: &Packet<'_>) -> Result<Self, BodyError> {
        let mut sections = packet.sections();
        let number = number::answered(sections.next().unwrap_or_default())
            .ok_or(BodyError::Missing("packet number"))?;
        let options = Options::from_bits(packet.command.options().bits());
        Ok(Self { kind, number, options, ours: MessageTag::find(sections) })
    }

    pub(crate) fn write(&self) -> (Command, Vec<u8>) {
        let mut body = self.number.to_string().into_bytes();
        body.push(0);
        if let Some(ours) = self.ours {
            ours.write(&mut body);
            body.push(0);
        }
        (Command::new(self.kind.mode(), self.options), body)
    }
}
